"""Compressed fonts are unpacked as fontTools packed them, and never into more than a bound."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import brotli
import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from fontTools.ttLib.woff2 import WOFF2FlavorData
from support.base_fonts import make_font, saved

from fontgen.errors import FontgenError
from fontgen.font import woff
from fontgen.font.file import read_font


def _packed(flavour: str) -> bytes:
    font = make_font()
    font.flavor = flavour
    return saved(font)


@pytest.mark.parametrize("flavour", ["woff", "woff2"])
def test_unpacked_it_is_what_was_packed(tmp_path: Path, flavour: str) -> None:
    path = tmp_path / f"font.{flavour}"
    path.write_bytes(_packed(flavour))
    font, packed = TTFont(io.BytesIO(read_font(path).data)), TTFont(path)
    assert font.flavor is None
    assert sorted(font.reader.keys()) == sorted(packed.reader.keys())
    for tag in set(font.reader.keys()) - {"head"}:  # which has a checksum of all
        assert font.reader[tag] == packed.reader[tag]


@pytest.mark.parametrize(
    "suffix, magic", [(".woff", b"wOFF"), (".WOFF2", b"wOF2"), (".ttf", b"\0\1\0\0")]
)
def test_packed_and_unpacked_again(suffix: str, magic: bytes) -> None:
    font = make_font()
    font["Wasm"] = DefaultTable("Wasm")
    font["Wasm"].data = b"\0asm" + bytes(1000)
    plain = saved(font)
    packed = woff.pack(plain, suffix)
    assert packed[:4] == magic
    assert packed == woff.pack(plain, suffix)
    again = TTFont(io.BytesIO(woff.unpack(packed) if woff.is_packed(packed) else packed))
    assert again.reader["Wasm"] == font["Wasm"].data


def test_outlines_that_cannot_be_transformed_are_packed_as_they_are() -> None:
    font = TTFont(io.BytesIO(saved(make_font())))
    glyf = DefaultTable("glyf")
    glyf.data = bytes(font.reader["glyf"][:40])
    font["glyf"] = glyf
    broken = saved(font)
    assert TTFont(io.BytesIO(woff.unpack(woff.pack(broken, ".woff2")))).reader["glyf"] == glyf.data


def _woff_bomb(claimed: int, real: int) -> bytes:
    table = zlib.compress(bytes(real))
    header = struct.pack(">4sIIHHIHHIIIII", b"wOFF", 0x10000, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    return header + struct.pack(">4sIIII", b"cmap", 64, len(table), claimed, 0) + table


def _woff2_bomb(claimed: int, real: int) -> bytes:
    def base128(n: int) -> bytes:
        groups = [n & 0x7F]
        while n := n >> 7:
            groups.append(n & 0x7F | 0x80)
        return bytes(reversed(groups))

    stream = brotli.compress(bytes(real), quality=1)
    directory = bytes([0]) + base128(claimed)  # cmap
    length = 48 + len(directory) + len(stream)
    header = struct.pack(
        ">4sIIHHIIHHIIIII", b"wOF2", 0x10000, length, 1, 0, 0, len(stream), 1, 0, 0, 0, 0, 0, 0
    )
    return header + directory + stream


@pytest.mark.parametrize("bomb", [_woff_bomb, _woff2_bomb])
@pytest.mark.parametrize(
    "claimed, real, cause",
    [
        (0x7FFFFFFF, 100, "unpacked; fontgen unpacks at most"),
        (100_000, 64 << 20, "long as"),
        (64 << 20, 1000, "long as"),
    ],
)
def test_a_bomb_is_refused(tmp_path: Path, bomb, claimed: int, real: int, cause: str) -> None:
    path = tmp_path / "bomb.woff"
    path.write_bytes(bomb(claimed, real))
    with pytest.raises(FontgenError, match="bomb.woff: ") as refusal:
        read_font(path)
    assert cause in str(refusal.value)


@pytest.mark.parametrize("flavour", ["woff", "woff2"])
def test_metadata_is_not_unpacked(tmp_path: Path, flavour: str) -> None:
    """It is of no use here, and could be a bomb as well."""
    font = make_font()
    font.flavor = flavour
    if flavour == "woff2":
        font.flavorData = WOFF2FlavorData()
    else:
        from fontTools.ttLib.sfnt import WOFFFlavorData

        font.flavorData = WOFFFlavorData()
    font.flavorData.metaData = b"x" * 1000
    data = bytearray(saved(font))
    start = 24 if flavour == "woff" else 28
    offset, length = struct.unpack_from(">II", data, start)
    data[offset : offset + length] = b"\xff" * length
    path = tmp_path / "font"
    path.write_bytes(data)
    assert TTFont(io.BytesIO(read_font(path).data)).getGlyphOrder()


@pytest.mark.parametrize("flavour", ["woff", "woff2"])
@pytest.mark.parametrize("length", [4, 20, 47, 60, 200])
def test_a_truncated_one(tmp_path: Path, flavour: str, length: int) -> None:
    path = tmp_path / "font"
    path.write_bytes(_packed(flavour)[:length])
    with pytest.raises(FontgenError, match="is not a font"):
        read_font(path)
