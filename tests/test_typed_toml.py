"""Every kind of type hint, with what it takes and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from fontgen.errors import FontgenError
from fontgen.typed_toml import names, not_in_toml, read_toml


@dataclass(frozen=True)
class Layer:
    outline: str
    colour: str = ""


@dataclass(frozen=True)
class Section:
    size: float | None = None
    on: bool = False
    file: Path | None = names(None, {"known"})
    lines: Literal["tall", "em"] = "tall"
    words: tuple[str, ...] = ()
    shapes: dict[str, str | list[Layer]] = field(default_factory=dict)
    anything: Any = None


@dataclass(frozen=True)
class Document:
    section: Section = field(default_factory=Section)
    secret: int = not_in_toml(0)


def _read(tmp_path: Path, text: str) -> Section:
    path = tmp_path / "a.toml"
    path.write_text(text)
    return read_toml(path, Document).section


@pytest.mark.parametrize(
    "line, value",
    [
        ("size = 3", Section(size=3.0)),
        ("size = 0.5", Section(size=0.5)),
        ("on = true", Section(on=True)),
        ("file = 'known'", Section(file=Path("known"))),
        ("lines = 'em'", Section(lines="em")),
        ("words = ['a', 'b']", Section(words=("a", "b"))),
        ("shapes.x = 'M0 0Z'", Section(shapes={"x": "M0 0Z"})),
        ("shapes.x = [{outline = 'M'}]", Section(shapes={"x": [Layer("M")]})),
        ("anything = [1, {a = 2}]", Section(anything=[1, {"a": 2}])),
    ],
)
def test_values(tmp_path: Path, line: str, value: Section) -> None:
    assert _read(tmp_path, f"[section]\n{line}") == value


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert _read(tmp_path, "[section]\nfile = 'unknown'").file == tmp_path / "unknown"


@pytest.mark.parametrize(
    "line, cause",
    [
        ("size = '3'", "section.size must be a number"),
        ("size = true", "section.size must be a number"),
        ("on = 1", "section.on must be true or false"),
        ("file = 3", "section.file must be a string"),
        ("file = ''", "section.file is empty"),
        ("file = 'a\\u0000'", "section.file is not a path"),
        ("lines = 'wide'", "section.lines: 'wide' is not one of tall, em"),
        ("lines = 3", "section.lines: 3 is not one of tall, em"),
        ("words = 'a'", "section.words must be a list"),
        ("words = [1]", "section.words[0] must be a string"),
        ("shapes = 'x'", "section.shapes must be a section, [section.shapes]"),
        ("shapes.x = 3", "section.shapes.'x' must be a string or a list"),
        ("shapes.x = [3]", "section.shapes.'x'[0] must be a table"),
        ("shapes.x = [{colour = 'red'}]", "section.shapes.'x'[0] lacks outline"),
        ("shapes.x = [{outline = 'M', width = 1}]", "unknown key 'width'"),
        ("secret = 1", "unknown key 'secret' in [section]; there are size, on"),
        (f"anything = {'[' * 100_000}", "is nested too deep"),
        (f"size = {'9' * 5000}", "is not TOML"),
    ],
    ids=lambda text: text[:40],
)
def test_mistakes(tmp_path: Path, line: str, cause: str) -> None:
    quoted = line.replace("'a\\u0000'", '"a\\u0000"')
    with pytest.raises(FontgenError) as refusal:
        _read(tmp_path, f"[section]\n{quoted}")
    assert str(refusal.value).startswith(f"{tmp_path / 'a.toml'}: ")
    assert cause in str(refusal.value)


def test_a_field_that_no_file_can_set(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("secret = 1")
    with pytest.raises(FontgenError, match="unknown section 'secret'; there are section$"):
        read_toml(path, Document)
