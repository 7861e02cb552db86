"""Many mutants of a subject, one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
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
    """Of all commands that saw a mutant. ``outcome``: taken, refused, or a fault."""

    seed: int
    mutant: bytes
    outcome: str
    fault: str | None


def run(subject: Subject, seeds: Iterable[int]) -> Iterator[Result]:
    """Try the mutants of those numbers; all of a number's commands until one has a fault."""
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            mutant = subject.damage(subject.data, seed)
            path = (subject.mutate_in or Path(folder)) / f"mutant{subject.suffix}"
            path.write_bytes(mutant)
            yield _result(subject, seed, mutant, path, Path(folder))


def _result(subject: Subject, seed: int, mutant: bytes, path: Path, folder: Path) -> Result:
    codes = set()
    for arguments in subject.commands(path, folder):
        output = folder / "out.ttf"
        output.unlink(missing_ok=True)
        done = trial.run(arguments)
        codes.add(done.code)
        fault = done.fault()
        if not fault and done.code == 2 and output.exists():
            fault = "refused, but something was written"
        if not fault and output.exists() and path.suffix in (".ttf", ".otf"):
            fault = difference(uharfbuzz, read_font(path), output.read_bytes(), TEXTS)
        if fault:
            return Result(seed, mutant, "faults", f"{arguments[0]}: {fault}")
    return Result(seed, mutant, "refused" if codes == {2} else "taken", None)
