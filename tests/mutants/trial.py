"""Commands of fontgen tried in a child of this process: how each ends, how long it takes, and how much memory.

A child is a fork, which has imported all that commands need; it tries many mutants, since forks cost more than they.
One that ends without a word has met something, which is then the fault of the mutant that it was at.
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.cli import main as command_line

MOST_SECONDS = 10
"""Of processor time, which does not depend on what else the machine does."""
MOST_BYTES = 1 << 30
_STOPPED_AT = 2 * MOST_BYTES
"""Of private memory: beyond, a mutant would harm the machine that tries it."""
_WARM = (
    "fontgen.build.llama",
    "fontgen.check.inspection",
    "fontgen.cli.build",
    "fontgen.cli.inspect",
    "fontgen.cli.shape",
    "fontgen.font.features",
    "fontgen.llama.checkpoints.gguf_file",
    "fontgen.text.shape",
)


@dataclass(frozen=True)
class Trial:
    """How a command ended. ``code``: of its exit. ``seconds``: of processor time."""

    code: int
    error: str
    seconds: float

    def fault(self) -> str | None:
        """What is wrong with how it ended, if anything."""
        if self.seconds > MOST_SECONDS:
            return f"{self.seconds:.1f} seconds"
        if "internal error" in self.error:
            return self.error
        if self.code == 2:
            good = self.error.startswith("fontgen: error: ") and self.error.count("\n") == 1
            return None if good else f"not one line: {self.error!r}"
        return None if self.code == 0 else f"exit code {self.code}: {self.error}"


def prepare() -> None:
    """Import what commands import when they are run, once for all children."""
    for name in _WARM:
        importlib.import_module(name)
    command_line.make_parser = functools.cache(command_line.make_parser)
    command_line.make_parser()
    gc.collect()
    gc.freeze()  # or each child would copy the pages of all objects that it looks at


def run(arguments: Sequence[str | Path]) -> Trial:
    """Run a command in this process."""
    start = time.process_time()
    errors, streams = io.StringIO(), (sys.stdout, sys.stderr)
    try:
        with open(os.devnull, "w", encoding="utf-8", errors="surrogateescape") as nowhere:
            sys.stdout, sys.stderr = nowhere, errors
            code = command_line.main(list(map(str, arguments)))
    except SystemExit as exit:  # argparse
        code = int(exit.code or 0)
    finally:
        sys.stdout, sys.stderr = streams
    return Trial(code, errors.getvalue(), time.process_time() - start)


def in_children(
    try_one: Callable[[int], tuple[str, str | None]], seeds: Sequence[int], at_once: int
) -> Iterator[tuple[int, str, str | None]]:
    """What ``try_one`` says of each seed, an outcome and perhaps a fault; ``at_once`` seeds share a child."""
    for start in range(0, len(seeds), at_once):
        todo = list(seeds[start : start + at_once])
        results, too_much = _in_child(try_one, todo)
        if too_much and len(todo) > 1:  # which of them it was
            yield from in_children(try_one, todo, 1)
            continue
        if too_much and results and not results[0][2]:
            results = [(todo[0], "faults", too_much)]
        yield from results
        if len(results) < len(todo):
            yield from in_children(try_one, todo[len(results) :], at_once)


def _in_child(
    try_one: Callable[[int], tuple[str, str | None]], seeds: Sequence[int]
) -> tuple[list[tuple[int, str, str | None]], str | None]:
    """Results up to the first that ended the child, which is a fault; and what was wrong with its memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _be(try_one, seeds, writing)
    os.close(writing)
    with open(reading, encoding="utf-8") as lines:
        results = [tuple(json.loads(line)) for line in lines]
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code and len(results) < len(seeds):
        what = f"signal {-code}" if code < 0 else f"exit code {code}"
        results.append((seeds[len(results)], "faults", what))
    size = usage.ru_maxrss * 1024
    return results, f"{size >> 20} MB" if size > MOST_BYTES else None


def _be(
    try_one: Callable[[int], tuple[str, str | None]], seeds: Sequence[int], writing: int
) -> None:
    """The child: never returns."""
    code = 99
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (_STOPPED_AT, _STOPPED_AT))
        with open(writing, "w", buffering=1, encoding="utf-8") as results:
            for seed in seeds:
                signal.setitimer(signal.ITIMER_PROF, 2 * MOST_SECONDS)  # ends it
                signal.alarm(60 * MOST_SECONDS)  # also where it waits for ever
                results.write(json.dumps([seed, *try_one(seed)]) + "\n")
        code = 0
    finally:
        os._exit(code)
