"""`fontgen build`, `verify`, `inspect` and `shape` of a font without Wasm, and what verify notices."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from support.small_content import small_content

from fontgen.automaton.content.format import content_bytes


@pytest.fixture
def made(fontgen, tmp_path: Path) -> tuple[Path, Path]:
    """A font and its content file."""
    content, font = tmp_path / "content.json", tmp_path / "lite.ttf"
    content.write_bytes(content_bytes(small_content(), compress=False))
    recipe = tmp_path / "lite.toml"
    recipe.write_text('[shaper]\nprogram = "automaton"\n[automaton]\ncontent = "content.json"\n')
    outcome = fontgen("build", recipe, "-o", font, "-q")
    assert outcome.code == 0, outcome.err
    return font, content


def test_a_good_font_passes(fontgen, made) -> None:
    font, content = made
    outcome = fontgen("verify", font, "--content", content, "--tokens", 12, "--json")
    checks = json.loads(outcome.out)["checks"]
    assert outcome.code == 0 and len(checks) == 3 and all(check["passed"] for check in checks)


def test_as_many_random_texts_as_are_asked_for(fontgen, made) -> None:
    font, content = made
    asked = ("verify", font, "--content", content, "--tokens", 4)
    assert "random texts with runs: 37 texts" in fontgen(*asked, "--texts", 37).out
    assert fontgen(*asked, "--texts", 0).code == 2


def test_another_content_is_refused(fontgen, made, tmp_path: Path) -> None:
    font, _ = made
    other = dataclasses.replace(small_content(), under_way=())
    path = tmp_path / "other.json"
    path.write_bytes(content_bytes(other, compress=False))
    outcome = fontgen("verify", font, "--content", path)
    assert outcome.code == 2 and "is not what the font was built from" in outcome.err


def test_a_changed_word_is_noticed(fontgen, made, tmp_path: Path) -> None:
    font, content = made
    opened = TTFont(font)
    letters = set(opened.getBestCmap().values())
    changed = 0
    for lookup in opened["GSUB"].table.LookupList.Lookup:
        for subtable in lookup.SubTable:
            mapping = getattr(getattr(subtable, "ExtSubTable", subtable), "mapping", {})
            for glyph, word in mapping.items():
                if isinstance(word, list) and len(word) > 4 and letters.issuperset(word):
                    mapping[glyph] = word[::-1]
                    changed += 1
    assert changed
    path = tmp_path / "changed.ttf"
    stream = io.BytesIO()
    opened.save(stream)
    path.write_bytes(stream.getvalue())
    assert fontgen("verify", path, "--content", content, "--tokens", 60).code == 1


def test_inspect_says_what_it_is(fontgen, made) -> None:
    report = json.loads(fontgen("inspect", made[0], "--json").out)
    assert report["shaper"] is None and report["automaton"]["heroes"] == 10
    assert "nothing is computed" in fontgen("inspect", made[0]).out


def test_shape_shows_the_story(fontgen, made) -> None:
    shown = json.loads(fontgen("shape", made[0], "The little fox!!!!!!", "--json").out)
    assert shown["visible"] == "The little fox was hungry. He"
    assert shown["shaper"] == "ot"


@pytest.mark.parametrize(
    ("recipe", "cause"),
    [
        ('[shaper]\nprogram = "automaton"\n[automaton]\ncontent = "no.json"\n', "cannot be read"),
        ('[automaton]\ncontent = "content.json"\n', "does not belong to the program"),
        ('[shaper]\nprogram = "automaton"\n[quantise]\nbits = 4\n', "does not belong"),
    ],
)
def test_mistakes_name_file_and_cause(fontgen, tmp_path: Path, recipe: str, cause: str) -> None:
    path = tmp_path / "font.toml"
    path.write_text(recipe)
    outcome = fontgen("build", path)
    assert outcome.code == 2 and cause in outcome.err and str(tmp_path) in outcome.err
