"""The browser host gives the very glyphs that the native host gives: numbers, clusters, advances, offsets."""

from __future__ import annotations

import io
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fontTools.misc.testTools import parseXML
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._k_e_r_n import KernTable_format_0
from support.host_fonts import compile_guest, with_axis, with_wasm

from browsers.host_page import HostPage
from fontgen.llama.shaper import shaper_module
from fontgen.text.options import ShapeOptions, parse_features
from fontgen.text.shape import ShapedText, ShapingFont

TEXTS = [
    ("The little fox!!! Office, AVATAR.", ""),
    ("The little fox" + "!" * 40, ""),
    ("Once upon a time" + "!" * 40, ""),
    ("Tom's café was closed" + "!" * 24, ""),
    ("!" * 24, ""),
    ("Жила-была лиса" + "!" * 24, ""),
    ("The fox" + "!" * 10 + " Then the hen" + "!" * 12, ""),
    ("The little fox" + "!" * 20, "smcp,kern=0"),
    ("The little fox!!!!!!!!!!!!???!!", ""),
    ("The little fox!!!!!!!!!!!!???!!", "TOKN=1"),
    ("Once upon a time" + "!" * 200, ""),
    ("The little fox" + "!" * 25, "TEMP=120,SEED=42,TOPP=90"),
    ("Some of it" + "!" * 12, "TEMP[0:14]=100,SEED[0:14]=5"),
    ("שלום עולם 123" + "!" * 10, ""),
    ("مرحبا" + "!" * 10, ""),
    ("日本語のテキスト" + "!" * 10, ""),
    ("😀 emoji 👩‍👩‍👧 " + "!" * 10, ""),
    ("e\u0301 cafe\u0301 naïve" + "!" * 10, ""),
    ("word " * 300 + "!" * 12, ""),
    ("", ""),
    ("a", ""),
]
"""Those of the golden images, and one for each thing that a run of marks can do."""

SCRIPTS = {
    "Latin": "Hamburgefonstiv VA To AV fi ffi",
    "Cyrillic": "Съешь ещё этих мягких булок",
    "Greek": "Ξεσκεπάζω τὴν ψυχοφθόρα βδελυγμία",
    "Hebrew": "שָׁלוֹם עוֹלָם 123",
    "Arabic": "سلام دنیا یہ بہت اچھا ہے ١٢٣",
    "Devanagari": "नमस्ते क्ष दुनिया",
    "Thai": "สวัสดี น้ำ ชาวโลก",
    "Armenian": "Բարեւ աշխարհ",
    "Georgian": "გამარჯობა მსოფლიო",
    "Han": "天地玄黃，宇宙洪荒",
    "Hangul": "안녕하세요 세계",
    "Lao": "ສະບາຍດີ ໂລກ",
}


AT_A_TIME = 50


def native(font: ShapingFont, case: dict[str, Any]) -> tuple[list[list[int]], ShapedText]:
    shaped = font.shape(
        case["text"],
        ShapeOptions(
            features=parse_features(case.get("features", "")),
            direction=case.get("direction"),
            part=case.get("part"),
        ),
    )
    return [
        [g.id, g.cluster, g.x_advance, g.y_advance, g.x_offset, g.y_offset] for g in shaped.glyphs
    ], shaped


def assert_equal(
    page: HostPage, uharfbuzz: ModuleType, data: bytes, cases: list[Any], **options: Any
) -> None:
    """Both hosts shape the texts alike; `options` are those of ``WasmFont``."""
    page.open_font("font.ttf", data, **options)
    font = ShapingFont(uharfbuzz, data)
    different = []
    # Some at a time: drivers wait only so long for a script.
    parts = [cases[at : at + AT_A_TIME] for at in range(0, len(cases), AT_A_TIME)]
    in_browser = (shaped for part in parts for shaped in page.shape("font.ttf", part))
    for case, browser in zip(cases, in_browser, strict=True):
        glyphs, shaped = native(font, case)
        if browser.glyphs != glyphs or browser.direction != shaped.direction:
            different.append((case, glyphs[:20], browser.glyphs[:20]))
    assert not different, f"{len(different)} of {len(cases)}: {different[:3]}"


def features_of(source: random.Random) -> str:
    return source.choice(
        ["", "", "", "TEMP=90,SEED=3", "TOKN=1", "TEMP[2:8]=70,SEED=9", "kern=0", "-liga,smcp", "TOPK=4,SEED=2"]
    )  # fmt: skip


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz      ", "ABCDEFGHTVAW .,;:'\"-", "!!!!!!!!?", "éàüñçøßœ", "абвгдеж", "αβγδ",
    "\u0301\u0308\u200d\u200c\u200b\u00ad", "שלום", "مرحبا", "日本語", "😀👩🏽", "\t\u00a0\u2028",
    "0123456789½²", "fiflffi",
]  # fmt: skip


def random_text(source: random.Random) -> str:
    text = ""
    for _ in range(source.randint(1, 6)):
        alphabet = source.choice(ALPHABETS)
        text += "".join(source.choice(alphabet) for _ in range(source.randint(1, 9)))
        if source.random() < 0.5:
            text += "!" * source.randint(1, 14) + "?" * source.choice([0, 0, 1, 2])
    return text


def test_golden_texts(host_page: HostPage, uharfbuzz: ModuleType, font_path: Path) -> None:
    cases = [{"text": text, "features": features} for text, features in TEXTS]
    assert_equal(host_page, uharfbuzz, font_path.read_bytes(), cases)
    for case, shaped in zip(cases, host_page.shape("font.ttf", cases), strict=True):
        assert shaped.shaper == "wasm", case


@pytest.mark.parametrize("flavour", ["simd128", "portable"])
def test_random_texts(
    host_page: HostPage,
    uharfbuzz: ModuleType,
    font_path: Path,
    portable_font_path: Path,
    flavour: str,
) -> None:
    path = font_path if flavour == "simd128" else portable_font_path
    source = random.Random(flavour)
    cases = [{"text": random_text(source), "features": features_of(source)} for _ in range(1000)]
    assert_equal(host_page, uharfbuzz, path.read_bytes(), cases)


def test_the_simd_module_runs_where_there_is_simd(host_page: HostPage, font_path: Path) -> None:
    """Of the universal module; every browser that is tested here has SIMD128."""
    assert host_page.open_font("font.ttf", font_path.read_bytes())["flavour"] == "simd128"


def test_the_visible_text_is_what_the_guest_shows(
    host_page: HostPage, llama: ShapingFont, font_path: Path
) -> None:
    host_page.open_font("font.ttf", font_path.read_bytes())
    texts = ["The little fox" + "!" * 40, "The fox!!!!!!!! Then!!!!!!?!!", "Wow!!! Plain\u200btext"]
    for text, shaped in zip(
        texts, host_page.shape("font.ttf", [{"text": text} for text in texts]), strict=True
    ):
        assert shaped.visible == llama.shape(text).visible
    # Small capitals have no characters of their own, but the text is known all the same.
    (capitals,) = host_page.shape("font.ttf", [{"text": texts[0], "features": "smcp"}])
    assert capitals.visible == llama.shape(texts[0]).visible


def test_parts_of_a_paragraph(host_page: HostPage, uharfbuzz: ModuleType, font_path: Path) -> None:
    """Lines and runs go on with the story of their paragraph; the rest of it is context."""
    text = "Once upon a time" + "!" * 30 + " And then" + "!" * 20
    parts = [(0, 20), (20, 46), (30, len(text)), (5, 10), (46, 55)]
    cases = [{"text": text, "part": part} for part in parts]
    assert_equal(host_page, uharfbuzz, font_path.read_bytes(), cases)


def without_positioning(data: bytes, kind: str) -> bytes:
    """The font with kern only, with neither, or with an AAT table for glyphs and one for kerning."""
    font = TTFont(io.BytesIO(data), recalcTimestamp=False)
    pairs = {("A", "V"): -120, ("V", "A"): -120, ("T", "o"): -90, ("A", "T"): -80}
    for table in ("GPOS", "GSUB") if kind == "aat" else ("GPOS",):
        del font[table]
    if kind == "kern":
        font["kern"] = table = newTable("kern")
        subtable = KernTable_format_0()
        subtable.coverage, subtable.tupleIndex, subtable.kernTable = 1, None, pairs
        table.version, table.kernTables = 0, [subtable]
    if kind == "aat":
        font["morx"] = newTable("morx")
        for element in parseXML(MORX):
            if not isinstance(element, str):  # white space
                font["morx"].fromXML(*element, font)
    output = io.BytesIO()
    font.save(output)
    return output.getvalue()


MORX = """
<Version value="2"/><Reserved value="0"/>
<MorphChain index="0">
  <DefaultFlags value="0x00000001"/>
  <MorphFeatureCount value="1"/>
  <MorphFeature index="0">
    <FeatureType value="1"/><FeatureSetting value="2"/>
    <EnableFlags value="0x00000001"/><DisableFlags value="0xFFFFFFFF"/>
  </MorphFeature>
  <MorphSubtable index="0">
    <TextDirection value="Any"/><ProcessingOrder value="LayoutOrder"/>
    <SubFeatureFlags value="0x00000001"/>
    <NoncontextualMorph>
      <Substitution>
        <Lookup glyph="a" value="o"/><Lookup glyph="A" value="V"/><Lookup glyph="e" value="u"/>
      </Substitution>
    </NoncontextualMorph>
  </MorphSubtable>
</MorphChain>
"""


@pytest.mark.parametrize("kind", ["kern", "none", "aat"])
def test_fonts_with_other_tables(
    host_page: HostPage, uharfbuzz: ModuleType, base_path: Path, kind: str
) -> None:
    """Ten scripts and two, with the model's shaper in the font but no model: all is OpenType or AAT."""
    data = without_positioning(base_path.read_bytes(), kind)
    texts = list(SCRIPTS.values())
    if kind != "none":  # the table that is tested does something
        full = ShapingFont(uharfbuzz, base_path.read_bytes())
        assert native(full, {"text": texts[0]}) != native(
            ShapingFont(uharfbuzz, data), {"text": texts[0]}
        )
    with_guest = with_wasm(io.BytesIO(data), shaper_module("universal"))
    assert_equal(host_page, uharfbuzz, with_guest, [{"text": text} for text in texts])


def test_ten_scripts(host_page: HostPage, uharfbuzz: ModuleType, dejavu: bytes) -> None:
    data = with_wasm(io.BytesIO(dejavu), shaper_module("universal"))
    cases = [{"text": text} for text in SCRIPTS.values()]
    cases += [{"text": text, "direction": "ttb"} for text in SCRIPTS.values()]
    assert_equal(host_page, uharfbuzz, data, cases)


@pytest.mark.parametrize("heap", ["host heap", "guest heap"])
def test_every_function_of_the_api(
    host_page: HostPage, uharfbuzz: ModuleType, base_path: Path, heap: str, tmp_path: Path
) -> None:
    """tests/host/native/api.c answers as in the native host, where test_api.py says what is right."""
    flags = ["-DGUEST_HEAP"] if heap == "guest heap" else []
    module = compile_guest("api.c", tmp_path / "api.wasm", *flags)
    data = with_wasm(with_axis(base_path), module)
    questions = ["bcd", "f", "o", "F", "c", "e", "d", "p", "p", "AVA Tor, fi"]
    cases = [{"text": text, "direction": "ltr"} for text in questions]
    cases += [
        {"text": "e", "features": "kern=0,ss01=3", "direction": "ltr"},
        {"text": "AVA Tor, fi", "features": "kern=0", "direction": "ltr"},
        {"text": "m", "features": "kern", "direction": "ltr"},
    ]
    assert_equal(host_page, uharfbuzz, data, cases)
    assert host_page.log[:2] == ["none", "one 1"]  # debugprint()
