"""Small Wasm fonts for the tests of the host: a base font with a guest compiled from tests/host/native."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._f_v_a_r import Axis

from support.paths import REPOSITORY, TESTS

SOURCES = TESTS / "host" / "native"


def compile_guest(source: str, output: Path, *flags: str) -> bytes:
    """The Wasm module of ``tests/host/native/SOURCE``."""
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding", "-Oz"]
        + ["-nostdlib", "-Wl,--no-entry", "-Wl,--export-memory", "-fno-sanitize=all", "-w"]
        + [*flags, str(SOURCES / source), "-o", str(output)],
        check=True,
    )
    return output.read_bytes()


def with_wasm(base: Path | BinaryIO, module: bytes) -> bytes:
    """The base font with ``module`` as its Wasm table."""
    font = TTFont(base, recalcTimestamp=False)
    font["Wasm"] = table = newTable("Wasm")
    table.data = module
    output = BytesIO()
    font.save(output)
    return output.getvalue()


def with_axis(base: Path) -> BytesIO:
    """The base font as a variable font whose only axis, weight, changes nothing."""
    font = TTFont(base)
    axis = Axis()
    axis.axisTag, axis.minValue, axis.defaultValue, axis.maxValue = "wght", 100, 400, 900
    axis.axisNameID = 256
    font["name"].setName("Weight", 256, 3, 1, 0x409)
    font["fvar"] = newTable("fvar")
    font["fvar"].axes, font["fvar"].instances = [axis], []
    output = BytesIO()
    font.save(output)
    return output


def shape_texts(font: bytes, texts: list[str], tmp_path: Path, **environment: str) -> Any:
    """What ``tests/host/native/shape_texts.py`` prints, in a process with that environment.

    Fails when the process dies, or prints anything on stderr.
    """
    path = tmp_path / "font.ttf"
    path.write_bytes(font)
    done = subprocess.run(
        [sys.executable, str(SOURCES / "shape_texts.py"), str(path), *texts],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    assert done.stderr == "" or "FONTGEN_WASM_TRACE" in environment
    return json.loads(done.stdout)
