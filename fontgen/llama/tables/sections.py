"""Arrays one after the other, each at a multiple of `ALIGNMENT` from the table's start."""

from __future__ import annotations

import math

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.tables.layout import ALIGNMENT, MODEL_TAG


class SectionWriter:
    """Everything behind a header of ``offset`` bytes."""

    def __init__(self, offset: int):
        self._offset = offset
        self._parts: list[bytes] = []

    def add(self, section: np.ndarray) -> None:
        padding = -self._offset % ALIGNMENT
        self._parts += [bytes(padding), section.tobytes()]
        self._offset += padding + section.nbytes

    def bytes(self) -> bytes:
        return b"".join(self._parts)


class SectionReader:
    """Reads back what `SectionWriter` wrote; raises `FontgenError` at the table's end."""

    def __init__(self, data: bytes, offset: int):
        self._data, self._offset = data, offset

    def take(self, dtype: str, *shape: int) -> np.ndarray:
        """The next section, a read-only view."""
        count = math.prod(shape)
        start = self._offset + -self._offset % ALIGNMENT
        self._offset = start + count * np.dtype(dtype).itemsize
        if self._offset > len(self._data):
            raise FontgenError(f"table {MODEL_TAG} is shorter than its header promises")
        return np.frombuffer(self._data, dtype, count, start).reshape(shape)

    def end(self) -> None:
        """Raise `FontgenError` where anything is left."""
        if self._offset != len(self._data):
            raise FontgenError(f"table {MODEL_TAG} is longer than its header promises")
