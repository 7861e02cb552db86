"""Shaping, and the visible text: as the font's program shows it, or recovered from glyphs."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from hypothesis import given, settings
from hypothesis import strategies as st
from support.base_fonts import LETTERS, make_font, saved

from fontgen.errors import FontgenError
from fontgen.text.characters import MISSING
from fontgen.text.options import ShapeOptions, parse_features, parse_variations
from fontgen.text.shape import ShapedText, ShapeFailed, ShapingFont, format_table

PLAIN = ShapeOptions(shaper="ot")


def _shape(font: ShapingFont, text: str, features: str = "", **options: str) -> ShapedText:
    return font.shape(text, ShapeOptions(features=parse_features(features), **options))


@pytest.fixture(scope="session")
def substituting(uharfbuzz: ModuleType) -> ShapingFont:
    """A font with one substitution of every kind that GSUB can undo."""
    font = make_font()
    name = {letter: f"uni{ord(letter):04X}" for letter in LETTERS}
    order = font.getGlyphOrder() + ["f_i", "a.alt", "a.swash", "b.one", "b.two", "o.end"]
    square = font["glyf"][name["a"]]
    for extra in order[-6:]:
        font["glyf"].glyphs[extra] = square
        font["hmtx"].metrics[extra] = (500, 50)
    font.setGlyphOrder(order)
    font["glyf"].glyphOrder = order
    feature_code = f"""
        languagesystem DFLT dflt;
        feature liga {{ sub {name["f"]} {name["i"]} by f_i; }} liga;
        feature salt {{ sub {name["a"]} from [a.alt a.swash]; }} salt;
        feature ccmp {{ sub {name["b"]} by b.one b.two; }} ccmp;
        feature rclt {{ rsub {name["x"]} {name["o"]}' by o.end; }} rclt;
    """
    addOpenTypeFeaturesFromString(font, feature_code)
    return ShapingFont(uharfbuzz, saved(font))


@pytest.mark.parametrize(
    "text, features, glyph",
    [
        ("fig", "", "f_i"),
        ("cab", "salt=1", "a.alt"),
        ("cab", "salt=2", "a.swash"),
        ("abc", "", "b.two"),
        ("box", "", "b.one"),
        ("xox", "", "o.end"),
    ],
)
def test_substitutions_are_undone(
    substituting: ShapingFont, text: str, features: str, glyph: str
) -> None:
    shaped = _shape(substituting, text, features)
    assert glyph in [g.name for g in shaped.glyphs]
    assert shaped.visible == text


@pytest.mark.parametrize(
    "text",
    [
        "The little fox",
        "office, fluffy",
        "Tom's café was closed",
        "cafe\N{COMBINING ACUTE ACCENT}",
        "Жила-была лиса, ещё",
        "a\N{NO-BREAK SPACE}b",
        "\N{LATIN SMALL LIGATURE FI}",
        "¡Hola! ½ × 2³ = 4",
        "wow!!!",
        "",
    ],
)
@pytest.mark.parametrize("features", ["", "smcp,dlig,onum", "-kern,-liga", "c2sc,frac,salt"])
def test_plain_text_is_visible_as_it_was_typed(
    llama: ShapingFont, text: str, features: str
) -> None:
    shaped = _shape(llama, text, features)
    assert shaped.visible == text
    assert shaped.shaper == "wasm"


@pytest.fixture(scope="session")
def alphabet(llama: ShapingFont) -> list[str]:
    ignorable = {
        0xAD,
        0x34F,
        0x61C,
        0xFEFF,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
    }
    return [chr(c) for c in llama.face.unicodes if c >= 0x20 and c not in ignorable and c != 0x21]


@settings(max_examples=150)
@given(st.data())
def test_any_characters_of_the_font_are_recovered(
    llama: ShapingFont, alphabet: list[str], data
) -> None:
    text = data.draw(st.text(st.sampled_from(alphabet), max_size=40))
    assert llama.shape(text).visible == text


def test_characters_that_the_font_lacks_are_known_from_its_program(llama: ShapingFont) -> None:
    """Where OpenType alone shapes, only the glyphs tell."""
    assert _shape(llama, "a漢b").visible == "a漢b"
    assert llama.shape("a漢b", PLAIN).visible == f"a{MISSING}b"


def test_small_capitals_have_characters_of_their_own(llama: ShapingFont) -> None:
    story = "The little fox" + "!" * 20
    assert _shape(llama, story, "smcp").visible == _shape(llama, story).visible


def test_right_to_left_is_read_from_the_right(uharfbuzz: ModuleType) -> None:
    font = ShapingFont(uharfbuzz, saved(make_font()))
    shaped = _shape(font, "abc fox", direction="rtl")
    assert shaped.visible == "abc fox"
    assert shaped.glyphs[0].text == "x" and shaped.logical_glyphs()[0].text == "a"


def test_ignorable_characters_are_kept_and_placeholders_are_not(llama: ShapingFont) -> None:
    typed = "a\u200bb\u00adc"
    assert _shape(llama, typed).visible == typed
    assert llama.shape(typed, PLAIN).visible == "abc"
    assert "\u200b" not in _shape(llama, "The little fox!!!!!!!!").visible


def test_generated_text_continues_the_prompt(llama: ShapingFont) -> None:
    before = _shape(llama, "The little fox!!!").visible
    assert before == "The little fox!!!"
    seen = [_shape(llama, "The little fox" + "!" * marks).visible for marks in range(4, 20)]
    assert seen[0].startswith("The little fox ")
    assert all(longer.startswith(shorter) for shorter, longer in pairwise(seen))
    assert "!" not in seen[-1]


def test_replaced_words_are_visible(llama: ShapingFont) -> None:
    assert _shape(llama, "OpenSans!!!").visible == "LLaMaSans!!!"


def test_clusters_walk_along_the_typed_text(llama: ShapingFont) -> None:
    text = "Once upon a time" + "!" * 12
    clusters = [glyph.cluster for glyph in _shape(llama, text).glyphs]
    assert clusters == sorted(clusters)
    assert clusters[-1] < len(text)
    assert len(set(clusters)) > 20  # tokens have clusters of their own


def test_a_host_without_the_shaper_shows_what_was_typed(llama: ShapingFont) -> None:
    text = "The little fox" + "!" * 12
    assert llama.shape(text, PLAIN).visible == text


def test_a_module_that_does_not_load_leaves_the_text_to_opentype(
    uharfbuzz: ModuleType, font_path: Path
) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(font_path)
    font["Wasm"].data = font["Wasm"].data[:100]
    stream = io.BytesIO()
    font.save(stream)
    damaged = ShapingFont(uharfbuzz, stream.getvalue(), "damaged.ttf")
    shaped = damaged.shape("fox")
    assert (shaped.shaper, shaped.visible) == ("ot", "fox")
    assert shaped.reason
    with pytest.raises(ShapeFailed, match="damaged.ttf: the shaper 'wasm' failed"):
        damaged.shape("fox", ShapeOptions(shaper="wasm"))
    assert damaged.shape("fox", PLAIN).visible == "fox"


def test_variations_change_the_advance(uharfbuzz: ModuleType) -> None:
    data = saved(make_font(variable=True))
    regular = ShapingFont(uharfbuzz, data).shape("m").glyphs[0]
    black = ShapingFont(uharfbuzz, data, variations={"wght": 900}).shape("m").glyphs[0]
    assert black.x_advance == regular.x_advance + 80
    with pytest.raises(FontgenError, match="no variation axis 'wdth'; it has wght"):
        ShapingFont(uharfbuzz, data, variations={"wdth": 50})


def test_not_a_font(uharfbuzz: ModuleType) -> None:
    with pytest.raises(FontgenError, match="x.ttf: is not a font"):
        ShapingFont(uharfbuzz, b"not a font", "x.ttf")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", {}),
        ("kern", {"kern": [(0, 0xFFFFFFFF, 1)]}),
        ("+kern", {"kern": [(0, 0xFFFFFFFF, 1)]}),
        ("-kern", {"kern": [(0, 0xFFFFFFFF, 0)]}),
        ("kern=0, 'ss01'=2", {"kern": [(0, 0xFFFFFFFF, 0)], "ss01": [(0, 0xFFFFFFFF, 2)]}),
        ("kern[3]", {"kern": [(3, 4, 1)]}),
        ("kern[3:]=0", {"kern": [(3, 0xFFFFFFFF, 0)]}),
        ("kern[:5]", {"kern": [(0, 5, 1)]}),
        ("aalt[3:5]=7", {"aalt": [(3, 5, 7)]}),
        ("liga=off,liga[2:4]=on", {"liga": [(0, 0xFFFFFFFF, 0), (2, 4, 1)]}),
    ],
)
def test_features(text: str, expected: object) -> None:
    assert parse_features(text) == expected


@pytest.mark.parametrize(
    "text", ["ker", "kerning", "kern=x", "kern[a]", "kern=99999999999", "=1", "-kern=1"]
)
def test_what_is_not_a_feature(text: str) -> None:
    with pytest.raises(FontgenError):
        parse_features(text)


def test_variations() -> None:
    assert parse_variations("wght=700, wdth=87.5,slnt=-8") == {
        "wght": 700,
        "wdth": 87.5,
        "slnt": -8,
    }
    for wrong in ("wght", "wght=bold", "weight=3"):
        with pytest.raises(FontgenError):
            parse_variations(wrong)


def test_the_table_for_people(llama: ShapingFont) -> None:
    lines = format_table(_shape(llama, "fox!!!!")).splitlines()
    assert lines[0] == "typed    fox!!!!"
    assert lines[1].startswith("visible  fox")
    assert lines[4].split() == ["glyph", "cluster", "advance", "offset", "text"]
    assert lines[5].split()[-1] == "f"


def test_a_code_point_of_private_use_is_read_through_gsub(uharfbuzz: ModuleType) -> None:
    """Small capitals of some fonts have one, which would show as blank."""
    font = make_font()
    for table in font["cmap"].tables:
        table.cmap[0xE001] = "uni007A"
        table.cmap.pop(ord("z"), None)
    addOpenTypeFeaturesFromString(font, "feature smcp { sub uni0061 by uni007A; } smcp;")
    shaping = ShapingFont(uharfbuzz, saved(font))
    assert _shape(shaping, "bab", "smcp").visible == "bab"
    assert _shape(shaping, "b\ue001").visible == "b\ue001"


def test_a_symbol_font_shows_what_was_typed(uharfbuzz: ModuleType) -> None:
    font = make_font()
    cmap = font["cmap"].getBestCmap()
    subtable = CmapSubtable.newSubtable(4)
    subtable.platformID, subtable.platEncID, subtable.language = 3, 0, 0
    subtable.cmap = {code + 0xF000: name for code, name in cmap.items()}
    font["cmap"].tables = [subtable]
    assert _shape(ShapingFont(uharfbuzz, saved(font)), "a fox").visible == "a fox"


def test_names_of_glyphs_that_are_no_text(uharfbuzz: ModuleType) -> None:
    """A damaged ``post`` names a glyph by bytes that are no UTF-8."""
    font = make_font()
    font["post"].formatType, font["post"].extraNames, font["post"].mapping = 2.0, [], {}
    data = saved(font)
    assert data.count(b"uni0061") == 1
    damaged = data.replace(b"uni0061", b"uni\xff061")
    names = [
        glyph.name for glyph in ShapingFont(uharfbuzz, damaged, Path("a.ttf")).shape("ab").glyphs
    ]
    assert names == ["gid1", "uni0062"]
