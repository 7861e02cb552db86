"""What a command tells its user while it works: on stderr, and no more than they want.

Progress shows on a terminal only, and only of work that takes more than two seconds; ``-q``
silences everything but errors.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SHOW_AFTER_SECONDS = 2.0


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
        """A bar of ``total`` steps, shown once the work has taken `SHOW_AFTER_SECONDS`."""
        steps = Steps(total, self, enabled=not self.quiet and sys.stderr.isatty())
        try:
            yield steps
        finally:
            steps.close()


class Steps:
    """A progress bar that appears late. Made by `Reporter.steps`."""

    def __init__(self, total: int, reporter: Reporter, enabled: bool):
        self._reporter = reporter
        self._what = ""
        self._bar = _LateBar(total) if enabled else None

    def begin(self, what: str) -> None:
        """The step before, if any, is done; this one begins."""
        if what != self._what:
            self._reporter.detail(what)
        if self._bar is not None:
            self._bar.update(what, advance=1 if self._what else 0)
        self._what = what

    def detail(self, what: str) -> None:
        """Part of the present step begins."""
        if self._bar is not None:
            self._bar.update(what, advance=0)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _LateBar:
    """rich's progress bar on stderr, after `SHOW_AFTER_SECONDS`; it leaves nothing behind."""

    def __init__(self, total: int):
        # rich takes a moment to import, which only those who may see the bar should wait for.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

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
