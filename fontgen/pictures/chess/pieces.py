"""The outlines of the chess pieces: drawn for this font, of parts that overlap.

Each piece stands in a cell of 100 x 100. What is dark around it is each part's outline, moved outwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fontTools.pens.basePen import BasePen
from fontTools.svgLib.path import parse_path

from fontgen.pictures.shapes import disc, polygon, rectangle

LINE = 4.5
"""Thickness of the line around a piece."""
_STEPS = 6  # lines that a curve becomes

Point = tuple[float, float]


@dataclass(frozen=True)
class Piece:
    """``parts`` are filled with the piece's colour, ``details`` lie on them in the colour of lines."""

    parts: tuple[str, ...]
    details: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        return "".join(self.parts)

    @property
    def around(self) -> str:
        """The body and the line around it."""
        return "".join(polygon(moved_out(contour, LINE)) for contour in self._contours())

    @property
    def hollow(self) -> str:
        """The line alone, and details."""
        inside = (polygon(list(reversed(contour))) for contour in self._contours())
        return self.around + "".join(inside) + "".join(self.details)

    def _contours(self) -> list[list[Point]]:
        return [contour for part in self.parts for contour in flattened(part)]


class _FlatteningPen(BasePen):
    """Collects contours as points, clockwise as TrueType has them."""

    def __init__(self) -> None:
        super().__init__(None)
        self.contours: list[list[Point]] = []

    def _moveTo(self, pt: Point) -> None:
        self.contours.append([pt])

    def _lineTo(self, pt: Point) -> None:
        self.contours[-1].append(pt)

    def _curveToOne(self, pt1: Point, pt2: Point, pt3: Point) -> None:
        start = self.contours[-1][-1]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points = (start, pt1, pt2, pt3)
            x, y = (sum(w * p[i] for w, p in zip(weights, points, strict=True)) for i in (0, 1))
            self.contours[-1].append((x, y))

    def _closePath(self) -> None:
        contour = self.contours[-1]
        if math.dist(contour[0], contour[-1]) < 1e-6:
            contour.pop()
        if _area(contour) > 0:
            contour.reverse()


def flattened(outline: str) -> list[list[Point]]:
    """An outline's contours by points, curves as short lines, all clockwise."""
    pen = _FlatteningPen()
    parse_path(outline, pen)
    return pen.contours


def _area(contour: list[Point]) -> float:
    following = [*contour[1:], contour[0]]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(contour, following, strict=True)) / 2


def moved_out(contour: list[Point], distance: float) -> list[Point]:
    """A clockwise contour, its sides moved outwards; sharp corners are cut at twice the distance."""
    moved = []
    for i, point in enumerate(contour):
        normals = []
        for a, b in ((contour[i - 1], point), (point, contour[(i + 1) % len(contour)])):
            length = math.dist(a, b) or 1
            normals.append(((a[1] - b[1]) / length, (b[0] - a[0]) / length))
        x, y = normals[0][0] + normals[1][0], normals[0][1] + normals[1][1]
        # The corner lies on the bisector, farther the sharper it is.
        scale = 2 / max(x * x + y * y, 1)
        moved.append((point[0] + distance * x * scale, point[1] + distance * y * scale))
    return moved


_FOOT = rectangle(24, 10, 76, 20)
_FLARE = polygon([(30, 18), (36, 34), (64, 34), (70, 18)])
_BAND = rectangle(33, 30, 67, 33)

PIECES = {
    "pawn": Piece(
        (
            rectangle(27, 10, 73, 20),
            "M32 18C36 34 42 40 43 56H57C58 40 64 34 68 18Z",
            rectangle(37, 53, 63, 59),
            disc(50, 70, 14),
        ),
    ),
    "knight": Piece(
        (
            _FOOT,
            "M30 18C31 36 48 40 47 54C42 53 40 47 33 47C29 46 28 41 24 41C18 42 16 50 19 55"
            "C22 62 29 66 32 76C34 81 39 83 41 84L43 92L51 86C66 84 77 66 75 40L72 18Z",
        ),
        (disc(41, 70, 3.5), disc(24, 49, 2)),
    ),
    "bishop": Piece(
        (
            _FOOT,
            _FLARE,
            "M40 32C26 50 34 70 50 82C66 70 74 50 60 32Z",
            disc(50, 86, 5.5),
        ),
        (rectangle(48, 48, 52, 70), rectangle(41, 57, 59, 61)),
    ),
    "rook": Piece(
        (
            rectangle(22, 10, 78, 20),
            polygon([(28, 18), (34, 32), (66, 32), (72, 18)]),
            rectangle(35, 30, 65, 64),
            polygon([(35, 60), (26, 72), (74, 72), (65, 60)]),
            rectangle(26, 70, 37, 86),
            rectangle(44, 70, 56, 86),
            rectangle(63, 70, 74, 86),
        ),
        (rectangle(36, 33, 64, 36), rectangle(36, 58, 64, 61)),
    ),
    "queen": Piece(
        (
            _FOOT,
            _FLARE,
            polygon(
                [
                    (31, 32), (17, 70), (32, 52), (33, 80), (44, 54), (50, 84), (56, 54), (67, 80),
                    (68, 52), (83, 70), (69, 32),
                ]
            ),
            disc(16, 73, 4.5),
            disc(33, 83, 4.5),
            disc(50, 87, 4.5),
            disc(67, 83, 4.5),
            disc(84, 73, 4.5),
        ),
        (_BAND,),
    ),
    "king": Piece(
        (
            _FOOT,
            _FLARE,
            "M32 32C12 48 18 66 34 66C42 66 48 60 50 52C52 60 58 66 66 66C82 66 88 48 68 32Z",
            "M50 48C40 58 40 68 50 76C60 68 60 58 50 48Z",
            rectangle(47.5, 72, 52.5, 93),
            rectangle(41, 81, 59, 86),
        ),
        (_BAND,),
    ),
}  # fmt: skip
"""In the order of the shaper's kinds."""
