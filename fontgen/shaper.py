"""The compiled shaper: C under ``wasm/`` to a WebAssembly module, by ziglang's clang.

In a checkout the module is compiled from the sources, once for each state of them; a wheel carries the
modules (see ``hatch_build.py``), so that its users need no compiler.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import platformdirs

from . import table
from .errors import FontgenError
from .wasm_binary import with_custom_section

FLAVOURS = ("simd128", "portable")
"""simd128: needs a runtime with SIMD128. portable: every runtime that HarfBuzz's documentation builds."""
UNIVERSAL = "universal"
"""The portable module with the simd128 one in a custom section, which our host runs instead."""
MODULES = (UNIVERSAL, *FLAVOURS)
"""What can stand in a font's ``Wasm`` table."""
SIMD_SECTION = "simd128"
"""Name of that section. A runtime that does not know it must ignore it (core specification, 2.5.9)."""

_PACKAGED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parent.parent

_SOURCES = (
    "shape", "settings", "paragraph", "replacement", "features", "text", "continuation", "sampler", "engine",
    "tokenizer", "model", "memory", "inspection",
)  # fmt: skip
# What every runtime accepts: see the list of features in wasm/README.md.
_FEATURES = "+bulk_memory+multivalue+mutable_globals+nontrapping_fptoint+reference_types+sign_ext"
_COMPILER_FLAGS = (
    "-target", "wasm32-freestanding", "-std=c11", "-O3", "-fwrapv", "-ffp-contract=off", "-fno-builtin",
    "-Wall", "-Wextra", "-Werror", "-mllvm", "-disable-lsr",
)  # fmt: skip
_LINKER_FLAGS = (
    "--no-entry", "--export=malloc", "--export=free", "--strip-all", "--gc-sections",
    # A stack that overflows then traps instead of running into data.
    "--stack-first", "-z", "stack-size=16384",
)  # fmt: skip


def shaper_module(flavour: str) -> bytes:
    """The WebAssembly module of the shaper, as it goes into the font's ``Wasm`` table.

    Raises `FontgenError` when the flavour is unknown or the compiler fails.
    """
    if flavour == UNIVERSAL:
        return with_custom_section(
            shaper_module("portable"), SIMD_SECTION, shaper_module("simd128")
        )
    if flavour not in FLAVOURS:
        raise FontgenError(f"unknown flavour {flavour!r}, not one of {', '.join(MODULES)}")
    packaged = _PACKAGED / f"shaper-{flavour}.wasm"
    if packaged.exists():
        return packaged.read_bytes()
    sources = _CHECKOUT / "wasm"
    if not sources.is_dir():
        raise FontgenError("neither a compiled shaper nor its sources are installed", path=packaged)
    cache = Path(platformdirs.user_cache_dir("fontgen")) / "shaper"
    cached = cache / f"{_source_hash(sources)}-{flavour}.wasm"
    if not cached.exists():
        module = compile_shaper(sources, flavour)
        cache.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(module)
        temporary.replace(cached)
    return cached.read_bytes()


def default_model_path() -> Path:
    """The folder of the model that fonts are built from unless another is named."""
    packaged = _PACKAGED / "model"
    return packaged if packaged.is_dir() else _CHECKOUT / "model"


def compile_shaper(sources: Path, flavour: str) -> bytes:
    """Compile the C files in ``sources`` for a flavour; raises `FontgenError` with the compiler's words."""
    processor = "mvp" + _FEATURES + ("+simd128" if flavour == "simd128" else "")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "font_tables.h").write_text(table.c_header())
        objects = []
        for name in (*_SOURCES, f"matmul_{flavour}"):
            source, compiled = sources / f"{name}.c", Path(folder, f"{name}.o")
            target = (f"-mcpu={processor}", f"-I{folder}")
            _zig("cc", *_COMPILER_FLAGS, *target, "-c", str(source), "-o", str(compiled))
            objects.append(str(compiled))
        output = Path(folder, "shaper.wasm")
        _zig("wasm-ld", *_LINKER_FLAGS, *objects, "-o", str(output))
        return output.read_bytes()


def _zig(*arguments: str) -> None:
    command = [sys.executable, "-m", "ziglang", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        cause = errors[0] if errors else done.stderr or f"exit status {done.returncode}"
        raise FontgenError(f"ziglang {arguments[0]} failed: {cause}")


def _source_hash(sources: Path) -> str:
    """Changes whenever the sources, the flags, the table layout or the compiler do."""
    parts = [table.c_header().encode(), repr((_COMPILER_FLAGS, _LINKER_FLAGS, _FEATURES)).encode()]
    parts.append(metadata.version("ziglang").encode())
    for path in sorted(sources.glob("*.[ch]")):
        parts += [path.name.encode(), path.read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
