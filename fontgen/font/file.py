"""Font files, as every command takes them: TrueType, OpenType, WOFF, WOFF2, and members of collections."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError, naming
from fontgen.files import read_input
from fontgen.font import woff

MOST_TABLES = 1000
"""Of a font; real ones have some dozens."""

_PLAIN, _COLLECTION = (b"\0\1\0\0", b"OTTO", b"true"), b"ttcf"
_COLLECTION_MEMBER = re.compile(r"^(?P<path>.+)#(?P<index>\d{1,9})$")


@dataclass(frozen=True)
class FontFile:
    """A font in memory: a plain one, unpacked where it was WOFF, or a member of a collection.

    index: 0, but for a collection, in which it says which font is meant.
    """

    path: Path
    data: bytes
    index: int

    @property
    def is_collection(self) -> bool:
        return self.data.startswith(_COLLECTION)

    def alone(self) -> bytes:
        """The font as a file of its own, also where it is a member of a collection.

        Raises:
            FontgenError: the member is damaged.
        """
        if not self.is_collection:
            return self.data
        options = dict(lazy=True, recalcBBoxes=False, recalcTimestamp=False)
        stream = io.BytesIO()
        try:
            with TTFont(io.BytesIO(self.data), fontNumber=self.index, **options) as font:
                font.save(stream, reorderTables=None)
        except Exception as error:  # fontTools raises whatever the bytes lead it to
            raise FontgenError(f"is not a font: {error}", path=self.path) from error
        return stream.getvalue()


def split_member(spec: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Split ``FILE.ttc#1`` into the file and the member's index; a file really called so is itself.

    >>> split_member("Fonts.ttc#1")[1]
    1
    """
    text = os.fspath(spec)
    match = _COLLECTION_MEMBER.match(text)
    if match is None or os.path.exists(text):
        return Path(text), None
    return Path(match["path"]), int(match["index"])


def read_font(spec: str | os.PathLike[str], index: int | None = None) -> FontFile:
    """Read a font file.

    Args:
        spec: path of a font file, or ``FILE.ttc#INDEX`` for a member of a collection.
        index: member of a collection, when ``spec`` does not say.

    Raises:
        FontgenError: the file cannot be read, is a collection of which no member or one that it has not is
            asked for, or a WOFF that is damaged or too large. Whether the rest is a font is not looked at.
    """
    path, member = split_member(spec)
    if member is None:
        member = index
    elif index is not None and index != member:
        raise FontgenError(f"both member {member} and member {index} are asked for", path=path)
    data = read_input(path)
    with naming(path):
        if woff.is_packed(data):
            data = woff.unpack(data)
        return FontFile(path, data, _checked_member(data, member, path.name))


def _check_directory(data: bytes, start: int) -> None:
    """Raise `FontgenError` where a damaged directory lists more tables than programs have patience for."""
    n_tables = int.from_bytes(data[start + 4 : start + 6], "big")
    if data[start : start + 4] in _PLAIN and n_tables > MOST_TABLES:
        raise FontgenError(f"lists {n_tables:,} tables; fontgen takes at most {MOST_TABLES:,}")


def _checked_member(data: bytes, member: int | None, name: str) -> int:
    if not data.startswith(_COLLECTION):
        if member:
            raise FontgenError(f"is a single font, which has no member {member}")
        _check_directory(data, 0)
        return 0
    n_members = int.from_bytes(data[8:12], "big")
    if member is None:
        raise FontgenError(f"is a font collection: choose a member, such as {name}#0")
    if not 0 <= member < n_members:
        raise FontgenError(f"is a font collection of {n_members}, which has no member {member}")
    place = 12 + 4 * member
    _check_directory(data, int.from_bytes(data[place : place + 4], "big"))
    return member


def read_tables(spec: str | os.PathLike[str], tags: Iterable[str]) -> dict[str, bytes]:
    """Tables of a font that fontgen made.

    Raises:
        FontgenError: as `read_font`; the file is no font, or has not all of the tables.
    """
    file = read_font(spec)
    with naming(spec):
        try:
            reader = TTFont(io.BytesIO(file.data), lazy=True, fontNumber=file.index).reader
            tables = {tag: reader[tag] for tag in tags if tag in reader}
        except Exception as error:  # fontTools raises whatever the bytes lead it to
            raise FontgenError("is not a font") from error
        for tag in tags:
            if tag not in tables:
                raise FontgenError(f"has no table {tag}: it was not made by fontgen")
    return tables
