"""The frame that fontgen's own font tables share: a magic, a version, a length and a checksum before everything else.

All are little-endian, as WebAssembly is and the rest of the font is not, since the shaper computes on the bytes where
they lie. A reader refuses what it does not know; the shaper then shapes plain text. The C side gets its structs from
here, written out at each build of a shaper.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from fontgen.errors import FontgenError

CHECKED_FROM = 16
"""The checksum covers the bytes from here on: all but magic, version, length and itself."""


@dataclass(frozen=True)
class Field:
    """One header field. ``code`` is its `struct` code: ``4s`` bytes, ``I`` uint32, ``f`` float32.

    since: the table's version that brought it; tables of older versions end their headers before it, and mean 0.
    """

    name: str
    code: str
    meaning: str
    since: int = 1


PREAMBLE = (
    Field("magic", "4s", "the table's tag, in ASCII"),
    Field("version", "I", "of the layout; readers refuse those that they do not know"),
    Field("length", "I", "bytes of the whole table"),
    Field("checksum", "I", f"Adler-32 of the bytes from {CHECKED_FROM} to the end"),
)


def version_of(fields: tuple[Field, ...]) -> int:
    """The newest version of a table with these fields."""
    return max(field.since for field in fields)


def struct_of(fields: tuple[Field, ...], version: int | None = None) -> struct.Struct:
    """The header as `struct` packs it, no padding; of the newest version or an older one."""
    known = fields_of(fields, version or version_of(fields))
    return struct.Struct("<" + "".join(field.code for field in known))


def fields_of(fields: tuple[Field, ...], version: int) -> tuple[Field, ...]:
    """Those of the fields that a version has."""
    return tuple(field for field in fields if field.since <= version)


def seal(
    fields: tuple[Field, ...],
    tag: str,
    values: Mapping[str, object],
    body: bytes,
    version: int | None = None,
) -> bytes:
    """Header and body with version, length and checksum (Adler-32, RFC 1950) filled in."""
    version = version or version_of(fields)
    layout = struct_of(fields, version)
    filled: dict[str, object] = {**values, "magic": tag.encode(), "version": version, "checksum": 0}
    filled["length"] = layout.size + len(body)
    header = layout.pack(*(filled[field.name] for field in fields_of(fields, version)))
    table = bytearray(header + body)
    struct.pack_into("<I", table, 12, zlib.adler32(memoryview(table)[CHECKED_FROM:]))
    return bytes(table)


def unseal(fields: tuple[Field, ...], tag: str, data: bytes) -> dict:
    """Header values of a table of any version that these fields describe; 0 for what an older one lacks.

    Raises:
        FontgenError: magic, version, length or checksum are not right.
    """
    preamble = struct_of(PREAMBLE)
    if len(data) < preamble.size:
        raise FontgenError(f"table {tag} has {len(data)} bytes, fewer than its header")
    magic, version, length, checksum = preamble.unpack_from(data)
    newest = version_of(fields)
    if magic != tag.encode() or not 1 <= version <= newest:
        known = "version 1" if newest == 1 else f"versions 1 to {newest}"
        raise FontgenError(f"table {tag} is not of {known}")
    layout = struct_of(fields, version)
    if len(data) < layout.size:
        raise FontgenError(f"table {tag} has {len(data)} bytes, fewer than its header")
    if length != len(data):
        raise FontgenError(f"table {tag} has {len(data)} bytes, its header says {length}")
    if checksum != zlib.adler32(memoryview(data)[CHECKED_FROM:]):
        raise FontgenError(f"table {tag} does not match its checksum")
    names = (field.name for field in fields_of(fields, version))
    found = dict(zip(names, layout.unpack_from(data), strict=True))
    return dict.fromkeys((field.name for field in fields), 0) | found


_C_TYPES = {"4s": "uint8_t {}[4]", "I": "uint32_t {}", "f": "float {}"}


def c_struct(fields: tuple[Field, ...], name: str) -> list[str]:
    """Lines of C: a struct of these fields."""
    lines = [f"struct {name} {{"]
    for field in fields:
        declaration = _C_TYPES[field.code].format(field.name) + ";"
        lines.append(f"    {declaration:28}/* {field.meaning} */")
    size = struct_of(fields).size
    return [*lines, "};", f'_Static_assert(sizeof(struct {name}) == {size}, "no padding");']


def c_tag(tag: str, name: str) -> str:
    """A line of C: a table's tag as HarfBuzz counts it."""
    return f"#define {name} {int.from_bytes(tag.encode(), 'big'):#x}u /* '{tag}' */"


def preamble_header() -> str:
    """``table_preamble.h``, which the SDK includes."""
    lines = [
        "/* Written by fontgen/font/sealed.py at each build: change the layout there. */",
        "#ifndef TABLE_PREAMBLE_H",
        "#define TABLE_PREAMBLE_H",
        "#include <stdint.h>",
        "",
        f"#define TABLE_CHECKED_FROM {CHECKED_FROM}",
        "",
        *c_struct(PREAMBLE, "table_preamble"),
        "#endif",
        "",
    ]
    return "\n".join(lines)
