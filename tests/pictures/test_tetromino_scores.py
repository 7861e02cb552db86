"""Each row of the scoring table, as at https://tetris.wiki/Scoring (recent guideline compatible games)."""

from __future__ import annotations

import pytest
from support.falling_blocks import Both

from fontgen.pictures.module import TetrominoEngine

# Rows, the lowest last; the piece as kind, turn, column and row of its box; keys of which the last one locks.
WELL = ["#.........", "#########.", "#########.", "#########.", "#########."]
UPRIGHT_I = ("I", 1, 7, 0)  # in column 9
SPIN_SLOT = ["#.........", "...#######", "#.########"]
MINI_SLOT = ["#.........", "..........", "#..#......", "...#######"]
TRIPLE_SLOT = ["....#.....", "..........", "####.#####", "###..#####", "####.#####"]
MINI_DOUBLE_SLOT = [".#........", "..........", "#.........", "#..#######", "#.########"]

ACTIONS = {
    "single": (["#.........", "######...."], ("I", 0, 6, -2), "x", 100),
    "double": (["#.........", "########..", "########.."], ("O", 0, 8, 0), "x", 300),
    "triple": (["#.........", *["#########."] * 3], UPRIGHT_I, "x", 500),
    "quad": (WELL, UPRIGHT_I, "x", 800),
    "mini T-spin": (
        ["#.........", "..........", "#..#......", "...######."],
        ("T", 3, 1, 0),
        "wx",
        100,
    ),
    "mini T-spin single": (MINI_SLOT, ("T", 3, 1, 0), "wx", 200),
    "mini T-spin double": (MINI_DOUBLE_SLOT, ("T", 2, 0, 2), "qx", 400),
    "T-spin": (["#.........", "...######.", "#.#######."], ("T", 1, 0, 0), "wx", 400),
    "T-spin single": (["#.........", "...######.", "#.########"], ("T", 1, 0, 0), "wx", 800),
    "T-spin double": (SPIN_SLOT, ("T", 1, 0, 0), "wx", 1200),
    "T-spin triple": (TRIPLE_SLOT, ("T", 0, 2, 2), "qx", 1600),
    "single, all clear": (["######...."], ("I", 0, 6, -2), "x", 100 + 800),
    "double, all clear": (["########.."] * 2, ("O", 0, 8, 0), "x", 300 + 1200),
    "triple, all clear": (
        ["####..####", "####.#####", "####.#####"],
        ("J", 1, 3, 0),
        "x",
        500 + 1800,
    ),
    "quad, all clear": (["#########."] * 4, UPRIGHT_I, "x", 800 + 2000),
}


@pytest.mark.parametrize("level", [1, 2, 7, 20])
@pytest.mark.parametrize("action", ACTIONS)
def test_each_row(tetromino_engine: TetrominoEngine, action: str, level: int) -> None:
    rows, piece, keys, points = ACTIONS[action]
    both = Both(tetromino_engine, level=level).fill(*rows).place(*piece).play(keys)
    assert both.game.score == points * level
    assert both.game.clear.all == ("all clear" in action)
    assert both.game.clear.spin == (1 if "mini" in action else 2 if "T-spin" in action else 0)


def _refill(both: Both, rows: list[str], piece: tuple[str, int, int, int]) -> Both:
    return both.fill(*rows).place(*piece)


def test_back_to_back_is_half_as_much_again(tetromino_engine: TetrominoEngine) -> None:
    both = _refill(Both(tetromino_engine), WELL, UPRIGHT_I).play("x")
    assert both.game.score == 800 and not both.game.clear.back_to_back
    _refill(both, WELL, UPRIGHT_I).play("x")
    assert both.game.score == 800 + 1200 + 50 and both.game.clear.back_to_back
    _refill(both, SPIN_SLOT, ("T", 1, 0, 0)).play("wx")
    assert both.game.score == 2050 + 1800 + 100


def test_a_spin_without_lines_neither_breaks_nor_gets_it(tetromino_engine: TetrominoEngine) -> None:
    both = _refill(Both(tetromino_engine), WELL, UPRIGHT_I).play("x")
    rows, piece, keys, _ = ACTIONS["T-spin"]
    _refill(both, rows, piece).play(keys)
    assert both.game.score == 800 + 400 and both.game.combo == -1
    _refill(both, WELL, UPRIGHT_I).play("x")
    assert both.game.score == 1200 + 1200


@pytest.mark.parametrize("easy", ["single", "double", "triple"])
def test_an_easy_clear_breaks_it(tetromino_engine: TetrominoEngine, easy: str) -> None:
    both = _refill(Both(tetromino_engine), WELL, UPRIGHT_I).play("x")
    rows, piece, keys, points = ACTIONS[easy]
    _refill(both, rows, piece).play(keys)
    assert both.game.score == 800 + points + 50
    _refill(both, WELL, UPRIGHT_I).play("x")
    assert both.game.score == 850 + points + 800 + 100


def test_back_to_back_quads_that_clear_all(tetromino_engine: TetrominoEngine) -> None:
    both = Both(tetromino_engine).fill(*["#########."] * 8).place(*UPRIGHT_I).play("x")
    assert both.game.score == 800
    both.place(*UPRIGHT_I).play("x")
    assert both.game.score == 800 + 1200 + 50 + 3200


def test_combos_begin_with_the_second_clear(tetromino_engine: TetrominoEngine) -> None:
    both, expected = Both(tetromino_engine, level=3), 0
    rows, piece, keys, points = ACTIONS["single"]
    for count in range(5):
        _refill(both, rows, piece).play(keys)
        expected += (points + 50 * count) * 3
        assert both.game.score == expected
    both.fill(*["#........."]).place("O", 0, 4, 0).play("x")
    _refill(both, rows, piece).play(keys)
    assert both.game.score == expected + points * 3


def test_drops_count_cells_and_not_levels(tetromino_engine: TetrominoEngine) -> None:
    for level in (1, 12):
        both = Both(tetromino_engine, level=level).place("O", 0, 4, 10).play("x")
        assert both.game.score == 20
        both = Both(tetromino_engine, level=level).place("O", 0, 4, 10).play("S")
        assert both.game.score == 10
    both = Both(tetromino_engine).place("O", 0, 4, 10).play("sss")
    assert both.game.score == 3


def test_a_moved_or_fallen_spin_is_none(tetromino_engine: TetrominoEngine) -> None:
    both = Both(tetromino_engine).fill(*SPIN_SLOT).place("T", 1, 0, 0).play("w")
    assert both.game.spin == 2
    both.play("d")  # it cannot move: still a spin
    assert both.game.spin == 2
    both = Both(tetromino_engine).fill("#.#.......").place("T", 1, 0, 4).play("w")
    assert both.game.spin == 0


def test_the_last_kick_makes_a_mini_full(tetromino_engine: TetrominoEngine) -> None:
    """By three corners alone it would be a mini: one of the two in front is empty."""
    rows = ["....#.....", "..........", "####......", "###..#####", "####.#####"]
    both = Both(tetromino_engine).fill(*rows).place("T", 0, 2, 2).play("q")
    assert both.place_of_piece == (3, 3, 0) and both.game.spin == 2
