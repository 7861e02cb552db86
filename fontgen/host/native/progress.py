"""Progress on stderr: a bar on a terminal, one plain line per step elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any


class Progress:
    """What a build shows.  Amounts are expected seconds of work; only their ratios matter."""

    def __init__(self, *, quiet: bool = False):
        self.quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._done = self._total = 0
        self._finished: list[str] = []

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def note(self, line: str) -> None:
        """Says what is happening, in a line of its own."""
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        elif not self.quiet:
            print(f"fontgen host: {line}", file=sys.stderr, flush=True)

    def start(self, total: int) -> None:
        """Begins counting up to ``total``."""
        self._done, self._total = 0, total
        if self.quiet or not sys.stderr.isatty():
            return
        try:
            import rich.console
            import rich.progress
        except ImportError:
            return
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeElapsedColumn(),
            console=rich.console.Console(stderr=True),
        )
        self._task = self._bar.add_task("compiling", total=total)
        self._bar.start()

    def advance(self, amount: int, line: str) -> None:
        """Counts ``amount`` as done; without a bar, says so in ``line``."""
        self._done += amount
        if self._bar is not None:
            self._bar.update(self._task, advance=amount)
        else:
            self.note(f"[{100 * self._done // max(1, self._total):3d} %] {line}")

    def tick(self) -> None:
        """Called now and then while nothing ends, so that the elapsed time moves."""
        if self._bar is not None:
            self._bar.refresh()
