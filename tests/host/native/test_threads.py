"""The host in many threads: identical results, no crash, no leak.

``FONTGEN_TEST_SHAPES`` is the number of shapes per thread, 1,000 unless it is set: 10,000 is for a
desk. For races that change no result there is ``tests/host/native/find_races.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.host_fonts import SOURCES, compile_guest, with_wasm

from fontgen.host.native import Host
from fontgen.host.native.platforms import here

THREADS = 8
SHAPES = int(os.environ.get("FONTGEN_TEST_SHAPES", "1000"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a program of POSIX threads")


@pytest.fixture(scope="module")
def program(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tests/host/native/shape_in_threads.c``, linked with the host."""
    output = tmp_path_factory.mktemp("threads") / "shape_in_threads"
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", here().target, "-O2", "-w"]
        + [str(SOURCES / "shape_in_threads.c"), str(host.library), "-lpthread"]
        + [f"-Wl,-rpath,{host.library_directory}", "-o", str(output)],
        check=True,
    )
    return output


def check(program: Path, fonts: list[Path], faces: int, new: int) -> None:
    """Every ``new``-th shape is of a face made for it; the others are of ``faces`` shared ones."""
    done = subprocess.run(
        [str(program), str(THREADS), str(SHAPES), str(faces), str(new), *map(str, fonts)],
        capture_output=True,
        text=True,
        timeout=60 + SHAPES // 5,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    assert done.stderr == ""
    result = json.loads(done.stdout)
    print(result)
    assert result["shapes"] == THREADS * SHAPES
    assert result["differing"] == 0
    # Half of the shapes, had each of them leaked as little as a buffer, would show.
    resident = result["resident_kb"]
    assert resident[-1] - resident[len(resident) // 2] < 2000


@pytest.mark.parametrize("faces", [1, 3])
@pytest.mark.parametrize("source", ["trivial.c", "hostile.c"])
def test_threads_agree(
    source: str, faces: int, base_path: Path, program: Path, tmp_path: Path
) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(with_wasm(base_path, compile_guest(source, tmp_path / "guest.wasm")))
    check(program, [path], faces, new=0)


def test_faces_that_come_and_go(
    base_path: Path, font_path: Path, program: Path, tmp_path: Path
) -> None:
    """Three fonts at once, of which the default one generates; some faces live for one shape only."""
    others = []
    for source in ("trivial.c", "hostile.c"):
        others.append(tmp_path / f"{source}.ttf")
        module = compile_guest(source, tmp_path / "guest.wasm")
        others[-1].write_bytes(with_wasm(base_path, module))
    check(program, [font_path, *others], faces=2, new=50)
