"""The fonts that a program sees: registered for one run, or installed for the user.

Both go through fontconfig, which is what programs on Linux ask for fonts.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError
from fontgen.files import write_output
from fontgen.font import woff
from fontgen.font.file import read_font, split_member
from fontgen.host.cache import cache_root

_SAMPLE_TEXT = 19  # of the name table
SYSTEM_FONTCONFIG = "/etc/fonts/fonts.conf"


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


def directory_of(files: Sequence[Path]) -> Path:
    """A directory with these fonts and no others, for fontconfig, which takes directories only.

    It stays in the cache, named by the files and their age: fontconfig looks at a directory's time, not a file's.

    Raises:
        FontgenError: one is not a font.
    """
    fonts = [plain_font(file) for file in files]
    key = "\n".join(f"{font.path} {font.path.stat().st_mtime_ns}" for font in fonts)
    name = hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()[:16]
    directory = cache_root() / "fontconfig" / name
    directory.mkdir(parents=True, exist_ok=True)
    for number, font in enumerate(fonts):
        target = directory / f"{number}-{font.file_name}"
        if font.unpacked is not None:
            write_output(target, font.unpacked)
        elif not target.is_symlink():
            target.symlink_to(font.path)
    return directory


@dataclass(frozen=True)
class PlainFont:
    """A font file as a program can use it.

    Attributes:
        path: absolute.
        family: the name under which programs list it; of a collection, its member's.
        unpacked: the plain font, where the file is WOFF or WOFF2.
        sample: a text that shows what it does, if it says one and is no language model, which goes on with any text.
    """

    path: Path
    family: str
    unpacked: bytes | None
    sample: str | None = None

    @property
    def file_name(self) -> str:
        """What a copy of it is called."""
        return self.path.name if self.unpacked is None else f"{self.path.stem}.ttf"


def plain_font(spec: str | os.PathLike[str]) -> PlainFont:
    """Opens a font file, or ``FILE.ttc#1``; of a collection, the first member gives the name otherwise.

    Raises:
        FontgenError: it cannot be read, is not a font, or has no name.
    """
    path, member = split_member(spec)
    file = read_font(path, member or 0)
    try:
        with TTFont(io.BytesIO(file.data), fontNumber=file.index, lazy=True) as font:
            family = font["name"].getBestFamilyName()
            sample = font["name"].getDebugName(_SAMPLE_TEXT) if "Llam" not in font else None
    except Exception as error:  # fontTools raises whatever the bytes lead it to
        raise FontgenError("is not a font with a name", path=path) from error
    if not family:
        raise FontgenError("is not a font with a name", path=path)
    with open(path, "rb") as opened:
        packed = woff.is_packed(opened.read(4))
    return PlainFont(path.absolute(), str(family), file.data if packed else None, sample)


def user_directory() -> Path:
    """Where a user's own fonts are that came from here.

    Raises:
        FontgenError: on Windows, which keeps fonts in its registry.
    """
    if sys.platform == "win32":
        raise FontgenError("fonts cannot be installed from here on Windows: open the file")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Fonts" / "fontgen"
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "fonts" / "fontgen"


def installed() -> list[Path]:
    """The fonts that `install` has put there."""
    if sys.platform == "win32":
        return []
    return sorted(path for path in user_directory().glob("*") if path.is_file())


def install(font: PlainFont) -> Path:
    """Copies a font to where the user's programs find it; one of the same file name gives way.

    Raises:
        FontgenError: it cannot be written.
    """
    target = user_directory() / font.file_name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        data = font.path.read_bytes() if font.unpacked is None else font.unpacked
    except OSError as error:
        raise FontgenError(str(error.strerror), path=error.filename) from error
    write_output(target, data)
    _refresh(target.parent)
    return target


def uninstall(name: str) -> Path:
    """Removes what `install` has put there, by its file name.

    Raises:
        FontgenError: there is none of that name.
    """
    target = user_directory() / Path(name).name
    try:
        target.unlink()
    except FileNotFoundError:
        known = ", ".join(path.name for path in installed()) or "none is"
        raise FontgenError(f"is not installed by fontgen; {known}", path=target.name) from None
    except OSError as error:
        raise FontgenError(str(error.strerror), path=target) from error
    _refresh(target.parent)
    return target


def _refresh(directory: Path) -> None:
    """Has fontconfig look again; programs would do it themselves, each when it starts."""
    if program := shutil.which("fc-cache"):
        subprocess.run([program, str(directory)], capture_output=True, check=False)
