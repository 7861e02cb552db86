"""Levels, losing, winning, holding, locking, bags; and whole games against the rules in Python."""

from __future__ import annotations

import pytest
from pictures.many_games import play
from support.falling_blocks import Both

from fontgen.pictures.module import TetrominoEngine
from fontgen.pictures.randomness import hash_text
from fontgen.pictures.tetromino.rules import CELLS, KINDS, OUTCOMES, Game

# Keys until a piece falls by itself, and rows that it falls then, by level.
GRAVITY = {
    1: (8, 1), 2: (7, 1), 3: (6, 1), 4: (5, 1), 5: (4, 1), 6: (3, 1), 7: (2, 1), 8: (1, 1), 9: (1, 2), 10: (1, 3),
    11: (1, 4), 12: (1, 5), 13: (1, 6), 14: (1, 7), 15: (1, 20), 16: (1, 20), 17: (1, 20), 18: (1, 20), 19: (1, 20),
    20: (1, 20),
}  # fmt: skip


@pytest.mark.parametrize("level", range(1, 21))
def test_each_level(tetromino_engine: TetrominoEngine, level: int) -> None:
    keys, rows = GRAVITY[level]
    both = Both(tetromino_engine, level=level).place("O", 0, 4, 19)
    assert both.play("." * (keys - 1)).game.y == 19
    assert both.play(".").game.y == max(0, 19 - rows)
    # Ten lines lead to the next level, up to the last.
    quad = ["#.........", *["#########."] * 4]
    for _ in range(2):
        both.fill(*quad).place("I", 1, 7, 0).play("x")
    both.fill("#.........", "########..", "########..").place("O", 0, 8, 0).play("x")
    assert both.game.lines == 10 and both.game.level == min(20, level + 1)


SPAWNED = {
    "I": {(3, 19), (4, 19), (5, 19), (6, 19)},
    "O": {(4, 19), (5, 19), (4, 20), (5, 20)},
    "T": {(3, 19), (4, 19), (5, 19), (4, 20)},
    "S": {(3, 19), (4, 19), (4, 20), (5, 20)},
    "Z": {(4, 19), (5, 19), (3, 20), (4, 20)},
    "J": {(3, 19), (4, 19), (5, 19), (3, 20)},
    "L": {(3, 19), (4, 19), (5, 19), (5, 20)},
}
"""In the two hidden rows, and at once a row down: columns and rows from 0."""


def test_where_pieces_appear(tetromino_engine: TetrominoEngine) -> None:
    seen = set()
    for seed in "abcdefghij":
        game = Both(tetromino_engine, seed).game
        cells = {(game.x + x, game.y + y) for x, y in CELLS[game.kind, game.turn]}
        assert cells == SPAWNED[game.kind]
        seen.add(game.kind)
    assert len(seen) > 4


def test_a_piece_that_has_no_room_to_fall_stays_hidden(tetromino_engine: TetrominoEngine) -> None:
    rows = ["..######.."] + [".........."] * 19  # the highest visible row
    both = Both(tetromino_engine).fill(*rows).place("O", 0, 0, 5).play("x")
    game = both.game
    assert min(game.y + y for _, y in CELLS[game.kind, 0]) == 20 and game.outcome == 0


def test_block_out(tetromino_engine: TetrominoEngine) -> None:
    rows = ["...####..."] * 21
    both = Both(tetromino_engine).fill(*rows).place("O", 0, 0, 0).play("x")
    assert OUTCOMES[both.game.outcome] == "block out"
    state = both.game.state()
    assert both.play("wasdqxcSAD.").game.state() == state


def test_lock_out(tetromino_engine: TetrominoEngine) -> None:
    rows = ["...####..."] * 20
    both = Both(tetromino_engine).fill(*rows).place("O", 0, 4, 20).play("x")
    assert OUTCOMES[both.game.outcome] == "lock out"
    both = Both(tetromino_engine).fill(*rows[1:]).place("O", 0, 4, 19).play("x")
    assert OUTCOMES[both.game.outcome] != "lock out"  # half of it is visible


@pytest.mark.parametrize("goal", [40, 150])
def test_goals(tetromino_engine: TetrominoEngine, goal: int) -> None:
    both = Both(tetromino_engine, goal=goal)
    while both.game.lines < goal:
        assert both.game.outcome == 0
        both.fill("#.........", *["#########."] * 4).place("I", 1, 7, 0).play("x")
    assert OUTCOMES[both.game.outcome] == "won"


def test_lock_delay_is_fifteen_keys(tetromino_engine: TetrominoEngine) -> None:
    both = Both(tetromino_engine).place("O", 0, 4, 0)
    both.play("ad" * 7)
    assert both.game.lines == 0 and both.game.y == 0 and both.game.lock_delay == 1
    both.play(".")
    assert both.game.y > 10  # the next piece


def test_a_new_lowest_row_restores_it(tetromino_engine: TetrominoEngine) -> None:
    both = Both(tetromino_engine).fill("####......", "####......").place("O", 0, 2, 2)
    both.play("." * 10)
    assert both.game.lock_delay == 5
    both.play("dd")
    both.play("S")
    assert both.game.y == 0 and both.game.lock_delay == 14


def test_soft_drop_locks_on_the_ground_and_sonic_drop_does_not(
    tetromino_engine: TetrominoEngine,
) -> None:
    both = Both(tetromino_engine).place("O", 0, 4, 3).play("S")
    assert both.game.y == 0 and both.game.kind == "O" and not any(both.game.rows[0])
    both.play("s")
    assert both.game.rows[0][4] == "O"


def test_hold_swaps_once_a_piece(tetromino_engine: TetrominoEngine) -> None:
    both = Both(tetromino_engine, "hold")
    first, second = both.game.kind, both.game.queue[0]
    both.play("wc")
    assert (both.game.held, both.game.kind, both.game.turn) == (first, second, 0)
    both.play("c")
    assert both.game.kind == second  # not again before it locks
    both.play("xc")
    assert both.game.kind == first and both.game.turn == 0


def test_bags_hold_each_piece_once(tetromino_engine: TetrominoEngine) -> None:
    firsts = set()
    for seed in range(60):
        game = Game(hash_text(str(seed)))
        order = [game.kind]
        firsts.add(game.kind)
        for _ in range(27):
            order.append(game._take_next())
        for bag in range(4):
            assert sorted(order[7 * bag : 7 * bag + 7]) == sorted(KINDS)
    assert firsts == set(KINDS)


def test_games_agree_key_by_key(tetromino_engine: TetrominoEngine) -> None:
    tally = play(tetromino_engine, games=90, seed=7)
    assert tally.differences == 0
    assert tally.keys > 5000 and tally.highest_level >= 18
    assert any("spin 2" in what or "spin 1" in what for what in tally.seen)
