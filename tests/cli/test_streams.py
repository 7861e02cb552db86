"""Streams that are closed, in another encoding, or interrupted: as other programs behave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.base_fonts import make_font, saved
from support.paths import REPOSITORY

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
FONTGEN = [sys.executable, "-m", "fontgen"]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="of a POSIX shell")


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "font.ttf"
    path.write_bytes(saved(make_font()))
    return path


def _shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, env={**ENVIRONMENT, **environment}, check=False
    )


def test_stderr_closed(font: Path) -> None:
    command = " ".join(FONTGEN)
    done = _shell(f"{command} inspect {font} 2>&-")
    assert done.returncode == 0 and b"Names" in done.stdout
    refused = _shell(f"{command} inspect {font}.absent 2>&-")
    assert (refused.returncode, refused.stdout) == (2, b"")


def test_stdout_closed(font: Path, tmp_path: Path) -> None:
    """Nobody would get the report: that is an error, as it is for ``ls >&-``."""
    done = _shell(f"{' '.join(FONTGEN)} inspect {font} >&-")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1 and b"internal error" not in done.stderr


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_stdout_in_another_encoding(font: Path, encoding: str) -> None:
    arguments = ["shape", str(font), "\u0436 \u00e9", "--shaper", "ot"]
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": encoding}
    for options in ([], ["--json"]):
        done = subprocess.run(
            [*FONTGEN, *arguments, *options], capture_output=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == "\u0436 \u00e9"


INTERRUPTED = """
import importlib.abc, os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore it
class Interrupter(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
sys.argv = ["fontgen", "inspect", {font!r}]
runpy.run_module("fontgen", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["fontgen.cli.main", "argparse", "fontgen.cli.inspect", "wasmtime"]
)
def test_an_interrupt_while_it_starts_leaves_no_traceback(font: Path, module: str) -> None:
    code = INTERRUPTED.format(module=module, font=str(font))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT)
    assert done.returncode in (130, -signal.SIGINT)
    assert done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="of Linux")
def test_a_full_disk(font: Path) -> None:
    done = _shell(f"{' '.join(FONTGEN)} inspect {font} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == b"fontgen: error: No space left on device\n"


def test_a_link_to_itself_as_output(font: Path, tmp_path: Path) -> None:
    for name, target in (("a.png", "b.png"), ("b.png", "a.png")):
        (tmp_path / name).symlink_to(target)
    done = _shell(f"{' '.join(FONTGEN)} render {font} abc -o {tmp_path / 'a.png'}")
    assert done.returncode == 2
    assert b"a.png: cannot be written: it is a link to itself" in done.stderr


def test_a_line_feed_is_seen_as_one(font: Path) -> None:
    done = _shell(f"printf 'a\\nb' | {' '.join(FONTGEN)} shape {font} - --shaper ot --json")
    shaped = json.loads(done.stdout)
    assert shaped["visible"] == "a\nb"
    table = _shell(f"printf 'a\\nb' | {' '.join(FONTGEN)} shape {font} - --shaper ot").stdout
    assert b"typed    a\\nb\n" in table
