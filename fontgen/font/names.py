"""Make the finished font: base font + shaper + model -> font, in small steps.

Each ``write_*`` step changes one thing in the `TTFont`; `font_bytes` writes it out. Tables that no
step names are copied from the base font byte for byte, so the result renders as the base font does
wherever the shaper does not run.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fontTools.ttLib import TTFont, newTable

from fontgen import __version__
from fontgen.errors import FontgenError
from fontgen.font.tables import write_table

COPYRIGHT, FAMILY, STYLE, UNIQUE_ID, FULL_NAME, VERSION, POSTSCRIPT_NAME, TRADEMARK = range(8)
MANUFACTURER, DESCRIPTION, VENDOR_URL, LICENCE = 8, 10, 11, 13
TYPOGRAPHIC_FAMILY, TYPOGRAPHIC_STYLE, COMPATIBLE_FULL_NAME, SAMPLE_TEXT = 16, 17, 18, 19
POSTSCRIPT_CID_NAME, WWS_FAMILY, VARIATIONS_PREFIX = 20, 21, 25
# Where the specification has them.
_REVISION = struct.Struct(">i")  # 16.16
_IS_FIXED_PITCH = slice(12, 16)  # of post
_FAMILY_CLASS, _PANOSE, _VENDOR_ID = 30, slice(32, 42), slice(58, 62)  # of OS/2

_WINDOWS_ENGLISH = (3, 1, 0x409)
_MAC_ENGLISH = (1, 0, 0)


@dataclass(frozen=True)
class BaseNames:
    """What the base font calls itself (English names), kept before it is renamed."""

    family: str
    """Typographic family, such as ``Roboto``."""
    style: str
    """Typographic style, such as ``Light Italic``."""
    full_name: str
    postscript_name: str
    version: str
    copyright: str
    trademark: str
    licence: str
    manufacturer: str

    @classmethod
    def of(cls, font: TTFont) -> BaseNames:
        def name(*name_ids: int) -> str:
            found = (font["name"].getDebugName(i) for i in name_ids) if "name" in font else ()
            return next((text.strip() for text in found if text and text.strip()), "")

        family = name(TYPOGRAPHIC_FAMILY, FAMILY)
        style = name(TYPOGRAPHIC_STYLE, STYLE) or "Regular"
        version = name(VERSION)
        if not re.match(r"Version \d+\.\d+", version):  # the form that the specification asks for
            revision = f"Version {_REVISION.unpack_from(font.reader['head'], 4)[0] / 65536:.3f}"
            version = f"{revision}; {version}" if version else revision
        return cls(
            family=family,
            style=style,
            full_name=name(FULL_NAME) or f"{family} {style}".strip(),
            postscript_name=name(POSTSCRIPT_NAME),
            version=version,
            copyright=name(COPYRIGHT),
            trademark=name(TRADEMARK),
            licence=name(LICENCE),
            manufacturer=name(MANUFACTURER),
        )


@dataclass(frozen=True)
class Credits:
    """What a font says of what fontgen has put into it.

    copyright, licence: lines that those names gain; empty for none. description: sentences for the description, which
    goes on with the base font. sample: a text that shows what the font does, for programs that ask fonts for one.
    """

    copyright: str = ""
    licence: str = ""
    description: tuple[str, ...] = ()
    sample: str = ""


def default_family(font: TTFont, stem: str = "Llama TTF") -> str:
    """A family name by the looks of the base font: ``Llama TTF Mono``, ``Serif`` or ``Sans``.

    Fixed pitch is told by ``post``, serifs by PANOSE (bSerifStyle 2-10) or the IBM font class (1-7)
    of ``OS/2``. Of these tables, which come in many lengths, no more is read than that.
    """
    post = font.reader["post"] if "post" in font else b""
    if any(post[_IS_FIXED_PITCH]):
        return f"{stem} Mono"
    os2 = font.reader["OS/2"] if "OS/2" in font else b""
    if len(os2) >= _PANOSE.stop:
        family_type, serif_style, *_ = os2[_PANOSE]
        ibm_class = os2[_FAMILY_CLASS]
        latin_text = family_type == 2
        if (latin_text and 2 <= serif_style <= 10) or (serif_style < 2 and 1 <= ibm_class <= 7):
            return f"{stem} Serif"
    return f"{stem} Sans"


def reserved_names(names: BaseNames) -> list[str]:
    """Names that a changed version of the base font may not carry.

    These are the Reserved Font Names of the SIL Open Font License, declared in the copyright or
    licence string (``with Reserved Font Name "Lora"``), and the family name where it is declared a
    trademark.
    """
    reserved: list[str] = []
    for text in (names.copyright, names.licence):
        for clause in re.findall(r"Reserved Font Names?:?\s+([^.\n]+)", text):
            quoted = re.findall(r"[\"'“‘]([^\"'”’]+)[\"'”’]", clause)
            plain = [re.split(r"[,;(]|\s+and\s+", clause)[0]]
            reserved += [name.strip() for name in quoted or plain]
    declared = "\n".join((names.copyright, names.trademark, names.licence)).casefold()
    if "trademark" in declared and names.family and names.family.casefold() in declared:
        reserved.append(names.family)
    return [name for name in dict.fromkeys(reserved) if len(name) > 1]


def check_family(family: str, names: BaseNames) -> None:
    """Raise `FontgenError` when a family name is empty, unprintable or holds a reserved name."""
    if not family.strip() or any(unicodedata.category(c).startswith("C") for c in family):
        raise FontgenError(f"the family name {family!r} is empty or holds control characters")
    for name in reserved_names(names):
        if re.search(rf"\b{re.escape(name)}\b", family, re.IGNORECASE):
            raise FontgenError(
                f"the family name {family!r} holds {name!r}, which the base font's licence or "
                "trademark reserves: choose another with --family"
            )


def postscript_name(family: str, style: str = "") -> str:
    """PostScript name (name ID 6): at most 63 printable ASCII characters, none of ``[](){}<>/%``.

    >>> postscript_name("Llama TTF Sans", "Light Italic")
    'LlamaTTFSans-LightItalic'
    """

    def plain(text: str) -> str:
        ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        return re.sub(r"[^!-~]|[\[\](){}<>/%]", "", ascii_text)

    style = plain(style)
    name = plain(family) or "llama.ttf"
    return f"{name[: 62 - len(style)]}-{style}" if style else name[:63]


def write_names(font: TTFont, family: str, credits: Credits) -> None:
    """Rename the family; name what was put in, its licence and fontgen; keep copyright and licence.

    The names that applications show (1, 3, 4, 6, 16, 18, 20, 21, 25 and the CFF font name) carry
    the new family in every language; styles stay. Copyright (0) and licence (13) keep their text
    and gain a line of the credits. The trademark string (7), which speaks of the old name, and the
    manufacturer (8), who has not made this font, move into the description (10); the vendor's address (11)
    and his ID in ``OS/2`` go. Designer and his address (9, 12) stay: the glyphs are his.

    Raises:
        FontgenError: the family name is reserved by the base font.
    """
    base = BaseNames.of(font)
    check_family(family, base)
    if "name" not in font:
        font["name"] = _new_name_table()
    names = _NameTable(font["name"])
    full_name = f"{family} {base.style}"
    new_postscript_name = postscript_name(family, base.style)
    version = f"{base.version}; fontgen {__version__}"

    names.put(FAMILY, f"{family} {_style_in_family(names, base.family)}".strip())
    if not names.has(STYLE):
        names.put(STYLE, "Regular")
    names.put(UNIQUE_ID, f"{version};{new_postscript_name}")
    names.put(FULL_NAME, full_name)
    names.put(VERSION, version)
    names.put(POSTSCRIPT_NAME, new_postscript_name)
    for name_id, text in (
        (TYPOGRAPHIC_FAMILY, family),
        (WWS_FAMILY, family),
        (COMPATIBLE_FULL_NAME, full_name),
        (POSTSCRIPT_CID_NAME, new_postscript_name),
        (VARIATIONS_PREFIX, re.sub(r"[^A-Za-z0-9]", "", family) or "llamattf"),
    ):
        if names.has(name_id):
            names.put(name_id, text)
    _rename_instances(font, base.postscript_name, postscript_name(family))

    for name_id, line in ((COPYRIGHT, credits.copyright), (LICENCE, credits.licence)):
        if line:
            names.append(name_id, line)
    for name_id in (TRADEMARK, MANUFACTURER, VENDOR_URL):
        names.table.removeNames(nameID=name_id)
    if credits.sample:
        names.put(SAMPLE_TEXT, credits.sample)
    names.put(DESCRIPTION, _description(base, credits))
    _drop_vendor_id(font)
    if "CFF " in font:
        _rename_cff(font, family, full_name, new_postscript_name)


class _NameTable:
    """The ``name`` table, written in English for Windows, and for the Mac where it had such names."""

    def __init__(self, table: Any):
        self.table = table
        self._had_mac_names = any(record.platformID == 1 for record in table.names)

    def has(self, name_id: int) -> bool:
        return bool(self.table.getDebugName(name_id))

    def put(self, name_id: int, text: str) -> None:
        """Replace a name in every language."""
        self.table.removeNames(nameID=name_id)
        self.table.setName(text, name_id, *_WINDOWS_ENGLISH)
        if self._had_mac_names and _encodable(text, "mac_roman"):
            self.table.setName(text, name_id, *_MAC_ENGLISH)

    def append(self, name_id: int, line: str) -> None:
        """Add a line to a name in every language."""
        records = [record for record in self.table.names if record.nameID == name_id]
        if not records:
            self.put(name_id, line)
        for record in records:
            text = f"{record.toUnicode(errors='replace').rstrip()}\n{line}"
            if _encodable(text, record.getEncoding()):
                record.string = text


def _style_in_family(names: _NameTable, family: str) -> str:
    """What the legacy family (ID 1) adds to the typographic one: ``Light`` of ``Roboto Light``."""
    if not names.has(TYPOGRAPHIC_FAMILY):
        return ""
    legacy_family = (names.table.getDebugName(FAMILY) or "").strip()
    style = legacy_family.removeprefix(family).strip()
    return "" if style == legacy_family else style  # named without regard to the family


def _description(base: BaseNames, credits: Credits) -> str:
    maker = f", by {base.manufacturer}" if base.manufacturer else ""
    sentences = [
        *credits.description,
        f"Glyphs: {base.full_name or 'an unnamed font'}, {base.version}{maker}.",
        base.trademark,
    ]
    return " ".join(s if s.endswith(".") else s + "." for s in sentences if s)


def _new_name_table() -> Any:
    table = newTable("name")
    table.names = []
    return table


def _rename_instances(font: TTFont, old_prefix: str, new_prefix: str) -> None:
    """Carry the PostScript names of a variable font's named instances over to the new family."""
    if "fvar" not in font:
        return
    old_prefix = old_prefix.partition("-")[0]
    table = newTable("fvar")
    try:
        table.decompile(font.reader["fvar"], font)
    except Exception:  # HarfBuzz ignores a damaged one, and the font does not vary
        return
    name_ids = {instance.postscriptNameID for instance in table.instances} - {0xFFFF}
    for record in font["name"].names:
        if record.nameID in name_ids and record.nameID > 25:
            text = record.toUnicode(errors="replace")
            style = text.partition("-")[2] or text.removeprefix(old_prefix)
            record.string = f"{new_prefix}-{style}"[:63]


def _rename_cff(font: TTFont, family: str, full_name: str, new_postscript_name: str) -> None:
    """Rename the font within the font, unless it is damaged: outlines that can be drawn stay as they are."""
    table = newTable("CFF ")
    try:
        font.getGlyphOrder()  # which is read from the table: it is bytes from here on
        table.decompile(font.reader["CFF "], font)
        fonts = table.cff
        fonts.fontNames[0] = new_postscript_name
        top = fonts.topDictIndex[0]
        for key, text in (("FamilyName", family), ("FullName", full_name)):
            if key in top.rawDict:
                setattr(top, key, _latin1(text))
        data = table.compile(font)
    except Exception:  # whatever the bytes lead fontTools to
        font.tables.pop("CFF ", None)  # what it made of them so far: the bytes are in the reader
        return
    write_table(font, "CFF ", data)


def _drop_vendor_id(font: TTFont) -> None:
    """Registered IDs are their owners', who have not made this font; four spaces stand for none."""
    data = font.reader["OS/2"] if "OS/2" in font else b""
    if len(data) >= _VENDOR_ID.stop:
        write_table(font, "OS/2", data[: _VENDOR_ID.start] + b"    " + data[_VENDOR_ID.stop :])


def _latin1(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _encodable(text: str, encoding: str | None) -> bool:
    encode: Callable[[str], bytes] = text.encode
    try:
        encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
