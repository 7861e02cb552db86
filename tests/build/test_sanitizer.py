"""Fonts that are built pass OpenType Sanitizer, as browsers ask of a web font."""

from __future__ import annotations

from pathlib import Path

import ots
import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from support.base_fonts import make_font, saved
from support.built_fonts import build_on

LIGATURE = "feature liga { sub uni0066 uni0069 by uni0078; } liga;"


@pytest.mark.parametrize("code", ["", LIGATURE], ids=["no GSUB", "GSUB"])
@pytest.mark.parametrize("kind", ["TrueType", "CFF", "variable"])
def test_what_is_built_is_sane(tmp_path: Path, kind: str, code: str) -> None:
    font = make_font(cff=kind == "CFF", variable=kind == "variable")
    if code:
        addOpenTypeFeaturesFromString(font, code)
    base, built = tmp_path / "base.ttf", tmp_path / "built.ttf"
    base.write_bytes(saved(font))
    built.write_bytes(build_on(base))
    for path in (base, built):
        done = ots.sanitize(str(path), capture_output=True)
        assert done.returncode == 0, done.stderr


def test_the_default_font_is_sane(font_path: Path) -> None:
    done = ots.sanitize(str(font_path), capture_output=True)
    assert done.returncode == 0, done.stderr
