"""The one exception that stands for "your input is bad", as opposed to "our code is"."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class FontgenError(Exception):
    """Bad input or usage: one line, the file first and then the cause.

    The command line prints it on stderr and exits with 2; a traceback is shown only with ``-v``.

    >>> str(FontgenError("is not a font", path="a.txt"))
    'a.txt: is not a font'
    """

    def __init__(self, cause: str, *, path: str | os.PathLike[str] | None = None):
        self.cause = " ".join(str(cause).split())
        self.path = None if path is None else os.fspath(path)
        super().__init__(self.cause if path is None else f"{self.path}: {self.cause}")


@contextmanager
def naming(path: str | os.PathLike[str] | None, part: str = "") -> Iterator[None]:
    """Add the file, which only the caller knows, to an error raised within; one that has a file keeps it.

    part: what of the file is at fault, such as a key; it goes before the cause.

    >>> with naming("a.toml", "quantise.bits"):
    ...     raise FontgenError("are 3, not 4 or 8")
    Traceback (most recent call last):
        ...
    fontgen.errors.FontgenError: a.toml: quantise.bits: are 3, not 4 or 8
    """
    try:
        yield
    except FontgenError as error:
        if error.path is not None:
            raise
        cause = f"{part}: {error.cause}" if part else error.cause
        raise FontgenError(cause, path=path) from error
