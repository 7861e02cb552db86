"""The host in many threads: identical results, no crash, no leak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from host_fonts import REPOSITORY, SOURCES, compile_guest, with_wasm

THREADS = 8


@pytest.mark.parametrize("faces", [1, 3])
@pytest.mark.parametrize("source", ["trivial.c", "hostile.c"])
def test_threads_agree(
    source: str, faces: int, base_path: Path, host: object, tmp_path: Path
) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(with_wasm(base_path, compile_guest(source, tmp_path / "guest.wasm")))
    shapes = 2000
    done = subprocess.run(
        [sys.executable, str(SOURCES / "shape_in_threads.py"), str(path)]
        + [str(THREADS), str(shapes), str(faces)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    result = json.loads(done.stdout)
    assert result["differing"] == 0
    # 8,000 shapes that leaked as little as a buffer each would show.
    assert result["growth_kb"] < 4000
