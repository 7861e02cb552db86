"""Building picture fonts: what a program of one's own needs, what is refused, and by which words."""

from __future__ import annotations

import io
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fontTools.colorLib.builder import buildCOLR, buildCPAL
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont
from support.base_fonts import make_font, saved, with_cids
from support.paths import REPOSITORY

from fontgen.build import build_font
from fontgen.config import read_config
from fontgen.errors import FontgenError
from fontgen.font.base import default_base_path
from fontgen.pictures.maze.drawing import DRAWING as MAZE
from fontgen.shapers.sdk import LETTERS, SHAPES
from fontgen.text.shape import ShapeOptions, ShapingFont


def build(folder: Path, text: str) -> bytes:
    path = folder / "font.toml"
    path.write_text(text)
    return build_font(read_config(path))


@pytest.mark.parametrize(
    "text, cause",
    [
        ("[shaper]\nprogram = 'tetris'", "shaper.program: "),
        ("[shaper]\nprogram = 'maze'\nkept_marks = 3", "shaper.kept_marks: does not belong to the program 'maze'"),
        ("[shaper]\nprogram = 'chess'\nflavour = 'portable'", "shaper.flavour: does not belong"),
        ("[shaper]\nprogram = 'chess'\n[quantise]\nbits = 8", "quantise.bits: does not belong"),
        ("[shaper]\nprogram = 'chess'\n[model]\ncheckpoint = 'x'", "model.checkpoint: does not belong"),
        ("[shaper]\nprogram = 'chess'\n[replace]\na = 'b'", "replace.a: does not belong"),
        ("[picture]\ncell = 0.5", "picture.cell: does not belong to the program 'llama'"),
        ("[shaper]\nprogram = 'maze'\n[picture]\nmaze = '9x9'", "picture.maze: does not belong"),
        ("[shaper]\nprogram = 'maze'\n[picture]\ncell = 0.0", "picture.cell: is 0, not above 0"),
        ("[shaper]\nprogram = 'maze'\n[picture]\nlines = 'low'", "picture.lines: 'low' is not one of tall, em"),
        ("[shaper]\nprogram = 'maze'\n[picture]\npalette = 'x'", "picture.palette: 'x' is not one of day, night"),
        ("[shaper]\nprogram = 'maze'\n[picture.colours]\nwall = 'red'", "picture.colours.wall: 'red' is not a colour"),
        ("[shaper]\nprogram = 'maze'\n[picture.colours]\nsky = '#ffffff'", "unknown colour 'sky'"),
        ("[shaper]\nprogram = 'maze'\n[picture]\nshapes = { a = 'M0 0Z' }", "has shapes of its own"),
        ("[shaper]\nprogram = 'maze'\n[picture]\ntrigger = ''", "picture.trigger: has 0 characters"),
        ("[shaper]\nprogram = 'maze'\n[picture]\ntrigger = 'a b'", "picture.trigger: 'a b' holds U+0020"),
        ("[shaper]\nprogram = 'maze'\n[picture]\ntrigger = '迷路'", "which the base font lacks"),
        ("[shaper]\nprogram = 'maze'\n[picture]\ntrigger = \"a\\u0301\"", "which cannot be typed within a word"),
        (
            "[shaper]\nprogram = 'tetromino'\n[picture]\ncell = 0.9",
            "a cell of 0.9 em is 1843 units, and 22.3 of them 41099; metrics of a font end at 32767, "
            "so that a cell may have at most 0.717 em",
        ),
        ("[shaper]\nprogram = 'tetromino'\n[picture]\ncell = 0.0001", "is less than one unit"),
    ],
)  # fmt: skip
def test_refusals_name_file_key_and_cause(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(FontgenError) as refusal:
        build(tmp_path, text)
    assert str(refusal.value).startswith(f"{tmp_path / 'font.toml'}: ")
    assert cause in str(refusal.value)


def test_the_largest_cell_that_is_named_fits(tmp_path: Path) -> None:
    build(tmp_path, "[shaper]\nprogram = 'tetromino'\n[picture]\ncell = 0.717")


def test_flags_of_another_program_are_refused(fontgen: Callable, tmp_path: Path) -> None:
    outcome = fontgen(
        "build", REPOSITORY / "fonts/maze.toml", "--bits", 4, "-o", tmp_path / "x.ttf"
    )
    assert (
        outcome.code == 2 and "quantise.bits: does not belong to the program 'maze'" in outcome.err
    )
    assert not (tmp_path / "x.ttf").exists()


def test_a_new_font_of_ones_own(
    fontgen: Callable, tmp_path: Path, uharfbuzz: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bars"
    assert fontgen("new", folder).code == 0
    monkeypatch.chdir(tmp_path)
    outcome = fontgen("build", folder / "font.toml")
    assert outcome.code == 0, outcome.err
    font = ShapingFont(uharfbuzz, (folder / "bars.ttf").read_bytes())
    assert sum(glyph.cluster == 2 for glyph in font.shape("a =7 b").glyphs) == 7 + 3
    plain = font.shape("a =x b", ShapeOptions(shaper="ot"))
    assert font.shape("a =x b").glyphs == plain.glyphs
    assert fontgen("new", folder).code == 2  # not a second time


def test_the_readme_of_the_sdk_shows_the_starter() -> None:
    readme = (REPOSITORY / "wasm/sdk/README.md").read_text()
    for name in ("bars.c", "font.toml"):
        text = (REPOSITORY / "wasm/starter" / name).read_text().strip()
        assert text in readme, name


def test_a_mistake_in_c_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text("int broken(void) { return x; }\n")
    with pytest.raises(FontgenError, match="a.c:1:27: error: use of undeclared identifier 'x'"):
        build(tmp_path, "[shaper]\nprogram = '.'")


def test_a_folder_without_c_and_a_file_that_is_no_shaper(tmp_path: Path) -> None:
    with pytest.raises(FontgenError, match="has no C files"):
        build(tmp_path, "[shaper]\nprogram = '.'")
    (tmp_path / "x.wasm").write_bytes(b"not a module")
    with pytest.raises(FontgenError, match="x.wasm: is no WebAssembly module"):
        build(tmp_path, "[shaper]\nprogram = 'x.wasm'")
    (tmp_path / "x.wasm").write_bytes(b"\0asm\1\0\0\0")
    with pytest.raises(FontgenError, match="x.wasm: is no shaper: it does not export shape"):
        build(tmp_path, "[shaper]\nprogram = 'x.wasm'")


def test_anybodys_module_in_any_base_font(
    tmp_path: Path, pictures: dict[str, ShapingFont], uharfbuzz: object
) -> None:
    module = bytes(pictures["chess"].face.reference_table("Wasm").data)
    (tmp_path / "other.wasm").write_bytes(module)
    data = build(tmp_path, "[font]\nfamily = 'Other'\n[shaper]\nprogram = 'other.wasm'")
    font = TTFont(io.BytesIO(data))
    assert font.getTableData("Wasm") == module
    assert font["name"].getDebugName(1) == "Other"
    assert font.getGlyphOrder() == TTFont(default_base_path()).getGlyphOrder()


def test_the_trigger_can_be_changed(tmp_path: Path, uharfbuzz: object) -> None:
    data = build(tmp_path, "[shaper]\nprogram = 'tetromino'\n[picture]\ntrigger = 'Blöcke'")
    font = ShapingFont(uharfbuzz, data)
    assert len(font.shape("blöcke(a):x").glyphs) > 50 and len(font.shape("BLöCKE(a):").glyphs) > 50
    assert len(font.shape("tetris(a):x").glyphs) == len("tetris(a):x")


def test_palettes_and_colours(tmp_path: Path) -> None:
    data = build(
        tmp_path,
        "[shaper]\nprogram = 'tetromino'\n[picture]\npalette = 'universal'\n[picture.colours]\nI = '#010203'",
    )
    palettes = TTFont(io.BytesIO(data))["CPAL"].palettes
    assert len(palettes) == 4
    first = [(c.red, c.green, c.blue) for c in palettes[0]]
    assert (1, 2, 3) in first and (0, 0x72, 0xB2) in first
    assert (1, 2, 3) not in [(c.red, c.green, c.blue) for c in palettes[1]]


def test_lines_are_tall_or_the_base_fonts(tmp_path: Path) -> None:
    base = TTFont(default_base_path())["hhea"]
    tall, low, some = (
        TTFont(io.BytesIO(build(tmp_path, f"[shaper]\nprogram = 'chess'\n[picture]\n{lines}")))[
            "hhea"
        ]
        for lines in ("", "lines = 'em'", "rows = 4")
    )
    assert tall.ascent == round(8.1 * round(0.6 * 2048))
    assert (low.ascent, low.descent) == (base.ascent, base.descent)
    assert some.ascent == 4 * round(0.6 * 2048)


@pytest.mark.parametrize("by_number", [False, True], ids=["named", "CID-keyed"])
def test_cff_base_fonts(
    tmp_path: Path, uharfbuzz: object, pictures: dict[str, ShapingFont], by_number: bool
) -> None:
    base = make_font(cff=True, letters=string.ascii_letters + " :")
    (tmp_path / "base.otf").write_bytes(with_cids(saved(base)) if by_number else saved(base))
    for program, text in (("maze", "maze(4x4):d"), ("gsub-maze", "maze:d")):
        data = build(tmp_path, f"[font]\nbase = 'base.otf'\n[shaper]\nprogram = '{program}'")
        font, opened = ShapingFont(uharfbuzz, data), TTFont(io.BytesIO(data))
        top = opened["CFF "].cff.topDictIndex[0]
        assert opened["maxp"].numGlyphs == len(top.CharStrings)
        assert len(font.shape(text).glyphs) == len(pictures[program].shape(text).glyphs)
        assert hasattr(top, "ROS") == by_number
        # Every outline can be drawn, by HarfBuzz as by fontTools, and they are the same.
        shown = opened.getBestCmap()
        for code in (SHAPES, SHAPES + 1, LETTERS + ord("a") - 0x20):
            pen, drawn = RecordingPen(), []
            opened.getGlyphSet()[shown[code]].draw(pen)
            font.font.draw_glyph(opened.getGlyphID(shown[code]), _draw_into(uharfbuzz), drawn)
            assert drawn.count("move") == sum(name == "moveTo" for name, _ in pen.value)


def _draw_into(uharfbuzz: Any) -> Any:
    """Draw functions that write down where contours begin."""
    functions = uharfbuzz.DrawFuncs()
    functions.set_move_to_func(lambda x, y, drawn: drawn.append("move"))
    for name in ("line_to", "quadratic_to", "cubic_to", "close_path"):
        getattr(functions, f"set_{name}_func")(lambda *_: None)
    return functions


@pytest.mark.parametrize("version", [0, 1])
def test_base_fonts_with_colours_of_their_own(
    tmp_path: Path, uharfbuzz: object, version: int
) -> None:
    """Theirs stay as they are, in each palette; ours come after them."""
    base = make_font()
    red, green, blue = (1.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)
    layers = {"uni0061": [("uni0062", 0), ("uni0063", 1)]}
    paint = {
        "Format": 10,
        "Glyph": "uni0065",
        "Paint": {"Format": 2, "PaletteIndex": 1, "Alpha": 1},
    }
    base["COLR"] = buildCOLR(layers | ({"uni0066": paint} if version else {}))
    base["CPAL"] = buildCPAL([[red, green], [blue, red]])
    (tmp_path / "base.ttf").write_bytes(saved(base))
    data = build(tmp_path, "[font]\nbase = 'base.ttf'\n[shaper]\nprogram = 'maze'")
    font = TTFont(io.BytesIO(data))
    palettes = [[tuple(c) for c in palette] for palette in font["CPAL"].palettes]
    assert len(palettes) == 3  # day, night, universal
    own = [((0, 0, 255, 255), (0, 255, 0, 255)), ((255, 0, 0, 255), (0, 0, 255, 255))]
    assert [tuple(palette[:2]) for palette in palettes] == [own[0], own[1], own[0]]
    colours = [
        tuple(c)
        for c in TTFont(io.BytesIO(build(tmp_path, "[shaper]\nprogram = 'maze'")))["CPAL"].palettes[
            1
        ]
    ]
    assert palettes[1][2:] == colours
    assert font["COLR"].version == version
    if version:
        assert font["COLR"].table.BaseGlyphList.BaseGlyphPaintRecord[0].BaseGlyph == "uni0066"
    face = ShapingFont(uharfbuzz, data).face
    walker = font.getGlyphID(font.getBestCmap()[SHAPES])
    of_base = face.get_glyph_color_layers(font.getGlyphID("uni0061"))
    assert [(font.getGlyphName(layer.glyph), layer.color_index) for layer in of_base] == layers[
        "uni0061"
    ]
    (layer,) = face.get_glyph_color_layers(walker)
    assert layer.color_index == 2 + list(MAZE.palettes["day"]).index("walker")


def test_nothing_of_the_base_font_changes(picture_paths: dict[str, Path]) -> None:
    base = TTFont(default_base_path())
    for path in picture_paths.values():
        font = TTFont(path)
        order = base.getGlyphOrder()
        assert font.getGlyphOrder()[: len(order)] == order
        assert all(font["glyf"][name] == base["glyf"][name] for name in order)
        assert all(font["hmtx"][name] == base["hmtx"][name] for name in order)
        assert all(font.getBestCmap()[code] == name for code, name in base.getBestCmap().items())


@pytest.mark.parametrize("name", ["tetromino", "maze", "chess"])
def test_sizes(picture_paths: dict[str, Path], name: str) -> None:
    font, base = TTFont(picture_paths[name]), default_base_path().stat().st_size
    assert len(font.getTableData("Wasm")) <= 12 * 1024
    assert picture_paths[name].stat().st_size <= base + 30 * 1024


def test_the_same_inputs_give_the_same_bytes(picture_paths: dict[str, Path]) -> None:
    for name, path in picture_paths.items():
        config = read_config(REPOSITORY / "fonts" / f"{name}.toml")
        assert build_font(config) == path.read_bytes()


def test_names_speak_of_no_language_model(picture_paths: dict[str, Path]) -> None:
    for path in picture_paths.values():
        names = TTFont(path)["name"]
        assert not any("anguage model" in record.toUnicode() for record in names.names)
