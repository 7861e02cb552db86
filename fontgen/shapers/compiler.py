"""Compiled shapers: C under ``wasm/`` to a WebAssembly module, by ziglang's clang.

A shaper is a folder of C files; ``wasm/sdk/`` is a library that each takes what it needs from. A file whose
name ends in a flavour's, ``matmul_simd128.c``, is compiled for that flavour only. In a checkout a module is
compiled once for each state of its sources; a wheel carries the modules (see ``hatch_build.py``), so that its
users need no compiler.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import platformdirs

from fontgen.errors import FontgenError
from fontgen.shapers import sdk
from fontgen.shapers.binary import with_custom_section
from fontgen.shapers.flavours import FLAVOURS, MODULES, SIMD_SECTION, UNIVERSAL

_PACKAGED = Path(__file__).parents[1] / "data"
_SOURCES = Path(__file__).parents[2] / "wasm"
_SDK = "sdk"

# What every runtime accepts: see the list of features in wasm/llama/README.md.
_FEATURES = "+bulk_memory+multivalue+mutable_globals+nontrapping_fptoint+reference_types+sign_ext"
_COMPILER_FLAGS = (
    "-target", "wasm32-freestanding", "-std=c11", "-fwrapv", "-ffp-contract=off", "-fno-builtin",
    "-Wall", "-Wextra", "-Werror", "-mllvm", "-disable-lsr",
)  # fmt: skip
_LINKER_FLAGS = (
    "--no-entry", "--export=malloc", "--export=free", "--strip-all", "--gc-sections",
    # A stack that overflows then traps instead of running into data.
    "--stack-first", "-z", "stack-size=16384",
)  # fmt: skip


FASTEST = ("-O3",)
SMALLEST = ("-Oz", "-flto", "-mllvm", "-inline-threshold=0")
"""What the compiler strives for. Functions written into their callers save no room where a call is two bytes; with
link-time optimisation the linker is the one that compiles."""


def shaper_module(
    program: str, flavour: str, headers: Mapping[str, str], optimise: tuple[str, ...] = FASTEST
) -> bytes:
    """The WebAssembly module of a shaper, as it goes into the font's ``Wasm`` table.

    Args:
        program: the shaper's folder in ``wasm/``.
        flavour: one of `MODULES`.
        headers: C headers that its sources include and that are not files, by name.
        optimise: `FASTEST` or `SMALLEST`.

    Raises:
        FontgenError: the flavour is unknown, or the compiler fails.
    """
    if flavour == UNIVERSAL:
        return with_custom_section(
            shaper_module(program, "portable", headers, optimise),
            SIMD_SECTION,
            shaper_module(program, "simd128", headers, optimise),
        )
    if flavour not in FLAVOURS:
        raise FontgenError(f"unknown flavour {flavour!r}, not one of {', '.join(MODULES)}")
    packaged = _PACKAGED / packaged_name(program, flavour)
    if packaged.exists():
        return packaged.read_bytes()
    folder = sources_of(program)
    if not folder.is_dir():
        raise FontgenError("neither a compiled shaper nor its sources are installed", path=packaged)
    return cached_module(folder, flavour, headers, optimise)


def sources_of(name: str) -> Path:
    """The folder of ``wasm/`` of that name; a wheel carries those that programs of one's own need."""
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _SOURCES / name


def cached_module(
    folder: Path, flavour: str, headers: Mapping[str, str], optimise: tuple[str, ...] = FASTEST
) -> bytes:
    """The module of the C files in any folder, compiled once for each state of them."""
    cache = Path(platformdirs.user_cache_dir("fontgen")) / "shaper"
    cached = cache / f"{_source_hash(folder, headers, optimise)}-{flavour}.wasm"
    if not cached.exists():
        module = compile_shaper(folder, flavour, headers, optimise)
        cache.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(module)
        temporary.replace(cached)
    return cached.read_bytes()


def packaged_name(program: str, flavour: str) -> str:
    """The file that a wheel carries a shaper's module in."""
    return f"{program}-{flavour}.wasm"


def compile_shaper(
    folder: Path, flavour: str, headers: Mapping[str, str], optimise: tuple[str, ...] = FASTEST
) -> bytes:
    """Compile the SDK and the C files of a folder for a flavour.

    Raises `FontgenError` with the compiler's words.
    """
    processor = "mvp" + _FEATURES + ("+simd128" if flavour == "simd128" else "")
    with tempfile.TemporaryDirectory() as made:
        for name, text in {**sdk.headers(), **headers}.items():
            Path(made, name).write_text(text)
        target = (*optimise, f"-mcpu={processor}", f"-I{made}", f"-I{sources_of(_SDK)}")

        def compiled(source: Path) -> str:
            path = Path(made, f"{source.parent.name}-{source.stem}.o")
            _zig("cc", *_COMPILER_FLAGS, *target, "-c", str(source), "-o", str(path))
            return str(path)

        library, output = Path(made, "sdk.a"), Path(made, "shaper.wasm")
        members = [compiled(source) for source in sorted(sources_of(_SDK).glob("*.c"))]
        _zig("ar", "rcsD", str(library), *members)
        objects = [compiled(source) for source in _sources(folder, flavour)]
        _zig(
            "wasm-ld",
            *_LINKER_FLAGS,
            *_of_linker(optimise),
            *objects,
            str(library),
            "-o",
            str(output),
        )
        return output.read_bytes()


def _of_linker(optimise: tuple[str, ...]) -> list[str]:
    """What the linker must be told again when it compiles."""
    if "-flto" not in optimise:
        return []
    both = (*optimise, *_COMPILER_FLAGS)
    return [
        "--lto-O2",
        *(word for i, flag in enumerate(both) if flag == "-mllvm" for word in both[i : i + 2]),
    ]


def _sources(folder: Path, flavour: str) -> list[Path]:
    """The C files of a shaper, in the order of their names, other flavours' left out."""
    others = tuple(f"_{other}" for other in FLAVOURS if other != flavour)
    return sorted(path for path in folder.glob("*.c") if not path.stem.endswith(others))


def _zig(*arguments: str) -> None:
    command = [sys.executable, "-m", "ziglang", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        cause = errors[0] if errors else done.stderr or f"exit status {done.returncode}"
        raise FontgenError(f"ziglang {arguments[0]} failed: {cause}")


def _zig_version() -> str:
    try:
        return metadata.version("ziglang")
    except metadata.PackageNotFoundError:
        raise FontgenError(
            "the compiler, the package ziglang, is not installed: pip install 'fontgen[compiler]'"
        ) from None


def _source_hash(folder: Path, headers: Mapping[str, str], optimise: tuple[str, ...]) -> str:
    """Changes whenever the sources, the headers, the flags or the compiler do."""
    parts = [repr((optimise, _COMPILER_FLAGS, _LINKER_FLAGS, _FEATURES)).encode()]
    parts.append(_zig_version().encode())
    for name, text in sorted({**sdk.headers(), **headers}.items()):
        parts += [name.encode(), text.encode()]
    for source_folder in (sources_of(_SDK), folder):
        for path in sorted(source_folder.glob("*.[ch]")):
            parts += [path.name.encode(), path.read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
