"""Starting a program so that it uses the host, with nothing on the system changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.host.native.fonts import fontconfig_file
from fontgen.host.native.library import Host

# The dynamic linker's variable that puts a directory before the system's.
LIBRARY_PATH = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
PRECOMPILE = Path(__file__).with_name("precompile.py")
PRECOMPILE_SECONDS = 5
"""How long a program's start may be put off for that."""


def find_program(name: str) -> Path:
    """The file that running ``name`` would execute.

    Raises:
        FontgenError: there is none.
    """
    found = shutil.which(name)
    if found is None:
        raise FontgenError("no such program", path=name)
    return Path(found)


def environment_for(
    host: Host, font_directories: Sequence[Path], base: Mapping[str, str]
) -> dict[str, str]:
    """``base`` with the host's libraries first and the fonts registered."""
    environment = dict(base)
    libraries = [str(host.library_directory)]
    if environment.get(LIBRARY_PATH):
        libraries.append(environment[LIBRARY_PATH])
    environment[LIBRARY_PATH] = os.pathsep.join(libraries)
    if font_directories:
        environment["FONTCONFIG_FILE"] = str(fontconfig_file(font_directories, base))
    return environment


def precompile(host: Host, font_directories: Sequence[Path], *, verbose: bool = False) -> None:
    """Has the fonts' Wasm tables compiled into the cache, where they are not there yet.

    A program that finds them there shows its first text some tenths of a second sooner. In a
    process of its own, for these are fonts of which nothing is known; whatever becomes of it, the
    program can be started.
    """
    if not font_directories or not sys.executable:
        return
    # Without the site module and the user's settings it starts in a third of the time.
    command = [sys.executable, "-I", "-S", str(PRECOMPILE), str(host.library)]
    command += [str(directory.absolute()) for directory in font_directories]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if verbose else subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=PRECOMPILE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        if verbose:
            print(f"fontgen: compiling the fonts' modules: {error}", file=sys.stderr)
        return
    if verbose:
        for line in done.stdout.splitlines():
            milliseconds, _, path = line.partition("\t")
            print(f"fontgen: {path}: module ready in {milliseconds} ms", file=sys.stderr)


def run(
    host: Host, program: str, arguments: Sequence[str], font_directories: Sequence[Path]
) -> int:
    """Becomes ``program``; where a process cannot, returns its exit status.

    Raises:
        FontgenError: there is no such program, or it cannot be started.
    """
    path = find_program(program)
    environment = environment_for(host, font_directories, os.environ)
    try:
        if sys.platform == "win32":
            return subprocess.run([str(path), *arguments], env=environment, check=False).returncode
        os.execve(path, [program, *arguments], environment)
    except OSError as error:
        raise FontgenError(f"cannot be started: {error.strerror}", path=path) from error
