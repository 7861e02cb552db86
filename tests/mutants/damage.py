"""Ways to damage a file. Each takes the bytes and a random source, and gives other bytes."""

from __future__ import annotations

import copy
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

Damage = Callable[[bytes, random.Random], bytes]

EXTREMES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
"""Values that counts, offsets and versions are compared with."""
SFNT_HEADER, SFNT_ENTRY = 12, 16
SEALED = (b"Llam", b"Lset")
"""fontgen's own tables, whose checksum would hide all other damage."""


def _some_place(data: bytes, source: random.Random) -> int:
    """Of a font, a place near the beginning of a table, where its counts are; else anywhere."""
    tables = font_tables(data)
    if tables and source.random() < 0.9:
        _, start, length = source.choice(tables)
        reach = min(length, source.choice((16, 64, 512, length)))
        return min(start + source.randrange(max(reach, 1)), len(data) - 1)
    return source.randrange(min(len(data), source.choice((64, 1024, len(data)))))


def font_tables(data: bytes) -> list[tuple[bytes, int, int]]:
    """Tag, offset and length of each table that the file's directory lists; none where it is no font."""
    if data[:4] not in (b"\0\1\0\0", b"OTTO", b"true"):
        return []
    n = int.from_bytes(data[4:6], "big")
    entries = [
        struct.unpack_from(">4sIII", data, SFNT_HEADER + SFNT_ENTRY * i)
        for i in range(n)
        if SFNT_HEADER + SFNT_ENTRY * (i + 1) <= len(data)
    ]
    return [(tag, offset, length) for tag, _, offset, length in entries if offset < len(data)]


def flip_bits(data: bytes, source: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 8, 32))):
        changed[_some_place(data, source)] ^= 1 << source.randrange(8)
    return bytes(changed)


def set_extremes(data: bytes, source: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 4))):
        size = source.choice((1, 2, 4))
        place = _some_place(data, source) & -size
        value = source.choice(EXTREMES) & (1 << 8 * size) - 1
        changed[place : place + size] = value.to_bytes(size, source.choice(("big", "little")))
    return bytes(changed[: len(data)])


def truncate(data: bytes, source: random.Random) -> bytes:
    return data[: _some_place(data, source)]


def remove_or_repeat(data: bytes, source: random.Random) -> bytes:
    place, length = _some_place(data, source), source.choice((1, 2, 4, 16, 100))
    piece = data[place : place + length] * source.choice((0, 2))
    return data[:place] + piece + data[place + length :]


def blank(data: bytes, source: random.Random) -> bytes:
    place, length = _some_place(data, source), source.choice((4, 16, 64, 512))
    fill = bytes([source.choice((0, 0xFF))])
    return data[:place] + fill * min(length, len(data) - place) + data[place + length :]


def damage_directory(data: bytes, source: random.Random) -> bytes:
    """Of a font, an entry's tag, offset or length."""
    tables = font_tables(data)
    if not tables:
        return set_extremes(data, source)
    changed = bytearray(data)
    entry = SFNT_HEADER + SFNT_ENTRY * source.randrange(len(tables))
    field = source.choice((0, 0, 8, 12))
    if field == 0:
        tag = source.choice((source.randbytes(4), source.choice(tables)[0], b"GSUB", b"    "))
        changed[entry : entry + 4] = tag
    else:
        value = source.choice((*EXTREMES, source.randrange(len(data))))
        changed[entry + field : entry + field + 4] = value.to_bytes(4, "big")
    return bytes(changed)


DAMAGES: tuple[Damage, ...] = (
    flip_bits,
    set_extremes,
    set_extremes,
    truncate,
    remove_or_repeat,
    blank,
    damage_directory,
)


def damaged(data: bytes, seed: int) -> bytes:
    """The mutant of that number."""
    source = random.Random(seed)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        data = source.choice(DAMAGES)(data, source) or b"\0"
    return _sealed_again(data) if source.random() < 0.7 else data


def _sealed_again(data: bytes) -> bytes:
    """With the checksums of fontgen's own tables set right, so that what is behind them is looked at."""
    changed = bytearray(data)
    for tag, offset, length in font_tables(data):
        if tag in SEALED and length >= 20 and offset + length <= len(data):
            struct.pack_into("<I", changed, offset + 8, length)
            checksum = zlib.adler32(memoryview(changed)[offset + 16 : offset + length])
            struct.pack_into("<I", changed, offset + 12, checksum)
    return bytes(changed)


WORDS = (
    b"[", b"]", b"=", b"'", b'"', b"{", b"}", b"\n", b"#", b".", b",", b"true", b"-1", b"1e999", b"nan", b"[[", b"''",
    b"9999999999999999999999", b"\xff", b"\0", b"1979-05-27", b'"""', b"[model]", b"[font]", b"base = ", b"[replace]",
    "\N{RIGHT-TO-LEFT OVERRIDE}".encode(), b"\\u0000", b"\\U0010FFFF", b"[" * 5000,
)  # fmt: skip


VALUES = (
    b"0", b"-1", b"4", b"5", b"99999999999999999999", b"1e999", b"nan", b"true", b"''", b"' '", b"'llama'", b"'maze'",
    b"'simd128'", b"[]", b"[1, 'a']", b"{}", b"{a = 1}", b"1979-05-27", b'"\\u0000"', b'"\\uFFFF"', b"'/'", b"'.'",
    b"'/dev/null'", b'"' + b"x" * 300 + b'"', b'"' + "\N{GRINNING FACE}".encode() * 80 + b'"', b'"a\\nb"',
)  # fmt: skip


JSON_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e-300, 1e308, 65536, 2**31, 2**63, 2**64, 10**400, "", " ", "llama",
    "\0", "\ud800", "\U0010ffff", "x" * 3000, [], [[]], [0, 1], ["a", "b"], {}, {"a": 1}, [None] * 100,
)  # fmt: skip


def damaged_json(data: bytes, seed: int) -> bytes:
    """Of a JSON document: values put in others' places, left out, or under another's key."""
    source = random.Random(seed)
    document = json.loads(data)
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        places = list(_places(document))
        if not places:
            break
        container, key = source.choice(places)
        kind = source.randrange(8)
        if kind == 0:
            del container[key]
        elif kind == 1:
            other, its_key = source.choice(places)
            container[key] = copy.deepcopy(other[its_key])
        elif kind == 2 and isinstance(container, dict):
            container[str(source.choice(JSON_VALUES))] = container.pop(key)
        elif kind == 3 and isinstance(container[key], int):
            container[key] = container[key] * source.choice((-1, 2, 1000)) + source.choice(
                (0, 1, -1)
            )
        else:
            container[key] = copy.deepcopy(source.choice(JSON_VALUES))
    return json.dumps(document).encode()


def _places(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Containers and keys; of long lists only some, so that the few are met, too."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    for key in keys if len(keys) < 40 else keys[:: len(keys) // 20]:
        yield node, key
        if isinstance(node[key], dict | list) and depth < 20:
            yield from _places(node[key], depth + 1)


def damaged_text(data: bytes, seed: int) -> bytes:
    """Of a TOML file: words of its language put in, left out, or in another's place."""
    source = random.Random(seed)
    tokens = [token for line in data.splitlines(keepends=True) for token in _tokens(line)]
    for _ in range(source.choice((1, 1, 2, 5))):
        place = source.randrange(len(tokens))
        kind = source.randrange(10)
        values = [i for i, token in enumerate(tokens[:-1], 1) if token == b"="]
        if kind >= 4 and values:
            tokens[source.choice(values)] = source.choice(VALUES) + b"\n"
        elif kind == 0:
            tokens[place] = source.choice(WORDS)
        elif kind == 1:
            tokens.insert(place, source.choice(WORDS))
        elif kind == 2:
            tokens[place] = source.choice(tokens)
        elif len(tokens) > 1:
            del tokens[place]
    return b"".join(tokens)


def _tokens(line: bytes) -> list[bytes]:
    spaced = line.replace(b"=", b"\x1f=\x1f").replace(b"]", b"\x1f]").replace(b"[", b"[\x1f")
    return [token for token in spaced.split(b"\x1f") if token]
