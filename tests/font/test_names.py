"""The finished font: the base font in all but name, with the shaper and the model inside."""

from __future__ import annotations

import io
import re
import string
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from support.base_fonts import CREATED, collection, make_font, saved

from fontgen import __version__
from fontgen.build.llama import credits_of
from fontgen.errors import FontgenError
from fontgen.font import names as font
from fontgen.font import tables
from fontgen.font.base import open_base
from fontgen.llama.model import ModelCard

CARD = ModelCard("Tiny storyteller", "CC0-1.0", "Tells nothing.")


def _compile(base: Path | str, family: str = "Llama TTF Sans") -> TTFont:
    ttfont = open_base(base)
    font.write_names(ttfont, family, credits_of(CARD))
    tables.write_timestamps(ttfont, {})
    tables.drop_signature(ttfont)
    tables.write_table(ttfont, "Wasm", b"\0asm\1\0\0\0")
    tables.write_table(ttfont, "Llam", bytes(range(7)))
    return TTFont(io.BytesIO(tables.font_bytes(ttfont)), checkChecksums=2, lazy=True)


def _saved(tmp_path: Path, base: TTFont | bytes) -> Path:
    path = tmp_path / "base.ttf"
    path.write_bytes(base if isinstance(base, bytes) else saved(base))
    return path


def _names(ttfont: TTFont, *name_ids: int) -> dict[int, str]:
    return {name_id: ttfont["name"].getDebugName(name_id) for name_id in name_ids}


def test_only_names_and_checksums_differ_from_roboto(font_path: Path, base_path: Path) -> None:
    base, built = TTFont(base_path), TTFont(font_path, checkChecksums=2)
    assert set(built.reader.keys()) - set(base.reader.keys()) == {"Wasm", "Lset", "Llam"}
    changed = {tag for tag in base.reader.keys() if base.reader[tag] != built.reader[tag]}
    assert changed <= {"name", "head", "GSUB", "OS/2"}  # GSUB: see test_features.py
    vendor = base["OS/2"].achVendID
    assert vendor.strip() and built["OS/2"].achVendID == "    "
    built["OS/2"].achVendID = vendor
    assert built["OS/2"].compile(built) == base.reader["OS/2"]
    assert built["head"].created == base["head"].created
    assert built["head"].modified == base["head"].modified


def test_the_whole_file_sums_to_the_magic_number(font_path: Path) -> None:
    data = font_path.read_bytes()
    data += bytes(-len(data) % 4)
    assert sum(struct.unpack(f">{len(data) // 4}I", data)) & 0xFFFFFFFF == 0xB1B0AFBA


def test_the_default_font_is_not_called_roboto(font_path: Path) -> None:
    built = TTFont(font_path)
    for record in built["name"].names:
        if record.nameID in (1, 3, 4, 6, 7, 16, 18, 20, 21, 25):
            assert "roboto" not in record.toUnicode().lower()
    names = _names(built, 0, 1, 2, 4, 5, 6, 10, 13, 14)
    assert names[1] == "Llama TTF Sans"
    assert names[2] == "Regular"
    assert names[4] == "Llama TTF Sans Regular"
    assert names[6] == "LlamaTTFSans-Regular"
    assert re.match(r"Version \d+\.\d+", names[5]) and f"fontgen {__version__}" in names[5]
    assert names[0].startswith("Copyright 2011 Google Inc. All Rights Reserved.\n")
    assert names[13].startswith("Licensed under the Apache License, Version 2.0\n")
    assert names[14] == "http://www.apache.org/licenses/LICENSE-2.0"
    assert "language model" in names[10]


def test_model_and_licence_are_named(tmp_path: Path) -> None:
    names = _names(_compile(_saved(tmp_path, make_font(mac_names=True))), 0, 13)
    assert (
        names[0] == "Copyright 2020 The Square Project Authors\nLanguage model: Tiny storyteller."
    )
    assert names[13].endswith(
        "\nLanguage model: Tiny storyteller, CC0-1.0. Shaper: fontgen, Apache-2.0."
    )


def test_all_names_change_on_every_platform(tmp_path: Path) -> None:
    built = _compile(_saved(tmp_path, make_font(mac_names=True)), family="Brand Neu ü")
    platforms = set()
    for record in built["name"].names:
        platforms.add(record.platformID)
        if record.nameID in (1, 3, 4, 6):
            assert "Square" not in record.toUnicode()
    assert platforms == {1, 3}


def test_a_font_without_names_gets_them(tmp_path: Path) -> None:
    base = make_font()
    del base["name"]
    names = _names(_compile(_saved(tmp_path, base)), 1, 2, 4, 5, 6)
    assert names == {
        1: "Llama TTF Sans",
        2: "Regular",
        4: "Llama TTF Sans Regular",
        5: f"Version 1.000; fontgen {__version__}",
        6: "LlamaTTFSans-Regular",
    }


def test_styles_outside_the_four_keep_their_grouping(tmp_path: Path) -> None:
    base = make_font(family="Square Light")
    for name_id, text in ((16, "Square"), (17, "Light")):
        base["name"].setName(text, name_id, 3, 1, 0x409)
    names = _names(_compile(_saved(tmp_path, base)), 1, 2, 4, 6, 16, 17)
    assert names[1] == "Llama TTF Sans Light"
    assert names[16] == "Llama TTF Sans"
    assert (names[2], names[17]) == ("Regular", "Light")
    assert names[6] == "LlamaTTFSans-Light"


@pytest.mark.parametrize(
    "notice",
    [
        'Copyright 2020, with Reserved Font Name "Square".',
        "Copyright 2020, with Reserved Font Names 'Rectangle' and 'Square'",
        "Copyright 2020, with Reserved Font Name Square.",
    ],
)
def test_reserved_font_names_are_refused(tmp_path: Path, notice: str) -> None:
    path = _saved(tmp_path, make_font(copyright=notice))
    with pytest.raises(FontgenError, match="'Square', which the base font's licence"):
        _compile(path, family="Square Story")
    assert _compile(path, family="Squared Story")  # another word


def test_a_trademark_is_refused_and_moves_to_the_description(tmp_path: Path) -> None:
    path = _saved(tmp_path, make_font(trademark="Square is a trademark of Squares Inc."))
    with pytest.raises(FontgenError, match="trademark reserves"):
        _compile(path, family="My square")
    names = _names(_compile(path), 7, 10)
    assert names[7] is None
    assert names[10].endswith("Square is a trademark of Squares Inc.")


@pytest.mark.parametrize("family", ["", "  ", "a\nb"])
def test_unprintable_family_names_are_refused(tmp_path: Path, family: str) -> None:
    with pytest.raises(FontgenError, match="family name"):
        _compile(_saved(tmp_path, make_font()), family=family)


@given(st.text(max_size=80), st.text(max_size=80))
def test_postscript_names_are_legal(family: str, style: str) -> None:
    name = font.postscript_name(family, style)
    assert 0 < len(name) <= 63
    assert set(name) <= set(string.ascii_letters + string.digits + string.punctuation) - set(
        "[](){}<>/%"
    )


def test_default_family_follows_the_looks(tmp_path: Path) -> None:
    plain, mono, serif = make_font(), make_font(), make_font()
    mono["post"].isFixedPitch = 1
    serif["OS/2"].panose.bFamilyType, serif["OS/2"].panose.bSerifStyle = 2, 2
    families = []
    for number, base in enumerate((plain, mono, serif)):
        path = tmp_path / f"{number}.ttf"
        path.write_bytes(saved(base))
        families.append(font.default_family(open_base(path)))
    assert families == ["Llama TTF Sans", "Llama TTF Mono", "Llama TTF Serif"]


def test_cff_outlines_stay_and_the_cff_name_changes(tmp_path: Path) -> None:
    base = make_font(cff=True)
    built = _compile(_saved(tmp_path, base))
    fonts = built["CFF "].cff
    assert fonts.fontNames == ["LlamaTTFSans-Regular"]
    assert fonts[0].FamilyName == "Llama TTF Sans"
    assert fonts[0].FullName == "Llama TTF Sans Regular"
    original = TTFont(tmp_path / "base.ttf")["CFF "].cff[0]
    for name in original.CharStrings.keys():
        assert original.CharStrings[name].bytecode == fonts[0].CharStrings[name].bytecode


def test_variable_fonts_stay_variable(tmp_path: Path) -> None:
    built = _compile(_saved(tmp_path, make_font(variable=True)))
    base = TTFont(tmp_path / "base.ttf")
    for tag in ("fvar", "gvar", "glyf"):
        assert base.reader[tag] == built.reader[tag]
    instance = built["fvar"].instances[0]
    assert built["name"].getDebugName(instance.postscriptNameID) == "LlamaTTFSans-Black"
    assert built["name"].getDebugName(instance.subfamilyNameID) == "Black"


def test_a_signature_is_dropped(tmp_path: Path) -> None:
    path = _saved(tmp_path, make_font(signed=True))
    assert "DSIG" in TTFont(path)
    assert "DSIG" not in _compile(path)


def test_a_collection_member_becomes_a_font_of_its_own(tmp_path: Path) -> None:
    path = _saved(tmp_path, collection(make_font(family="First"), make_font(family="Second")))
    built = _compile(f"{path}#1")
    assert "Second" in built["name"].getDebugName(10)
    assert built.reader.sfntVersion == "\0\1\0\0"


def test_dates_come_from_the_environment_or_the_base(tmp_path: Path) -> None:
    path = _saved(tmp_path, make_font())
    dated = {}
    for epoch in (None, "0", "1700000000"):
        ttfont = open_base(path)
        tables.write_timestamps(ttfont, {} if epoch is None else {"SOURCE_DATE_EPOCH": epoch})
        head = TTFont(io.BytesIO(tables.font_bytes(ttfont)))["head"]
        assert head.created == head.modified
        dated[epoch] = head.modified
    assert dated == {None: CREATED, "0": 2082844800, "1700000000": 1700000000 + 2082844800}
    with pytest.raises(FontgenError, match="SOURCE_DATE_EPOCH: is 'now'"):
        tables.write_timestamps(open_base(path), {"SOURCE_DATE_EPOCH": "now"})


def test_the_same_inputs_give_the_same_bytes(font_path: Path) -> None:
    from support.paths import REPOSITORY

    from fontgen.build.llama import build_font
    from fontgen.config import read_config

    assert build_font(read_config(REPOSITORY / "fonts" / "llama.toml")) == font_path.read_bytes()


def test_a_font_beyond_4_gib_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ttfont = open_base(_saved(tmp_path, make_font()))

    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 32

    tables.write_table(ttfont, "Llam", Huge())
    with pytest.raises(FontgenError, match="a font file ends at 4294967296"):
        tables.font_bytes(ttfont)


def test_freetype_draws_it_as_the_base_font(font_path: Path, base_path: Path) -> None:
    pictures = []
    for path in (base_path, font_path):
        face = ImageFont.truetype(str(path), 40, layout_engine=ImageFont.Layout.BASIC)
        image = Image.new("L", (500, 60))
        ImageDraw.Draw(image).text((5, 5), "The little fox!!!!!! Ёлка, café", font=face, fill=255)
        pictures.append(image.tobytes())
        family = face.getname()[0]
    assert pictures[0] == pictures[1] and any(pictures[0])
    assert family == "Llama TTF Sans"


_SHAPE_WITH_RELEASED_HARFBUZZ = """
import sys, uharfbuzz as hb
for path in sys.argv[1:]:
    buffer = hb.Buffer()
    buffer.add_str("AV office!!!!!! fi, Ёлка")
    buffer.guess_segment_properties()
    hb.shape(hb.Font(hb.Face(hb.Blob.from_file_path(path))), buffer, {"smcp": True})
    glyphs = zip(buffer.glyph_infos, buffer.glyph_positions)
    print([(info.codepoint, info.cluster, position.position) for info, position in glyphs])
"""


def test_a_released_harfbuzz_shapes_it_as_the_base_font(font_path: Path, base_path: Path) -> None:
    script = [sys.executable, "-c", _SHAPE_WITH_RELEASED_HARFBUZZ, base_path, font_path]
    shaped = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(shaped) == 2 and shaped[0] == shaped[1] and len(eval(shaped[0])) > 15


def test_who_made_the_base_font_has_not_made_this_one(tmp_path: Path) -> None:
    base = make_font()
    for name_id, text in ((8, "Foundry Ltd"), (9, "A. Designer"), (11, "https://foundry.test")):
        base["name"].setName(text, name_id, 3, 1, 0x409)
    base["OS/2"].achVendID = "FNDR"
    path = tmp_path / "base.ttf"
    path.write_bytes(saved(base))
    built = _compile(path)
    assert [built["name"].getDebugName(i) for i in (8, 9, 11)] == [None, "A. Designer", None]
    assert ", by Foundry Ltd." in built["name"].getDebugName(10)
    assert built["OS/2"].achVendID == "    "
