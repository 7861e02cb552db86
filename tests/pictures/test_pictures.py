"""What every picture font keeps: text around it as it is, clusters, undo, any direction and scale, the feature STEP."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import TESTS
from support.shaped_buffer import shape_random_buffers

from fontgen.check.pictures import read_picture
from fontgen.pictures.programs import PROGRAMS
from fontgen.shapers.sdk import BLANK, LETTERS, SHAPES
from fontgen.text.shape import ShapeOptions, ShapingFont

GAMES = {
    "tetromino": ("tetris(anna):", "adswqxc.ADSWQXC"),
    "maze": ("maze(9x7,wilson,7):", "wasdWASD?"),
    "chess": ("chess(white):", ""),
}
OPENING = "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6 8. c3 O-O"


def typed_keys(name: str, source: random.Random) -> str:
    if name == "chess":
        return OPENING[: source.randrange(len(OPENING))]
    return "".join(source.choice(GAMES[name][1]) for _ in range(source.randrange(60)))


def glyphs_of(font: ShapingFont, text: str, **options) -> list[tuple]:
    shaped = font.shape(text, ShapeOptions(**options))
    return [(g.id, g.cluster, g.x_advance, g.x_offset, g.y_offset) for g in shaped.glyphs]


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox, 12 fi ffl AVATAR",
        "tetris maze chess",
        "a chess: like this, a tetris: no, maze: x",
        "mychess:e4 amaze(9x9): retetris(a):x",
        "maze(1x9): maze(9x49): maze(65x9): maze(9x9 maze(9): maze(9x9,a b):",
        "tetris(a b): tetris(a tetris(): no colon",
        "tetris(" + 40 * "x" + "):",
        "chess(8/8/8/8/8/8/8/8): chess(nonsense):e4",
        "שלום مرحبا café 🚣",
        "",
    ],
)
def test_plain_text_is_shaped_as_by_opentype(
    pictures: dict[str, ShapingFont], name: str, text: str
) -> None:
    if name == "tetromino" and "tetris():" in text:
        text = text.replace("tetris():", "")
    font = pictures[name]
    assert glyphs_of(font, text) == glyphs_of(font, text, shaper="ot")


@pytest.mark.parametrize("name", GAMES)
def test_the_text_around_a_picture_is_as_without(
    pictures: dict[str, ShapingFont], name: str
) -> None:
    font, (start, _) = pictures[name], GAMES[name]
    keys = "e4" if name == "chess" else "ss"
    shaped = font.shape(f"See {start}{keys}, AVA").glyphs
    length = len(start + keys)
    before = [g.id for g in shaped if g.cluster < 4]
    after = [(g.id, g.x_advance) for g in shaped if g.cluster >= 4 + length]
    assert before == [g.id for g in font.shape("See ", ShapeOptions(shaper="ot")).glyphs]
    plain = font.shape(", AVA", ShapeOptions(shaper="ot")).glyphs
    assert after == [(g.id, g.x_advance) for g in plain]


@pytest.mark.parametrize("name", GAMES)
def test_each_typed_character_keeps_its_cluster(
    pictures: dict[str, ShapingFont], name: str
) -> None:
    source = random.Random(4)
    for _ in range(20):
        text = f"Go {GAMES[name][0]}{typed_keys(name, source)} on"
        shaped = pictures[name].shape(text)
        clusters = [glyph.cluster for glyph in shaped.glyphs]
        assert clusters == sorted(clusters)
        assert set(clusters) == set(range(len(text)))


@pytest.mark.parametrize("name", GAMES)
def test_backspace_takes_the_last_key_back(pictures: dict[str, ShapingFont], name: str) -> None:
    """The picture depends on the typed text alone, whatever was typed before it was deleted."""
    font, source = pictures[name], random.Random(5)
    for _ in range(10):
        text = GAMES[name][0] + typed_keys(name, source)
        first = glyphs_of(font, text)
        glyphs_of(font, text + source.choice(GAMES[name][1] or "N"))
        glyphs_of(font, "something else")
        assert glyphs_of(font, text) == first
        fresh = ShapingFont(font.uharfbuzz, font.data, font.path)
        assert glyphs_of(fresh, text) == first


@pytest.mark.parametrize("name", GAMES)
def test_the_feature_step_shows_an_earlier_state(
    pictures: dict[str, ShapingFont], name: str
) -> None:
    font, start = pictures[name], GAMES[name][0]
    keys = {"tetromino": "adwxcSqx", "maze": "wdDsaWd?", "chess": OPENING}[name]
    cuts = {"chess": [("e4", 1), ("e4 e5 2. Nf3", 3)]}.get(name) or [
        (keys[:n], n) for n in range(len(keys) + 1)
    ]
    for shown, step in cuts:
        stepped = font.shape(start + keys, ShapeOptions(features={"STEP": [(0, 0xFFFFFFFF, step)]}))
        alone = font.shape(start + ("1. " if name == "chess" else "") + shown)
        assert picture_of(stepped) == picture_of(alone)
        assert {glyph.cluster for glyph in stepped.glyphs} == set(range(len(start + keys)))
    whole = font.shape(start + keys, ShapeOptions(features={"STEP": [(0, 0xFFFFFFFF, 10_000)]}))
    assert picture_of(whole) == picture_of(font.shape(start + keys))


def picture_of(shaped) -> list[tuple]:
    """The glyphs of the picture, without what the characters behind it became."""
    return [(g.id, g.x_offset, g.y_offset) for g in shaped.glyphs if g.cluster == 0]


@pytest.mark.parametrize("name", GAMES)
def test_a_trigger_in_any_case(pictures: dict[str, ShapingFont], name: str) -> None:
    start = GAMES[name][0]
    assert picture_of(pictures[name].shape(start.capitalize())) == picture_of(
        pictures[name].shape(start)
    )


@pytest.mark.parametrize("name", GAMES)
def test_a_negative_scale_does_not_turn_the_picture_over(
    pictures: dict[str, ShapingFont], uharfbuzz: ModuleType, name: str
) -> None:
    """Qt counts y downwards and says so by a negative scale."""
    text = GAMES[name][0] + ("e4" if name == "chess" else "d")

    def offsets(x_scale: int, y_scale: int) -> list[tuple[float, float]]:
        font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(pictures[name].data)))
        font.scale = (x_scale, y_scale)
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer, {}, shapers=["wasm"])
        return [(p.x_offset / x_scale, p.y_offset / y_scale) for p in buffer.glyph_positions]

    upright = offsets(20480, 20480)
    assert max(y for _, y in upright) > 1
    for scale in ((20480, -20480), (4096, 4096), (20480, 10240)):
        for expected, found in zip(upright, offsets(*scale), strict=True):
            assert found == pytest.approx(expected, abs=2e-3)


def test_several_pictures_and_games_in_right_to_left_text(
    pictures: dict[str, ShapingFont],
) -> None:
    font = pictures["tetromino"]
    text = "tetris(a):dd and tetris(b):xx"
    forward = font.shape(text)
    backward = font.shape(text, ShapeOptions(direction="rtl"))
    clusters = [glyph.cluster for glyph in backward.glyphs]
    assert clusters == sorted(clusters, reverse=True)
    for cluster in (0, text.rindex("tetris")):
        one, other = (
            [(g.id, g.x_offset, g.y_offset) for g in shaped.glyphs if g.cluster == cluster]
            for shaped in (forward, backward)
        )
        assert one == other and len(one) > 20


def test_private_characters_of_the_text_are_left_alone(pictures: dict[str, ShapingFont]) -> None:
    text = "".join(map(chr, (BLANK, LETTERS + 33, SHAPES, SHAPES + 3)))
    assert glyphs_of(pictures["chess"], text) == glyphs_of(pictures["chess"], text, shaper="ot")


def test_many_triggers_are_bounded(pictures: dict[str, ShapingFont]) -> None:
    for name, (start, _) in GAMES.items():
        shaped = pictures[name].shape(start * 400)
        assert {glyph.cluster for glyph in shaped.glyphs} == set(range(len(start) * 400))


@given(keys=st.text(alphabet="adswqxc.ADSWQXC", max_size=40), seed=st.text(max_size=8))
def test_any_seed_begins_a_game_or_none(
    pictures: dict[str, ShapingFont], keys: str, seed: str
) -> None:
    text = f"tetris({seed}):{keys}"
    shown = read_picture(pictures["tetromino"], "tetromino", text, 5)
    is_seed = not set(seed) & set(" )") and len(seed.encode("utf-32-le")) // 4 <= 32
    if is_seed and "," not in seed and "\0" not in seed:
        assert ("well", 0, 0) in shown


def test_goals_levels_and_seeds_are_read(pictures: dict[str, ShapingFont]) -> None:
    font = pictures["tetromino"]

    def letters(text: str) -> str:
        names = {font.font.get_nominal_glyph(LETTERS + c - 32): chr(c) for c in range(33, 127)}
        shaped = font.shape(text)
        return "".join(names.get(g.id, "") for g in shaped.glyphs if g.cluster == 0)

    assert "LINES0/40" in letters("tetris(anna,sprint):")
    assert "LINES0/150" in letters("tetris(marathon):")
    assert "LEVEL12" in letters("tetris(level=12,anna):")
    assert "LEVEL1LINES0KEYS3" in letters("tetris(anna):add")
    assert picture_of(font.shape("tetris(sprinter):x")) != picture_of(font.shape("tetris(anna):x"))
    for refused in ("tetris(level=0):", "tetris(level=21):", "tetris(level=x):"):
        game = picture_of(font.shape(refused.replace("level=", "level")))
        assert len(game) > 20  # a seed like any
        assert "LEVEL1" in letters(refused)


def test_chess_marks_what_cannot_be_played(pictures: dict[str, ShapingFont]) -> None:
    font = pictures["chess"]

    def marks(text: str) -> set[str]:
        return {name for name, _, _ in read_picture(font, "chess", text, 0.6)}

    assert "illegal" not in marks("chess:e4 e5 Nf3")
    assert "illegal" in marks("chess:e4 e5 Nf6 ")
    assert "illegal" not in marks("chess:e4 e5 N")  # still being typed
    assert "check" in marks("chess:e4 f6 Qh5+")
    assert marks("chess:") == marks("chess(white):") >= {"board", "white_king"}


@pytest.mark.parametrize(
    "text, rest",
    [
        ("chess:e4 e5 and so on", " and so on"),
        ("chess:1. e4 {best by test} e5 (1... c5 2. Nf3 (2. c3)) 2. Nf3 $1 Nc6 1-0 ok", " ok"),
        ("chess:e4 e5 12 men", " 12 men"),
        ("chess:e4_e5_Nf3_Nc6 x", " x"),
        ("chess:e4, a move", ", a move"),
        ("chess:1.e4 e5 2.Nf3! Nc6?! 3.Bb5 *", ""),
        ("chess(black):d4 d5.", "."),
        ("chess(8/8/8/4k3/8/8/4P3/4K3 w - - 0 1):e4 Kxe4 thus", " thus"),
    ],
)
def test_what_of_a_text_is_chess(pictures: dict[str, ShapingFont], text: str, rest: str) -> None:
    shaped = pictures["chess"].shape(text)
    shown = [glyph for glyph in shaped.glyphs if glyph.x_advance and glyph.cluster]
    plain = pictures["chess"].shape(rest, ShapeOptions(shaper="ot")).glyphs
    assert [glyph.id for glyph in shown] == [glyph.id for glyph in plain]


def test_programs_know_their_shapes() -> None:
    for program in PROGRAMS.values():
        names = [shape.name for shape in program.drawing.shapes]
        assert len(set(names)) == len(names)
        for palette in program.drawing.palettes.values():
            shaded = program.drawing.shade(palette)
            for shape in program.drawing.shapes:
                assert {layer.colour for layer in shape.layers} <= {*shaded, ""}


@pytest.mark.parametrize("seed", [1, 2])
def test_random_buffers(host: object, picture_paths: dict[str, Path], seed: int) -> None:
    """0 traps, 0 failed shapes, clusters in order and range; a fresh instance shows the same."""
    fonts = [picture_paths[name] for name in GAMES]
    shape_random_buffers(TESTS / "pictures" / "random_buffers.py", 2000, seed, *fonts)
