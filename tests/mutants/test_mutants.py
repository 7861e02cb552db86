"""A sample of the damaged inputs; all of them are ``python -m mutants``."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from support.paths import REPOSITORY, TESTS

from mutants.damage import damaged

SAMPLE = 12


@pytest.mark.parametrize(
    "name",
    [
        "fontgen",
        "Roboto",
        "TrueType",
        "CFF",
        "TOML",
        "GGUF",
        "folder, model.safetensors",
        "folder, config.json",
        "folder, tokenizer.model",
        "tokenizer.json, bytes",
        "tokenizer.json, values",
    ],
)
def test_a_mutant_is_taken_or_refused_in_one_line(host: object, name: str) -> None:
    """In a process that has no threads, since each mutant is tried in a fork of it."""
    done = subprocess.run(
        [sys.executable, "-m", "mutants", "-n", str(SAMPLE), name],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(TESTS)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = [int(count) for count in re.findall(r"(\d+) (?:taken|refused)", done.stdout)]
    assert sum(counts) == SAMPLE


def test_a_seed_is_a_mutant() -> None:
    data = bytes(range(256)) * 8
    mutants = [damaged(data, seed) for seed in range(50)]
    assert mutants == [damaged(data, seed) for seed in range(50)]
    assert len({*mutants}) > 45
