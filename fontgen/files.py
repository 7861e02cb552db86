"""Input files read whole; output files written whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from fontgen.errors import FontgenError

STDOUT = Path("-")


def check_output(path: Path, inputs: list[Path | None]) -> None:
    """Refuse an output that cannot be written or that is one of the inputs, before the work begins.

    Raises:
        FontgenError: names the output and the cause.
    """
    if path == STDOUT:
        if sys.stdout.isatty():
            raise FontgenError("is a terminal: redirect it, or name a file", path="standard output")
        return
    path = _resolved(path)
    if path.is_dir():
        raise FontgenError("is a folder", path=path)
    if not path.parent.is_dir():
        raise FontgenError(f"cannot be written: there is no folder {path.parent}", path=path)
    if not os.access(path.parent, os.W_OK):
        raise FontgenError(f"cannot be written: no permission in {path.parent}", path=path)
    for other in inputs:
        if other is not None and path.exists() and other.exists() and path.samefile(other):
            raise FontgenError("is also an input: choose another output", path=path)


def _resolved(path: Path) -> Path:
    """The file that a link leads to: a link to a font stays a link."""
    if not path.is_symlink():
        return path
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):  # a loop, before Python 3.13
        resolved = path
    if resolved.is_symlink():
        raise FontgenError("cannot be written: it is a link to itself", path=path)
    return resolved


def read_input(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        FontgenError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        cause = error.strerror if isinstance(error, OSError) else error
        raise FontgenError(f"cannot be read: {cause}", path=path) from error


def write_output(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; ``-`` is standard output.

    The bytes go to a temporary file beside the output, which then takes its place.

    Raises:
        FontgenError: the file cannot be written.
    """
    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    temporary = None
    path = _resolved(path)
    try:
        if path.exists() and not path.is_file():  # /dev/null and the like
            path.write_bytes(data)
            return
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = file.name
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # as open() would have made it
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise FontgenError(f"cannot be written: {error.strerror}", path=path) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
