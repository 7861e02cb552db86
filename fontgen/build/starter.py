"""What ``fontgen new`` writes: a small program in C and the configuration that makes a font of it."""

from __future__ import annotations

from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.files import check_output, write_output
from fontgen.shapers.compiler import sources_of

STARTER = "starter"
FILES = ("bars.c", "font.toml")


def write_starter(folder: Path) -> list[Path]:
    """Write the starter into a folder that is new or empty; returns the files.

    Raises:
        FontgenError: the folder holds files, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FontgenError("is not an empty folder", path=folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FontgenError(f"cannot be made: {error.strerror}", path=folder) from error
    written = []
    for name in FILES:
        path = folder / name
        check_output(path, [])
        write_output(path, (sources_of(STARTER) / name).read_bytes())
        written.append(path)
    return written
