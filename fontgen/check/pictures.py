"""``fontgen verify`` for fonts that show pictures: the engine in the font against the rules in Python, move by move.

1. The module, asked outside HarfBuzz, agrees after every key, or move, with `fontgen.pictures`' rules.
2. HarfBuzz, shaping with the font, shows what the rules say: the picture is read back from the glyphs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from fontgen.check.comparison import Check
from fontgen.errors import FontgenError
from fontgen.pictures.chess import rules as chess
from fontgen.pictures.chess.pieces import PIECES
from fontgen.pictures.maze import rules as maze
from fontgen.pictures.maze.drawing import tile_walls
from fontgen.pictures.module import ChessEngine, MazeEngine, PictureModule, TetrominoEngine
from fontgen.pictures.programs import PROGRAMS
from fontgen.pictures.randomness import hash_text
from fontgen.pictures.table import read_picture_table
from fontgen.pictures.tetromino import rules as tetromino
from fontgen.pictures.tetromino.player import STYLES, keys
from fontgen.progress import Reporter
from fontgen.shapers.sdk import BLANK, PICTURE_TAG, SHAPES
from fontgen.text.shape import ShapingFont

_PROGRAM_BY_EXPORT = {"inspect_place": "tetromino", "inspect_walk": "maze", "inspect_fen": "chess"}
_WELL_X, _BOARD_X = 5, 0.6  # cells; as the programs draw

Picture = set[tuple[str, int, int]]
"""Names of shapes, with their columns and rows."""


def program_of(module: bytes) -> str | None:
    """The picture program that a module is, or None."""
    try:
        exports = PictureModule(module).exports
    except FontgenError:
        return None
    return next((name for export, name in _PROGRAM_BY_EXPORT.items() if export in exports), None)


def verify_picture_font(
    font: ShapingFont, module: bytes, *, games: int = 60, reporter: Reporter | None = None
) -> list[Check]:
    """Compare a picture font with the rules, over so many games, mazes or chess games."""
    program = program_of(module)
    if program is None:
        raise FontgenError("its program is none that fontgen has rules for", path=font.path)
    play, follows, shows, moves = _PLAYS[program]
    trigger, random = trigger_of(font, program), Random(1)
    n_moves = 0
    wrong: list[str] = []
    unlike: list[str] = []
    with (reporter or Reporter(quiet=True)).steps(total=games) as steps:
        engine = PictureModule(module)
        for number in range(games):
            steps.begin("Playing")
            game = play(engine, number, trigger, random)
            n_moves += game.n_moves
            wrong += game.wrong
            if game.shown != game.of_picture(read_picture(font, program, game.text, game.left)):
                unlike.append(repr(game.text))
    return [
        _result(follows, wrong, f"{n_moves} {moves} of {games} games"),
        _result(shows, unlike, f"{games} games"),
    ]


def read_picture(font: ShapingFont, program: str, text: str, left: float = 0) -> Picture:
    """What HarfBuzz shows: the shapes of the first picture in a text, in cells from ``left``."""
    names = [shape.name for shape in PROGRAMS[program].drawing.shapes]
    glyphs = font.shape(text).logical_glyphs()
    cell = font.font.get_glyph_h_advance(font.font.get_nominal_glyph(BLANK))
    shapes = {font.font.get_nominal_glyph(SHAPES + i): name for i, name in enumerate(names)}
    return {
        (shapes[glyph.id], round(glyph.x_offset / cell - left), round(glyph.y_offset / cell))
        for glyph in glyphs
        if glyph.id in shapes
    }


def trigger_of(font: ShapingFont, program: str) -> str:
    """The word that pictures begin with in this font."""
    data = bytes(font.face.reference_table(PICTURE_TAG).data)
    return read_picture_table(data) if data else PROGRAMS[program].trigger


@dataclass(frozen=True)
class _Played:
    """One game, by the rules and in the engine.

    Attributes:
        text: what is typed for it. n_moves: how many.
        wrong: where the engine went another way.
        shown: what the rules show of it. left: the column that its picture begins in.
        of_picture: what of the picture is compared with that.
    """

    text: str
    n_moves: int
    wrong: list[str]
    shown: Picture
    left: float
    of_picture: Callable[[Picture], Picture]


def _differences(expected: dict, found: dict) -> list[str]:
    return [name for name, value in expected.items() if found[name] != value]


def _result(name: str, wrong: list[str], detail: str) -> Check:
    return Check(name, not wrong, detail if not wrong else f"{detail}; first: {wrong[0]}")


# Falling blocks


def _play_tetromino(module: PictureModule, number: int, trigger: str, random: Random) -> _Played:
    engine = TetrominoEngine(module)
    wrong: list[str] = []
    seed, style = f"verify{number}", STYLES[number % len(STYLES)]
    level = random.choice((1, 1, 8, 15))
    game = tetromino.Game(hash_text(seed), level=level)
    engine.start(hash_text(seed), level)
    typed = ""
    for key in keys(game, style, random):
        game.play(key)
        engine.play(key)
        typed += key
        if differing := _differences(game.state(), engine.state()):
            wrong.append(f"{seed} after {typed!r}: {', '.join(differing)}")
        if game.outcome or len(typed) == 150 or wrong:
            break
    text = f"{trigger}({seed},level={level}):{typed}"
    return _Played(text, len(typed), wrong, _well(game), _WELL_X, _ten_columns)


def _ten_columns(picture: Picture) -> Picture:
    return {(kind, x, y) for kind, x, y in picture if 0 <= x < 10}


def _well(game: tetromino.Game) -> Picture:
    """What the ten columns show, ghost and all."""
    lost = game.outcome in (1, 2)
    shown = {
        ("grey" if lost else kind, x, y)
        for y, row in enumerate(game.rows[:22])
        for x, kind in enumerate(row)
        if kind
    }
    shown.add(("well", 0, 0))
    if game.outcome:
        return shown
    ghost = game.y
    while game.fits(game.turn, game.x, ghost - 1):
        ghost -= 1
    for dx, dy in tetromino.CELLS[game.kind, game.turn]:
        shown.add((f"ghost_{game.kind}", game.x + dx, ghost + dy))
        shown.add((game.kind, game.x + dx, game.y + dy))
    return shown


# Mazes


def _play_maze(module: PictureModule, number: int, trigger: str, random: Random) -> _Played:
    engine = MazeEngine(module)
    wrong: list[str] = []
    columns, rows, seed = random.randint(2, 24), random.randint(2, 20), f"verify{number}"
    method = maze.METHODS[number % len(maze.METHODS)]
    made = maze.Maze(columns, rows, method, hash_text(seed))
    walk, text = maze.Walk(made), f"{trigger}({columns}x{rows},{method},{seed}):"
    walls = engine.make(columns, rows, number % len(maze.METHODS), hash_text(seed))
    if walls != made.open_sides():
        wrong.append(f"{text} has other walls")
    for _ in range(40):
        text += random.choice(maze.KEYS)
        walk.key(text[-1])
        at = engine.walk(text[-1]), engine.steps()
        if at != (walk.cell[0] + columns * walk.cell[1], walk.steps):
            wrong.append(f"{text} leads elsewhere")
            break
    if engine.marks() != list(walk.marks.values()):
        wrong.append(f"{text} marks other cells")
    return _Played(text, 40, wrong, _walls_and_walker(walk), 0, _without_marks)


def _without_marks(picture: Picture) -> Picture:
    """Walls one by one, and who walks."""
    shown: Picture = set()
    for name, x, y in picture:
        kind, _, number = name.partition("_")
        if kind in ("walker", "winner"):
            shown.add((name, x, y))
        if kind == "walls":
            left, under = tile_walls(int(number))
            shown |= {("upright", x + i, y) for i in left} | {("across", x + i, y) for i in under}
    return shown


def _walls_and_walker(walk: maze.Walk) -> Picture:
    shown: Picture = {("winner" if walk.cell == walk.goal else "walker", *walk.cell)}
    for (x, y), sides in zip(walk.maze.cells, walk.maze.open_sides(), strict=True):
        for direction, (dx, dy) in enumerate(maze.DIRECTIONS):
            if not sides >> direction & 1:
                name = "upright" if dx else "across"
                shown.add((name, x + max(dx, 0), y + max(dy, 0)))
    return shown


# Chess


def _play_chess(module: PictureModule, number: int, trigger: str, random: Random) -> _Played:
    engine = ChessEngine(module)
    wrong: list[str] = []
    position = chess.Position.from_fen()
    typed: list[str] = []
    engine.set_fen()
    while position.legal_moves() and len(typed) < 60 and not wrong:
        move = random.choice(position.legal_moves())
        typed.append(chess.long_algebraic(position, move))
        reading = engine.move(typed[-1])
        position = position.after(move)
        if chess.READINGS[reading] != "legal" or _differences(position.state(), engine.state()):
            wrong.append(f"game {number} after {' '.join(typed)}")
    text = f"{trigger}:{' '.join(typed)}"
    return _Played(text, len(typed), wrong, _pieces(position), _BOARD_X, _without_board)


def _without_board(picture: Picture) -> Picture:
    return {entry for entry in picture if "_" in entry[0]}


def _pieces(position: chess.Position) -> Picture:
    names = dict(zip("pnbrqk", PIECES, strict=True))
    return {
        (f"{'white' if piece.isupper() else 'black'}_{names[piece.lower()]}", *square)
        for square, piece in position.board.items()
    }


_PLAYS: dict[str, tuple[Callable[[PictureModule, int, str, Random], _Played], str, str, str]] = {
    "tetromino": (
        _play_tetromino,
        "engine = rules, after every key",
        "glyphs of HarfBuzz = the well by the rules",
        "keys",
    ),
    "maze": (
        _play_maze,
        "engine = rules: walls, walks, marks",
        "glyphs of HarfBuzz = walls and walker by the rules",
        "keys",
    ),
    "chess": (
        _play_chess,
        "engine = rules, after every move",
        "glyphs of HarfBuzz = the board by the rules",
        "moves",
    ),
}
"""Of each program: how a game is played, what is claimed of its engine and of its glyphs, and what it is played by."""
