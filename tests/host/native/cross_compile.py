"""Compiles the host's libraries for other platforms, which this machine cannot run by itself.

    python tests/host/native/cross_compile.py [--run EMULATOR] [--only LIBRARY] OUTPUT TARGET...

TARGET is zig's name of a platform: aarch64-linux-gnu.2.28, x86_64-linux-musl, aarch64-macos,
x86_64-macos, x86_64-windows-gnu. Into OUTPUT/TARGET go the libraries, and Wasmtime from its wheel for
that platform. The Python extension is left out: it needs that platform's Python.

With ``--run qemu-aarch64-static`` (Debian: qemu-user-static), or another program that runs that
platform's, eight threads shape with a Wasm font there and all results must be the same; on glibc the
emulator needs its libraries: QEMU_LD_PREFIX=/usr/aarch64-linux-gnu (Debian: libc6-arm64-cross, libgcc-s1-arm64-cross).
"""

from __future__ import annotations

import argparse
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
from fontgen.host.native import builder, library, recipe  # noqa: E402
from fontgen.host.native.installed import installed_versions  # noqa: E402
from fontgen.host.native.platforms import Platform  # noqa: E402
from fontgen.host.native.release import download_wasmtime  # noqa: E402
from fontgen.progress import Reporter  # noqa: E402

FUNCTIONS = ("hb_shape_full", "hb_face_create", "hb_ft_font_create", "hb_glib_blob_create")
"""Some that a library must export, by names that are in the file then."""


def add_wasmtime(platform: Platform, directory: Path) -> None:
    """Puts Wasmtime's library for the platform into the directory."""
    with tempfile.TemporaryDirectory() as temporary:
        version = installed_versions()["wasmtime"]
        library, _ = download_wasmtime(platform, version, Path(temporary))
        shutil.copy(library, directory)


def chosen_libraries(only: str | None) -> tuple[recipe.Library, ...]:
    """All, or one and those that it links with; each after what it needs, as the recipe has them."""
    libraries = recipe.libraries()
    wanted = {lib.name for lib in libraries if only in (None, lib.name)}
    for lib in reversed(libraries):
        wanted |= set(lib.needs) if lib.name in wanted else set()
    return tuple(lib for lib in libraries if lib.name in wanted)


def compile_libraries(platform: Platform, output: Path, only: str | None) -> Path:
    """The libraries, as the builder makes them; returns their directory."""
    root = library.cache_root()
    output.mkdir(parents=True, exist_ok=True)
    libraries = chosen_libraries(only)
    with (
        tempfile.TemporaryDirectory() as temporary,
        open(output / "build.log", "w", encoding="utf-8") as log,
    ):
        work = builder.Build(Path(temporary), root / "objects", log, installed_versions(), platform)
        work.unpack(sources.fetch(root / "downloads", log))
        objects = work.compile_all(libraries, Reporter(), with_extension=False)
        for lib in libraries:
            work.link_library(lib, objects[lib.name])
        shutil.rmtree(output / "lib", ignore_errors=True)
        shutil.copytree(work.result / "lib", output / "lib")
    return output / "lib"


def shape_there(platform: Platform, directory: Path, emulator: list[str]) -> None:
    """Runs shape_in_threads.c on the other platform."""
    with tempfile.TemporaryDirectory() as temporary:
        program, font = Path(temporary, "shape_in_threads"), Path(temporary, "font.ttf")
        subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", "-target", platform.target, "-O2", "-w"]
            + [str(HERE / "shape_in_threads.c"), "-lpthread", "-o", str(program)]
            + [str(directory / platform.library_file_name("harfbuzz")), f"-Wl,-rpath,{directory}"],
            check=True,
        )
        module = compile_guest("trivial.c", Path(temporary, "guest.wasm"))
        font.write_bytes(with_wasm(default_base_path(), module))
        done = subprocess.run(
            [*emulator, str(program), "8", "100", "2", "10", str(font)],
            env={
                **os.environ,
                "FONTGEN_WASM_CACHE": f"{temporary}/compiled",
                "FONTGEN_WASM_TIMEOUT_MS": "600000",  # emulators are slow
                "FONTGEN_WASM_TRACE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or '"differing": 0' not in done.stdout or "instance: " not in done.stderr:
        raise SystemExit(f"does not run: status {done.returncode}\n{done.stdout}\n{done.stderr}")
    print(f"{platform.target}: runs: {done.stdout}", end="")


def main() -> None:
    parser = argparse.ArgumentParser(description="Compiles the host for other platforms.")
    parser.add_argument("--run", metavar="EMULATOR", help="shape there with this program")
    parser.add_argument("--only", metavar="LIBRARY", help="harfbuzz, or one with what it needs")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("targets", nargs="+", metavar="TARGET")
    args = parser.parse_args()
    for target in args.targets:
        platform = Platform(target)
        directory = compile_libraries(platform, args.output.absolute() / target, args.only)
        add_wasmtime(platform, directory)
        for lib in sorted(directory.iterdir()):
            print(f"{target}: {lib.name}: {lib.stat().st_size:,} bytes")
        if args.only in (None, "harfbuzz"):
            data = (directory / platform.library_file_name("harfbuzz")).read_bytes()
            missing = [name for name in FUNCTIONS if name.encode() not in data]
            if missing:
                raise SystemExit(f"{target}: exports no {', '.join(missing)}")
        if args.run:
            shape_there(platform, directory, args.run.split())


if __name__ == "__main__":
    main()
