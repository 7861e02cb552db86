"""Rows of figures: the table for a terminal, plain text for a file, JSON for a program."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .measure import Samples

HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True)
class Row:
    """One figure, what it is compared with, and what it should be.

    samples: one value for each round, in ``unit`` (``x`` is a ratio). must, aim: what the median
    should reach, or None where nothing was promised. better: whether `HIGHER` or `LOWER` is good.
    """

    group: str
    figure: str
    beside: str
    samples: Samples
    unit: str = "x"
    must: float | None = None
    aim: float | None = None
    better: str = LOWER

    @property
    def verdict(self) -> str:
        """``aim`` reached, ``must`` reached, ``missed``, or nothing where nothing was promised."""
        for name, target in (("aim", self.aim), ("must", self.must)):
            if target is not None and self._reaches(target):
                return name
        return "missed" if self.must is not None or self.aim is not None else ""

    def _reaches(self, target: float) -> bool:
        value = self.samples.median
        return value >= target if self.better == HIGHER else value <= target

    def as_dict(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "figure": self.figure,
            "beside": self.beside,
            "unit": self.unit,
            "median": self.samples.median,
            "min": self.samples.low,
            "max": self.samples.high,
            "better": self.better,
            "must": self.must,
            "aim": self.aim,
            "verdict": self.verdict or None,
        }

    def cells(self) -> tuple[str, ...]:
        """Texts of the table's columns."""
        low, high = number(self.samples.low), number(self.samples.high)
        return (
            self.figure,
            self.beside,
            f"{number(self.samples.median)} {self.unit}",
            f"{low} to {high}" if len(self.samples.values) > 1 else "",
            target(self.must, self.better),
            target(self.aim, self.better),
            self.verdict,
        )


COLUMNS = ("figure", "beside", "median", "min to max", "must", "aim", "verdict")
_RIGHT = (2, 3, 4, 5)


def number(value: float) -> str:
    """Three significant digits, and whole numbers from 100 on.

    >>> number(0.01234), number(3.14159), number(1234.5)
    ('0.0123', '3.14', '1,234')
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{min(digits, 6)}f}"


def target(value: float | None, better: str) -> str:
    """A bound as the table shows it."""
    return "" if value is None else f"{'>=' if better == HIGHER else '<='} {value:g}"


def print_rows(rows: Sequence[Row], notes: Sequence[str]) -> None:
    """The table on standard output, with colour where that is a terminal, and the notes."""
    if sys.stdout.isatty():
        _print_rich(rows)
    else:
        print(plain_table(rows))
    for note in notes:
        print(note)


def plain_table(rows: Sequence[Row]) -> str:
    """The table in plain text; a group's name stands above its rows."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if i in _RIGHT else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    text = [line(COLUMNS)]
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or before.group != row.group:
            text += ["", row.group.upper()]
        text.append(line(row.cells()))
    return "\n".join(text)


def _print_rich(rows: Sequence[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for i, column in enumerate(COLUMNS):
        table.add_column(column, justify="right" if i in _RIGHT else "left")
    colours = {"aim": "green", "must": "yellow", "missed": "bold red", "": ""}
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None or before.group != row.group:
            table.add_row(f"[bold]{row.group}")
        colour = colours[row.verdict]
        *cells, verdict = row.cells()
        table.add_row(*cells, f"[{colour}]{verdict}" if colour else "")
    Console().print(table)
