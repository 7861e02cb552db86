"""Whole prompts show the words of the Wasm font that always takes the likeliest token."""

from __future__ import annotations

from pathlib import Path

import pytest
from editors import sheet

from fontgen.automaton.content.format import default_content_path, read_content
from fontgen.automaton.content.maker import STORY_TOKENS, prompts_in
from fontgen.automaton.content.words import words_of
from fontgen.automaton.reference import Reference
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer

PROMPTS = Path(__file__).parents[2] / "model" / "stories" / "prompts.tsv"
COMPARED = ("The little fox", "The dragon", "Once upon a time")
MARKS = 60


def test_the_content_has_a_whole_story_for_every_prompt() -> None:
    openings = read_content(default_content_path()).openings
    missing = [p for p in prompts_in(PROMPTS) if tuple(words_of(p)) not in openings]
    assert len(missing) <= 2, missing  # a story may have letters that no font is sure to have


@pytest.mark.parametrize("prompt", COMPARED)
def test_words_are_those_of_the_wasm_font(prompt: str) -> None:
    """`ReferenceContinuer` is what the engine is held to, bit for bit."""
    content, model = read_content(default_content_path()), load(default_model_path())
    if content.model["sha256"] != model.card.sha256:
        pytest.skip("the content was told by other weights")
    told = ReferenceContinuer(quantise(model)).continue_text(prompt + "!" * (3 + MARKS)).visible
    shown = Reference(content).visible(prompt + "!" * (3 + STORY_TOKENS))
    words = told.split()[:-1]  # the last token may be half a word
    assert shown.split()[: len(words)] == words


def test_the_test_sheet_shows_what_the_content_tells() -> None:
    """``python -m editors.sheet``, a part of ``make content``, writes it."""
    assert (sheet.FOLDER / "llama-lite-test.html").read_text(encoding="utf-8") == sheet.as_html()
    assert (sheet.FOLDER / "llama-lite-test.docx").read_bytes() == sheet.as_docx()
