"""The one exception that stands for "your input is bad", as opposed to "our code is"."""

from __future__ import annotations

import os


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
