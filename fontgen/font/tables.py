"""A font's tables: written, dated, and put together to a file."""

from __future__ import annotations

import io
import os
import re

from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from fontgen.errors import FontgenError

WASM_TAG = "Wasm"
"""HarfBuzz's Wasm shaper runs the module in this table."""

_MAC_EPOCH = 2082844800  # seconds from 1904-01-01, where `head` counts from, to 1970-01-01


def write_table(font: TTFont, tag: str, data: bytes) -> None:
    """Add a table that fontTools knows nothing of."""
    table = DefaultTable(tag)
    table.data = data
    font[tag] = table


def read_anew(font: TTFont) -> TTFont:
    """The font as its own bytes say, with no table loaded, and which recomputes nothing when saved."""
    fresh = TTFont(
        io.BytesIO(font_bytes(font)), lazy=True, recalcBBoxes=False, recalcTimestamp=False
    )
    fresh.cfg = font.cfg
    return fresh


def write_timestamps(font: TTFont, environment: dict[str, str] | None = None) -> None:
    """Date the font by ``SOURCE_DATE_EPOCH``; without it the base font's own dates stay.

    Either way the same inputs give the same bytes (https://reproducible-builds.org/specs/source-date-epoch/).
    """
    epoch = (os.environ if environment is None else environment).get("SOURCE_DATE_EPOCH")
    if not epoch:
        return
    if not re.fullmatch(r"\d{1,12}", epoch):
        raise FontgenError(f"is {epoch!r}, not a number of seconds", path="SOURCE_DATE_EPOCH")
    font["head"].created = font["head"].modified = int(epoch) + _MAC_EPOCH


def drop_signature(font: TTFont) -> None:
    """Remove ``DSIG``: a signature of the base font does not hold for a changed one."""
    if "DSIG" in font:
        del font["DSIG"]


def font_bytes(font: TTFont) -> bytes:
    """The font as a file, with table checksums and ``head.checkSumAdjustment`` computed.

    Raises:
        FontgenError: a table cannot be written, or the font would be longer than 4 GiB, which its 32-bit
            offsets cannot reach.
    """
    size = 0
    for tag in font.keys():
        if tag == "GlyphOrder":
            continue
        try:
            size += len(font.getTableData(tag)) + 32
        except Exception as error:  # fontTools raises whatever the table leads it to
            raise FontgenError(f"table {tag} cannot be written: {error}") from error
    if size >= 1 << 32:
        raise FontgenError(f"the font would have {size} bytes; a font file ends at 4294967296")
    stream = io.BytesIO()
    try:
        font.save(stream, reorderTables=None)
    except Exception as error:
        raise FontgenError(f"the base font cannot be written anew: {error}") from error
    return stream.getvalue()
