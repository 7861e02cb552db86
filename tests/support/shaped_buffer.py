"""A buffer of any code points, shaped by the font's program and looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from support.paths import REPOSITORY, TESTS


def shaped(
    uharfbuzz: ModuleType,
    font: object,
    codepoints: list[int],
    direction: str,
    script: str,
    features: dict,
) -> list[tuple]:
    """Glyph, cluster and position of each; clusters are asserted to be in order and within the text."""
    buffer = uharfbuzz.Buffer()
    buffer.add_codepoints(codepoints)
    buffer.direction, buffer.script, buffer.language = direction, script, "en"
    uharfbuzz.shape(font, buffer, features, shapers=["wasm"])
    clusters = [info.cluster for info in buffer.glyph_infos]
    assert clusters == sorted(clusters, reverse=direction in ("rtl", "btt"))
    assert not clusters or 0 <= min(clusters) <= max(clusters) < len(codepoints)
    return [
        (info.codepoint, info.cluster, *position.position)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True)
    ]


def shape_random_buffers(program: Path, count: int, seed: int, *fonts: Path) -> None:
    """Run a program that shapes random buffers, in a process that says of every trap what it was; there may be none."""
    done = subprocess.run(
        [sys.executable, program, str(count), str(seed), *fonts],
        env={
            **os.environ,
            "FONTGEN_WASM_TRACE": "1",
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{TESTS}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    complaints = [line for line in done.stderr.splitlines() if "instead" in line or "trap" in line]
    assert not complaints, complaints[0]
    assert "fontgen-wasm: instance" in done.stderr, "the host's trace is what would tell of a trap"
