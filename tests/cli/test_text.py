"""``fontgen text``: a document from typed to told."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.outcome import Outcome

from fontgen.text.options import ShapeOptions, parse_features
from fontgen.text.shape import ShapingFont

Fontgen = Callable[..., Outcome]
TYPED = "# The fox\r\n\nThe little fox!!!!!!!!!!\nplain, \fand no story!!!\nTom’s 漢!!!!!!"


def told(llama: ShapingFont, features: str = "") -> str:
    options = ShapeOptions(features=parse_features(features))
    stories = [llama.shape(line, options).visible for line in TYPED.split("\n")[2::2]]
    return f"# The fox\r\n\n{stories[0]}\nplain, \fand no story!!!\n{stories[1]}"


def test_each_line_tells_its_own_story(
    fontgen: Fontgen, font_path: Path, llama: ShapingFont, tmp_path: Path
) -> None:
    document, output = tmp_path / "typed.md", tmp_path / "told.md"
    document.write_bytes(TYPED.encode())
    assert fontgen("text", font_path, document, "-o", output).code == 0
    assert output.read_bytes().decode() == told(llama)
    assert "漢" in told(llama) and "!!!!" not in told(llama)
    done = fontgen("text", font_path, document, "--features", "TEMP=90,SEED=5")
    assert done.out.encode("latin-1").decode() == told(llama, "TEMP=90,SEED=5") != told(llama)


def test_as_a_filter(
    fontgen: Fontgen, font_path: Path, llama: ShapingFont, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TYPED.encode())))
    done = fontgen("text", font_path)
    assert done.out.encode("latin-1").decode() == told(llama)


def test_bad_input(fontgen: Fontgen, font_path: Path, tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("Müller".encode("latin-1"))
    for arguments, cause in [
        ((tmp_path / "none.txt",), "cannot be read"),
        ((latin,), "is not UTF-8"),
        ((latin, "-o", latin), "is also an input"),
        ((latin, "--features", "nonsense"), "is not a feature"),
    ]:
        done = fontgen("text", font_path, *arguments)
        assert done.code == 2 and cause in done.err and done.err.count("\n") == 1
        assert done.out == ""
