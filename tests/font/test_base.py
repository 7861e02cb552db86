"""Base fonts of every kind open; whatever is wrong with one is told in one line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from hypothesis import given, settings
from hypothesis import strategies as st
from support.base_fonts import collection, make_font, saved

from fontgen.errors import FontgenError
from fontgen.font.base import default_base_path, open_base
from fontgen.font.file import split_member

SMALL = saved(make_font())


def _refused(path: Path | str, cause: str, index: int | None = None) -> None:
    with pytest.raises(FontgenError) as refusal:
        open_base(path, index)
    assert cause in str(refusal.value)
    assert str(refusal.value).startswith(str(path).split("#")[0])
    assert "\n" not in str(refusal.value)


def test_the_default_base_font_is_roboto() -> None:
    font = open_base()
    assert font["name"].getDebugName(1) == "Roboto"
    assert default_base_path().name == "Roboto-Regular.ttf"


@pytest.mark.parametrize("kind", ["truetype", "cff", "variable"])
def test_outlines_of_every_kind(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "font"
    path.write_bytes(saved(make_font(cff=kind == "cff", variable=kind == "variable")))
    font = open_base(path)
    assert ("CFF " in font) == (kind == "cff")
    assert ("gvar" in font) == (kind == "variable")


def test_woff_becomes_a_plain_font(tmp_path: Path) -> None:
    font = make_font()
    font.flavor = "woff"
    path = tmp_path / "font.woff"
    path.write_bytes(saved(font))
    assert open_base(path).flavor is None


def test_members_of_a_collection(tmp_path: Path) -> None:
    path = tmp_path / "fonts.ttc"
    path.write_bytes(collection(make_font(family="First"), make_font(family="Second")))
    assert open_base(f"{path}#1")["name"].getDebugName(1) == "Second"
    assert open_base(path, 0)["name"].getDebugName(1) == "First"
    _refused(path, "choose a member, such as fonts.ttc#0")
    _refused(f"{path}#2", "is a font collection of 2, which has no member 2")
    _refused(f"{path}#1", "both member 1 and member 0", index=0)


def test_a_member_of_a_single_font(tmp_path: Path) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(SMALL)
    _refused(path, "is a single font, which has no member 1", index=1)
    _refused(path, "which has no member -1", index=-1)
    assert open_base(path, 0)


def test_a_file_whose_name_looks_like_a_member(tmp_path: Path) -> None:
    path = tmp_path / "odd.ttc#1"
    path.write_bytes(SMALL)
    assert split_member(path) == (path, None)
    assert open_base(path)


def test_not_there_and_not_a_font(tmp_path: Path) -> None:
    _refused(tmp_path / "absent.ttf", "No such file")
    _refused(tmp_path, "Is a directory")
    text = tmp_path / "text.ttf"
    text.write_text("This is not a font.")
    _refused(text, "is not a font")
    empty = tmp_path / "empty.ttf"
    empty.touch()
    _refused(empty, "is not a font")


def test_a_directory_without_end(tmp_path: Path) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(SMALL[:4] + b"\x7f\xff" + SMALL[6:] + bytes(600_000))
    _refused(path, "lists 32,767 tables; fontgen takes at most 1,000")


def test_no_cmap_and_none_that_harfbuzz_could_use(tmp_path: Path) -> None:
    font = make_font()
    path = tmp_path / "font.ttf"
    font["cmap"].tables = font["cmap"].tables[:1]
    font["cmap"].tables[0].platformID = 7
    path.write_bytes(saved(font))
    _refused(path, "has no cmap that HarfBuzz could use")
    del font["cmap"]
    path.write_bytes(saved(font))
    _refused(path, "has no cmap table")


def test_a_font_with_a_shaper_of_its_own(tmp_path: Path) -> None:
    font = TTFont(io.BytesIO(SMALL))
    font["Wasm"] = DefaultTable("Wasm")
    font["Wasm"].data = b"\0asm"
    path = tmp_path / "font.ttf"
    path.write_bytes(saved(font))
    _refused(path, "already has a Wasm table")


@pytest.mark.parametrize("length", [3, 11, 100, len(SMALL) // 2, len(SMALL) - 400])
def test_a_truncated_font(tmp_path: Path, length: int) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(SMALL[:length])
    with pytest.raises(FontgenError, match="font.ttf"):
        open_base(path)


@settings(max_examples=150)
@given(st.data())
def test_a_font_with_flipped_bytes_opens_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data
) -> None:
    damaged = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "font.ttf"
    path.write_bytes(damaged)
    try:
        open_base(path)
    except FontgenError as error:
        assert "\n" not in str(error)
