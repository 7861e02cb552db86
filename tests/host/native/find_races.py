"""Looks for data races in the adapter and in HarfBuzz with ThreadSanitizer.

    python tests/host/native/find_races.py [--build DIR] [FONT...]

Compiles HarfBuzz and the adapter with ``-fsanitize=thread`` into one program with
shape_in_threads.c (needs g++ or clang++: ``$CXX``; some minutes, once per ``--build`` directory) and
runs it with eight threads in several ways: one font and several, guests that trap, modules compiled
anew and from the cache, faces that come and go, and with each FONT given, such as fonts/llama.ttf.
Wasmtime itself is not compiled for it; races.supp names what that makes it report, and nothing else.
Exit code 1 and the reports, when there are any.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2])]

from support.host_fonts import compile_guest, with_wasm  # noqa: E402

from fontgen.font.base import default_base_path  # noqa: E402
from fontgen.host import sources  # noqa: E402
from fontgen.host.native import find, library, recipe  # noqa: E402
from fontgen.host.native.platforms import here  # noqa: E402

THREADS = 8
REPORTED = 66
"""ThreadSanitizer's exit code."""


def compile_program(directory: Path) -> Path:
    """The program in ``directory``; compiles what is not there or is older than its source."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise SystemExit("no C++ compiler: install g++, or set CXX")
    archive = sources.fetch(library.cache_root() / "downloads", sys.stderr)
    harfbuzz, _ = sources.extract(archive, directory / "source")
    adapter = recipe.ADAPTER_DIRECTORY
    # As the host is compiled, but for the sanitizer.
    kept = [
        flag
        for flag in recipe.CXX_FLAGS
        if flag.startswith(("-f", "-w")) and "sanitize" not in flag
    ]
    flags = ["-O1", "-g", "-fsanitize=thread", *kept, *here().harfbuzz_defines]
    flags += [f"-I{path}" for path in (adapter, adapter / "freetype", harfbuzz)]

    def run(*command: str | Path) -> None:
        subprocess.run([compiler, *flags, *map(str, command)], check=True)

    own_flags = {unit.source: unit.flags for unit in recipe.adapter_units()}
    headers = max(path.stat().st_mtime for path in adapter.rglob("*.h*"))
    objects = []
    for source in sorted(adapter.glob("*.cc")) + [
        harfbuzz / "harfbuzz.cc",
        HERE / "shape_in_threads.c",
    ]:
        output = directory / f"{source.name}.o"
        objects.append(output)
        newest = max(source.stat().st_mtime, headers)
        if source.parent == harfbuzz:  # just unpacked, and patched by the recipe
            newest = max(
                path.stat().st_mtime for path in (Path(recipe.__file__), adapter / "wasm_export.h")
            )
        if output.is_file() and output.stat().st_mtime > newest:
            continue
        print(f"compiling {source.name}", file=sys.stderr)
        language = ["-x", "c"] if source.suffix == ".c" else ["-std=c++17", "-DHAVE_WASM=1"]
        run(*language, *own_flags.get(source.name, ()), "-c", source, "-o", output)
    program = directory / "shape_in_threads"
    run(*objects, "-o", program, "-lm", "-lpthread", "-ldl")
    return program


def reports(program: Path, arguments: list[object], **environment: str) -> str:
    """What the sanitizer says of one run; empty when it is content.

    Raises:
        SystemExit: results differed, or the program failed otherwise.
    """
    host = find()
    if host is None:
        raise SystemExit("the host is not built: `fontgen host build`")
    done = subprocess.run(
        [str(program), str(THREADS), *map(str, arguments)],
        env={
            **os.environ,
            "FONTGEN_WASMTIME": str(host.library_directory / Path(here().wasmtime_library).name),
            "TSAN_OPTIONS": f"suppressions={HERE / 'races.supp'}",
            # The sanitizer slows everything down; the thread that keeps the time runs all the same.
            "FONTGEN_WASM_TIMEOUT_MS": "600000",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, REPORTED):
        raise SystemExit(f"{program} failed with status {done.returncode}: {done.stderr}")
    if json.loads(done.stdout)["differing"]:
        raise SystemExit(f"results differ: {done.stdout}")
    return done.stderr if done.returncode == REPORTED else ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Looks for data races with ThreadSanitizer.")
    parser.add_argument("--build", type=Path, metavar="DIR", help="keep what is compiled in DIR")
    parser.add_argument("fonts", nargs="*", type=Path, metavar="FONT")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        directory = args.build.absolute() if args.build else Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        program = compile_program(directory)
        fonts = []
        for source in ("trivial.c", "hostile.c", "api.c"):
            fonts.append(directory / f"{source}.ttf")
            module = compile_guest(source, directory / "guest.wasm", "-DGUEST_HEAP")
            fonts[-1].write_bytes(with_wasm(default_base_path(), module))
        cache = str(directory / "compiled")
        # Name, arguments (shapes per thread, shared faces, every how many a new face), cache.
        runs: list[tuple[str, list[object], str]] = [
            ("one font, one face", [500, 1, 0, fonts[0]], cache),
            ("guests that trap", [500, 1, 0, fonts[1]], cache),
            ("three fonts, faces that come and go", [200, 3, 10, *fonts], cache),
            ("modules compiled in each face", [40, 3, 10, *fonts[:2]], "off"),
        ]
        for font in args.fonts:
            runs.append((f"{font.name}, faces that come and go", [200, 3, 20, font], cache))
            runs.append((f"{font.name}, compiled in each face", [20, 2, 10, font], "off"))
        found = False
        for name, arguments, where in runs:
            report = reports(program, arguments, FONTGEN_WASM_CACHE=where)
            print(f"{name}: {'RACES' if report else 'clean'}", flush=True)
            print(report, end="", file=sys.stderr)
            found = found or bool(report)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
