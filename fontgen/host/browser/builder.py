"""Compiling HarfBuzz to WebAssembly with ziglang, once for each state of its recipe.

A wheel carries the compiled module (see ``hatch_build.py``), so that its users need no compiler.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import IO

from fontgen.errors import FontgenError
from fontgen.host import sources
from fontgen.host.browser import recipe
from fontgen.host.cache import cache_root
from fontgen.progress import Reporter

FILE_NAME = "harfbuzz.wasm"
_PACKAGED = Path(__file__).parents[2] / "data" / FILE_NAME


def harfbuzz_module(reporter: Reporter | None = None) -> bytes:
    """HarfBuzz as a WebAssembly module. See `ensure_built`."""
    return ensure_built(reporter).read_bytes()


def ensure_built(reporter: Reporter | None = None, *, force: bool = False) -> Path:
    """The file of that module: the wheel's, the one in the user's cache, or compiled now.

    Args:
        reporter: told what happens when it is compiled, which takes a minute or two.
        force: compile it, whatever is there.

    Raises:
        FontgenError: the source archive cannot be had, or the compiler failed; the message names the log.
    """
    if _PACKAGED.is_file() and not force:
        return _PACKAGED
    path = _cached_path()
    if force or not path.is_file():
        try:
            _build(path, reporter or Reporter(quiet=True))
        except OSError as error:
            raise FontgenError(
                f"building HarfBuzz for browsers failed: {error.strerror or error}",
                path=error.filename,
            ) from error
    return path


def _cached_path() -> Path:
    try:
        version = metadata.version("ziglang")
    except metadata.PackageNotFoundError as error:
        raise FontgenError(
            "the package ziglang is not installed: pip install 'fontgen[compiler]'"
        ) from error
    key = recipe.key(sources.UHARFBUZZ_SHA256, version)
    return cache_root() / f"harfbuzz-{sources.HARFBUZZ_VERSION}-browser-{key}.wasm"


def _build(path: Path, reporter: Reporter) -> None:
    log_path = path.parent / "logs" / f"{path.stem}.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    reporter.note(
        f"building HarfBuzz {sources.HARFBUZZ_VERSION} for browsers (a minute or two, once)"
    )
    with (
        tempfile.TemporaryDirectory(prefix="building.", dir=path.parent) as folder,
        open(log_path, "w", encoding="utf-8") as log,
        reporter.steps(total=3) as steps,
    ):
        scratch = Path(folder)
        steps.begin(f"Fetching {sources.UHARFBUZZ_SDIST}")
        archive = sources.fetch(path.parent / "downloads", log)
        source, _ = sources.extract(archive, scratch / "source")
        steps.begin("Compiling HarfBuzz to WebAssembly")
        compiled, linked = scratch / "harfbuzz.o", scratch / FILE_NAME
        _zig(
            [*recipe.COMPILER_FLAGS, f"-I{source}", "-c", str(source / "harfbuzz.cc")],
            compiled,
            log,
        )
        steps.begin("Linking")
        exports = [f"-Wl,--export={name}" for name in recipe.EXPORTS]
        _zig([*recipe.LINKER_FLAGS, str(compiled), *exports], linked, log)
        os.replace(linked, path)


def _zig(arguments: list[str], output: Path, log: IO[str]) -> None:
    """Runs ``zig c++`` for the browser; its words go to the log."""
    command = [sys.executable, "-m", "ziglang", "c++", "-target", recipe.TARGET, *arguments]
    # A cache of its own: removed with the scratch directory, not left in the user's home.
    cache = str(output.parent / "zig")
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    log.write(f"$ {' '.join(command)}\n")
    log.flush()
    done = subprocess.run(
        [*command, "-o", str(output)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise FontgenError(f"compiling HarfBuzz for browsers failed (log: {log.name})")
