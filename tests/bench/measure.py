"""Measuring in turns: medians, spreads and paired ratios.

The unit of a benchmark here is a round: every probe runs once, and gives named numbers. Ratios and
differences are taken within each round and the median of them is reported, so that a machine that
slows down for a while slows down both sides.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Probe = Callable[[], dict[str, float]]
"""Measures once; gives seconds, bytes or whatever by name."""


@dataclass(frozen=True)
class Samples:
    """One number for each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def __truediv__(self, other: Samples) -> Samples:
        """Ratios, round by round."""
        return Samples(tuple(a / b for a, b in self._paired(other)))

    def __sub__(self, other: Samples) -> Samples:
        """Differences, round by round."""
        return Samples(tuple(a - b for a, b in self._paired(other)))

    def scaled(self, factor: float) -> Samples:
        return Samples(tuple(factor * value for value in self.values))

    def inverted(self) -> Samples:
        """1 / each."""
        return Samples(tuple(1 / value for value in self.values))

    def _paired(self, other: Samples) -> list[tuple[float, float]]:
        return list(zip(self.values, other.values, strict=True))


def in_turns(
    probes: Sequence[Probe],
    *,
    rounds: int,
    seconds: float,
    least: int = 3,
    begin_round: Callable[[int], None] = lambda number: None,
) -> dict[str, Samples]:
    """Run all probes in each of up to ``rounds`` rounds and collect what they give.

    No round begins that would probably end past ``seconds`` (wall clock), but ``least`` do. Every
    other round goes through the probes backwards, so that none always comes after the same one.
    """
    collected: dict[str, list[float]] = {}
    started = time.monotonic()
    for number in range(rounds):
        elapsed = time.monotonic() - started
        if number >= least and elapsed + elapsed / number > seconds:
            break
        begin_round(number)
        for probe in probes if number % 2 == 0 else reversed(probes):
            for name, value in probe().items():
                collected.setdefault(name, []).append(value)
    return {name: Samples(tuple(values)) for name, values in collected.items()}


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process that a piece of work takes, system calls included.

    Fairer than wall time on a machine that others use too; everything measured so runs on one
    thread.
    """
    before = time.process_time()
    work()
    return time.process_time() - before
