"""The font in other people's programs: OpenType Sanitizer, an old HarfBuzz, other base fonts."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from support.small_content import small_content, small_font

from fontgen.automaton.machine import machine_of
from fontgen.automaton.opentype import write_automaton
from fontgen.automaton.reference import Reference
from fontgen.check.automaton import same_glyphs
from fontgen.errors import FontgenError
from fontgen.font.tale import Tale
from fontgen.text.shape import ShapingFont

TEXTS = [
    "The little fox!!!!!!!!!!",
    "Zorblax and the dog. Then it was!!!!!!!!!!!!!!!!!!!!!",
    "!!!!!!!!!!!!!!!!!!",
    "the dog!!!??!!!!!!!!! and Mia!!!!!!!!",
]


def test_opentype_sanitizer_keeps_every_table(tmp_path: Path) -> None:
    """Browsers run it over web fonts, and drop what it does not like."""
    ots = pytest.importorskip("ots")
    path, cleaned = tmp_path / "font.ttf", tmp_path / "cleaned.ttf"
    path.write_bytes(small_font()[0])
    ots.sanitize(str(path), str(cleaned), check=True)
    before, after = TTFont(path), TTFont(cleaned)
    for tag in ("GSUB", "GDEF", "GPOS"):
        assert after.reader[tag] == before.reader[tag]


@pytest.mark.skipif(shutil.which("hb-shape") is None, reason="hb-shape is not installed")
def test_hb_shape_as_installed_shows_the_same(tmp_path: Path) -> None:
    """Debian 12 has HarfBuzz 6."""
    path = tmp_path / "font.ttf"
    path.write_bytes(small_font()[0])
    font = ShapingFont(_harfbuzz(), small_font()[0])
    for text in TEXTS:
        command = ["hb-shape", "--no-glyph-names", "--no-positions", str(path), text]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        theirs = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)=(\d+)", shown)]
        assert theirs == [(glyph.id, glyph.cluster) for glyph in font.shape(text).glyphs]


def _plain_font(*, cff: bool) -> TTFont:
    """Squares for printable ASCII; no GSUB, GDEF or GPOS."""
    characters = [chr(code) for code in range(0x20, 0x7F)]
    names = [".notdef", *(f"uni{ord(c):04X}" for c in characters)]
    builder = FontBuilder(1000, isTTF=not cff)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(c): n for c, n in zip(characters, names[1:], strict=True)})
    if cff:
        pen = T2CharStringPen(500, None)
        builder.setupCFF("Plain", {}, dict.fromkeys(names, pen.getCharString()), {})
    else:
        builder.setupGlyf({name: TTGlyphPen(None).glyph() for name in names})
    builder.setupHorizontalMetrics({name: (500, 0) for name in names})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Plain", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    stream = io.BytesIO()
    builder.font.save(stream)
    return TTFont(io.BytesIO(stream.getvalue()), lazy=True, recalcBBoxes=False)


def _harfbuzz():
    import uharfbuzz

    return uharfbuzz


@pytest.mark.parametrize("cff", [False, True], ids=["TrueType", "CFF"])
def test_a_base_font_without_tables_of_its_own(cff: bool) -> None:
    base = _plain_font(cff=cff)
    size = write_automaton(base, machine_of(small_content()))
    stream = io.BytesIO()
    base.save(stream, reorderTables=None)
    font = ShapingFont(_harfbuzz(), stream.getvalue())
    tale = Tale("", {}, size.first_glyph, size.space, size.lookups)
    reference = Reference(small_content())
    for text in TEXTS:
        assert same_glyphs(font, tale, reference, text)


def test_dejavu_with_many_scripts() -> None:
    path = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not path.exists():
        pytest.skip("DejaVu Sans is not installed")
    data = path.read_bytes()
    base = TTFont(io.BytesIO(data), lazy=True, recalcBBoxes=False, recalcTimestamp=False)
    size = write_automaton(base, machine_of(small_content()))
    stream = io.BytesIO()
    base.save(stream, reorderTables=None)
    ours, theirs = (ShapingFont(_harfbuzz(), d) for d in (stream.getvalue(), data))
    tale = Tale("", {}, size.first_glyph, size.space, size.lookups)
    for text in TEXTS:
        assert same_glyphs(ours, tale, Reference(small_content()), text)
    for text in (
        "difficult",
        "\u0645\u0631\u062d\u0628\u0627",
        "\u05e9\u05dc\u05d5\u05dd",
        "\u0416\u0438\u043b\u0430",
        "e\u0301!",
    ):
        assert [(g.id, g.x_advance) for g in ours.shape(text).glyphs] == [
            (g.id, g.x_advance) for g in theirs.shape(text).glyphs
        ]


def test_a_font_that_lacks_a_letter_is_refused() -> None:
    base = _plain_font(cff=False)
    for table in base["cmap"].tables:
        table.cmap.pop(ord("q"), None)
    with pytest.raises(FontgenError, match="lacks 'q'"):
        write_automaton(base, machine_of(small_content()))


def test_the_same_content_gives_the_same_bytes() -> None:
    code = (
        "import hashlib, sys; sys.path[:0] = sys.argv[1:]\n"
        "from support.small_content import small_font\n"
        "print(hashlib.sha256(small_font()[0]).hexdigest())"
    )
    root = Path(__file__).parents[2]
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(root), str(root / "tests")],
            check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1
