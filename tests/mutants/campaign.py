"""Many mutants of a subject, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz
from support.plain_text import difference

from fontgen.font.file import read_font
from mutants import trial
from mutants.subjects import Subject

TEXTS = ("The cat! abc fi", "fix bcd, a.z", "\u05e9\u05dc\u05d5\u05dd", "\u0939\u093f")


@dataclass(frozen=True)
class Result:
    """Of all commands that saw a mutant. ``outcome``: taken, refused, or faults."""

    seed: int
    outcome: str
    fault: str | None


def run(subject: Subject, seeds: Sequence[int]) -> Iterator[Result]:
    """Try the mutants of those numbers; all of a number's commands until one has a fault."""
    with tempfile.TemporaryDirectory() as folder:
        path = (subject.folder or Path(folder)) / subject.file_name

        def try_one(seed: int) -> tuple[str, str | None]:
            path.write_bytes(subject.damage(subject.data, seed))
            return _outcome(subject, path, Path(folder, "out.ttf"))

        for result in trial.in_children(try_one, seeds, subject.at_once):
            yield Result(*result)


def _outcome(subject: Subject, path: Path, output: Path) -> tuple[str, str | None]:
    codes = set()
    for arguments in subject.commands(path, output.parent):
        output.unlink(missing_ok=True)
        done = trial.run(arguments)
        codes.add(done.code)
        fault = done.fault()
        if not fault and done.code == 2 and output.exists():
            fault = "refused, but something was written"
        if not fault and output.exists() and path.suffix in (".ttf", ".otf"):
            fault = difference(uharfbuzz, read_font(path), output.read_bytes(), TEXTS)
        if fault:
            return "faults", f"{arguments[0]}: {fault}"
    return "refused" if codes == {2} else "taken", None
