"""WOFF and WOFF2, the compressed forms of a font: unpacked within bounds, and packed.

https://www.w3.org/TR/WOFF/, https://www.w3.org/TR/WOFF2/
"""

from __future__ import annotations

import io
import struct
import zlib

import brotli
from fontTools.ttLib import TTFont
from fontTools.ttLib.woff2 import WOFF2DirectoryEntry, WOFF2FlavorData

from fontgen.errors import FontgenError

MOST_UNPACKED = 512 << 20
"""Bytes that a compressed font may have when it is unpacked: a few kilobytes can hold gigabytes of zeros."""
FLAVOURS = {".woff": "woff", ".woff2": "woff2"}
"""By the suffix of a file's name."""

_WOFF, _WOFF2 = b"wOFF", b"wOF2"
_WOFF_ENTRY = struct.Struct(">4s4I")  # tag; offset, compressed length, length, checksum
_WOFF_HEADER_SIZE, _WOFF2_HEADER_SIZE = 44, 48
_EXTRAS_SIZE = 20
"""Offsets and lengths of metadata and private data, which end both headers."""


def is_packed(data: bytes) -> bool:
    """Whether a file is WOFF or WOFF2."""
    return data[:4] in (_WOFF, _WOFF2)


def unpack(data: bytes) -> bytes:
    """A WOFF or WOFF2 font as the plain font that it was made of, without its metadata.

    Raises:
        FontgenError: it is damaged, or would have more than `MOST_UNPACKED` bytes.
    """
    header_size = _WOFF_HEADER_SIZE if data[:4] == _WOFF else _WOFF2_HEADER_SIZE
    if len(data) < header_size:
        raise FontgenError("is not a font: it ends within its header")
    try:
        (_check_woff if data[:4] == _WOFF else _check_woff2)(data)
        start = header_size - _EXTRAS_SIZE
        plain = data[:start] + bytes(_EXTRAS_SIZE) + data[header_size:]
        font = TTFont(io.BytesIO(plain), lazy=True, recalcBBoxes=False, recalcTimestamp=False)
        font.flavor = None
        stream = io.BytesIO()
        font.save(stream, reorderTables=None)
    except FontgenError:
        raise
    except Exception as error:  # fontTools raises whatever the bytes lead it to
        raise FontgenError(f"is not a font: {error}") from error
    return stream.getvalue()


def _check_woff(data: bytes) -> None:
    n_tables = int.from_bytes(data[12:14], "big")
    entries = [
        _WOFF_ENTRY.unpack_from(data, _WOFF_HEADER_SIZE + _WOFF_ENTRY.size * i)
        for i in range(n_tables)
    ]
    _check_size(sum(entry[3] for entry in entries))
    for _, offset, compressed, length, _ in entries:
        if compressed < length:
            stream = zlib.decompressobj()
            table = stream.decompress(data[offset : offset + compressed], length + 1)
            if len(table) != length:
                raise FontgenError("is not a font: a table is not as long as it says")


def _check_woff2(data: bytes) -> None:
    stream = io.BytesIO(data)
    stream.seek(_WOFF2_HEADER_SIZE)
    entries = []
    for _ in range(int.from_bytes(data[12:14], "big")):
        entry = WOFF2DirectoryEntry()
        entry.fromFile(stream)
        entries.append(entry)
    length = sum(entry.length for entry in entries)
    _check_size(max(length, sum(entry.origLength for entry in entries)))
    decompressor = brotli.Decompressor()
    compressed = stream.read(int.from_bytes(data[20:24], "big"))
    found = 0
    while found <= length:
        part = decompressor.process(compressed, output_buffer_limit=1 << 20)
        compressed = b""
        found += len(part)
        if not part:
            break
    if found != length:
        raise FontgenError("is not a font: its tables are not as long as they say")


def _check_size(size: int) -> None:
    if size > MOST_UNPACKED:
        raise FontgenError(
            f"would have {size:,} bytes unpacked; fontgen unpacks at most {MOST_UNPACKED:,}"
        )


def pack(data: bytes, suffix: str) -> bytes:
    """A plain font in the form that a file of that name has: ``.woff``, ``.woff2``; any other is plain."""
    flavour = FLAVOURS.get(suffix.lower())
    if flavour is None:
        return data
    try:
        return _packed(data, flavour, WOFF2FlavorData())
    except Exception:  # outlines that cannot be read cannot be transformed; compressed they can be
        return _packed(data, flavour, WOFF2FlavorData(transformedTables=()))


def _packed(data: bytes, flavour: str, flavour_data: WOFF2FlavorData) -> bytes:
    font = TTFont(io.BytesIO(data), lazy=True, recalcBBoxes=False, recalcTimestamp=False)
    font.flavor = flavour
    if flavour == "woff2":
        font.flavorData = flavour_data
    stream = io.BytesIO()
    font.save(stream, reorderTables=None)
    return stream.getvalue()
