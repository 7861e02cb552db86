"""How chess looks: a board, pieces, and what marks a move.

Programs without COLR show a hatched board, white pieces hollow and black ones filled.
"""

from __future__ import annotations

from fontgen.pictures.chess.pieces import PIECES
from fontgen.pictures.shapes import CELL, Drawing, Layer, Shape, frame, polygon, rectangle

_SIDE = 8 * CELL
_BORDER = 5
_EDGE = frame(-_BORDER, -_BORDER, _SIDE + _BORDER, _SIDE + _BORDER, _BORDER)
_DARK = [(CELL * x, CELL * y) for x in range(8) for y in range(8) if (x + y) % 2 == 0]
_DARK_SQUARES = "".join(rectangle(x, y, x + CELL, y + CELL) for x, y in _DARK)
_HATCHING = "".join(
    rectangle(x, y + i * 20 + 9.4, x + CELL, y + i * 20 + 10.6) for x, y in _DARK for i in range(5)
)
_SQUARE = rectangle(0, 0, CELL, CELL)
_CROSS = polygon([(12, 20), (80, 88), (88, 80), (20, 12)]) + polygon(
    [(20, 88), (88, 20), (80, 12), (12, 80)]
)


def _shapes() -> tuple[Shape, ...]:
    board = (
        Layer(rectangle(0, 0, _SIDE, _SIDE), "light square"),
        Layer(_DARK_SQUARES, "dark square"),
        Layer(_EDGE, "line"),
    )
    return (
        Shape("board", _EDGE + _HATCHING, board),
        Shape("moved", frame(3, 3, 97, 97, 4), (Layer(_SQUARE, "moved"),)),
        Shape("check", frame(2, 2, 98, 98, 8), (Layer(_SQUARE, "check"),)),
        Shape("illegal", _CROSS, (Layer(_CROSS, "illegal"),)),
        *(Shape(f"white_{name}", p.hollow, _piece(name, "white", "line")) for name, p in PIECES.items()),
        *(Shape(f"black_{name}", p.around, _piece(name, "black", "detail")) for name, p in PIECES.items()),
    )  # fmt: skip


def _piece(name: str, colour: str, detail: str) -> tuple[Layer, ...]:
    piece = PIECES[name]
    layers = (Layer(piece.around, "line"), Layer(piece.body, colour))
    return (*layers, Layer("".join(piece.details), detail)) if piece.details else layers


_PIECES_AND_MARKS = {
    "line": "#1b1b1b", "white": "#ffffff", "black": "#3a3a3a", "detail": "#e8e8e8",
    "moved": "#ffd60080", "check": "#e5393599", "illegal": "#d50000",
}  # fmt: skip


def _palette(light: str, dark: str) -> dict[str, str]:
    return {"light square": light, "dark square": dark, **_PIECES_AND_MARKS}


DRAWING = Drawing(
    shapes=_shapes(),
    palettes={
        "wood": _palette("#f0d9b5", "#b58863"),
        "green": _palette("#eeeed2", "#769656"),
        "blue": _palette("#dee3e6", "#8ca2ad"),
        "paper": _palette("#ffffff", "#c8c8c8"),
    },
    rows=8.1,
    rows_below=1.8,
    cell=0.6,
)
