"""What a command tells its user while it works: on stderr, and no more than they want.

Progress shows only of work that takes more than two seconds: as a bar on a terminal, as a line every
ten seconds elsewhere. ``-q`` silences everything but errors.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SHOW_AFTER_SECONDS = 2.0
LINE_SECONDS = 10.0


class Reporter:
    """Notes and progress of one command.

    Args:
        quiet: say nothing.
        verbose: 1 or more also shows details.
    """

    def __init__(self, quiet: bool = False, verbose: int = 0):
        self.quiet = quiet
        self.verbose = verbose

    def note(self, text: str) -> None:
        """A line for the user, unless ``-q``."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def detail(self, text: str) -> None:
        """A line for the curious, only with ``-v``."""
        if self.verbose and not self.quiet:
            print(text, file=sys.stderr)

    @contextmanager
    def steps(self, total: int) -> Iterator[Steps]:
        """A bar of ``total`` steps, shown once the work has taken `SHOW_AFTER_SECONDS`; not on a terminal, lines."""
        steps = Steps(total, self)
        try:
            yield steps
        finally:
            steps.close()


class Steps:
    """Progress of a known amount of work. Made by `Reporter.steps`.

    A bar that appears late, on a terminal; elsewhere a line now and then.
    """

    def __init__(self, total: int, reporter: Reporter):
        self._reporter = reporter
        self._what = ""
        self._display: _LateBar | _Lines | None = None
        if not reporter.quiet:
            self._display = _LateBar(total) if sys.stderr.isatty() else _Lines(total)

    def begin(self, what: str) -> None:
        """The step before, if any, is done; this one begins."""
        if what != self._what:
            self._reporter.detail(what)
        self._update(what, advance=1 if self._what else 0)
        self._what = what

    def detail(self, what: str) -> None:
        """Part of the present step begins."""
        self._update(what, advance=0)

    def advance(self, amount: int, what: str) -> None:
        """So much more of the total is done; ``what`` was the last of it."""
        self._update(what, advance=amount)

    def close(self) -> None:
        if self._display is not None:
            self._display.close()

    def _update(self, what: str, advance: int) -> None:
        if self._display is not None:
            self._display.update(what, advance)


class _Lines:
    """Where stderr is a file or a pipe: a line every `LINE_SECONDS`, so that a log shows that it goes on."""

    def __init__(self, total: int):
        self._total, self._done = max(total, 1), 0
        self._said = time.monotonic()

    def update(self, what: str, advance: int) -> None:
        self._done += advance
        if time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            print(f"[{100 * self._done // self._total:3d} %] {what}", file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


class _LateBar:
    """rich's progress bar on stderr, after `SHOW_AFTER_SECONDS`; it leaves nothing behind."""

    def __init__(self, total: int):
        # rich takes a moment to import, which only those who may see the bar should wait for.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._timer = threading.Timer(SHOW_AFTER_SECONDS, self._progress.start)
        self._timer.daemon = True
        self._timer.start()

    def update(self, what: str, advance: int) -> None:
        self._progress.update(self._task, description=what, advance=advance)

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()
        self._progress.stop()
