"""One mutant, in a process of its own: how a command ends, how long it takes, and how much memory."""

from __future__ import annotations

import io
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.cli.main import main

MOST_SECONDS = 10
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Trial:
    """How a command ended. ``code``: of its exit; negative: the signal that ended it."""

    arguments: tuple[str, ...]
    code: int
    error: str
    seconds: float
    bytes: int

    def fault(self, may_fail_a_check: bool = False) -> str | None:
        """What is wrong with how it ended, if anything."""
        if self.code < 0:
            return f"signal {-self.code}"
        if self.seconds > MOST_SECONDS:
            return f"{self.seconds:.1f} seconds"
        if self.bytes > MOST_BYTES:
            return f"{self.bytes >> 20} MB"
        if "internal error" in self.error:
            return self.error
        if self.code == 2:
            good = self.error.startswith("fontgen: error: ") and self.error.count("\n") == 1
            return None if good else f"not one line: {self.error!r}"
        return None if self.code in (0, 1)[: 1 + may_fail_a_check] else f"exit code {self.code}"


def run(arguments: Sequence[str | Path]) -> Trial:
    """Run a command of fontgen in a child of this process, which has imported what it needs."""
    texts = tuple(map(str, arguments))
    with tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        child = os.fork()
        if not child:
            _be(texts, errors.fileno())
        _, status, usage = os.wait4(child, 0)
        seconds = time.monotonic() - start
        errors.seek(0)
        error = errors.read().decode("utf-8", "replace")
    return Trial(texts, os.waitstatus_to_exitcode(status), error, seconds, usage.ru_maxrss * 1024)


def _be(arguments: Sequence[str], errors: int) -> None:
    """The child: never returns."""
    code = 99
    try:
        signal.alarm(3 * MOST_SECONDS)  # ends it, also where it waits for ever
        sys.stderr = os.fdopen(os.dup(errors), "w", buffering=1)
        sys.stdout = io.TextIOWrapper(open(os.devnull, "wb"))
        code = main(arguments)
    except SystemExit as exit:  # argparse
        code = int(exit.code or 0)
    except BaseException as error:
        sys.stderr.write(f"escaped: {error!r}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)
