"""Starting a program so that it uses the host, with nothing on the system changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from fontgen.errors import FontgenError
from fontgen.host.library import Host, cache_root

# The dynamic linker's variable that puts a directory before the system's.
LIBRARY_PATH = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
SYSTEM_FONTCONFIG = "/etc/fonts/fonts.conf"


def find_program(name: str) -> Path:
    """The file that running ``name`` would execute.

    Raises:
        FontgenError: there is none.
    """
    found = shutil.which(name)
    if found is None:
        raise FontgenError("no such program", path=name)
    return Path(found)


def fontconfig_file(directories: Sequence[Path], environment: Mapping[str, str]) -> Path:
    """A fontconfig configuration: the one in force, and ``directories`` besides.

    It is named by its content and stays in the cache, since programs read it whenever they like.
    """
    base = environment.get("FONTCONFIG_FILE") or SYSTEM_FONTCONFIG
    lines = [f'<include ignore_missing="yes">{escape(base)}</include>']
    lines += [f"<dir>{escape(str(directory.absolute()))}</dir>" for directory in directories]
    text = (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        + "\n".join(lines)
        + '\n<cachedir prefix="xdg">fontconfig</cachedir>\n</fontconfig>\n'
    )
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = cache_root() / "fontconfig" / f"{name}.conf"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    return path


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
            import subprocess

            return subprocess.run([str(path), *arguments], env=environment, check=False).returncode
        os.execve(path, [program, *arguments], environment)
    except OSError as error:
        raise FontgenError(f"cannot be started: {error.strerror}", path=path) from error
