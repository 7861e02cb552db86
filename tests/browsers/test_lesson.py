"""The lesson "What comes next" says what `fontgen tokens` says, and its clicks become question marks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import byte_level
from support.llama_fonts import font_data
from support.outcome import Outcome
from support.tiny_models import random_model

from fontgen.host.browser.page import PageFont, PageOptions, one_file
from fontgen.llama import trace
from fontgen.llama.model import PreTokenizer
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.tables import Frame, Settings
from fontgen.llama.tables.layout import MODEL_FIELDS
from fontgen.shapers.flavours import UNIVERSAL
from fontgen.text.options import ShapeOptions, parse_features

Fontgen = Callable[..., Outcome]

READ = """(async () => {
    const boxes = [...document.querySelectorAll("#trace .token")];
    const rows = [...document.querySelectorAll("#choices .choice")];
    return {
        tokens: boxes.map((box) => Number(box.querySelector("small").textContent)),
        kinds: boxes.map((box) => box.title.split(", ")[1]),
        fallen: boxes.filter((box) => box.classList.contains("fallen")).length,
        choices: rows.map((row) => [parseInt(row.title.split(" ")[1]), row.querySelector(".probability").textContent]),
        taken: rows.findIndex((row) => row.classList.contains("taken")),
        heading: document.querySelector("#choice-of").textContent,
        window: document.querySelector("#window").textContent,
    };
})()"""


@pytest.fixture
def lesson(story: Any) -> Any:
    story.run("document.querySelector('#lesson').open = true")
    return story


def ask(browser: Any, text: str, features: str = "") -> dict[str, Any]:
    browser.run(
        "(page.controls.features = argument[1], page.text.setAttribute('features', argument[1]),"
        " page.text.value = argument[0])",
        [text, features],
    )
    return settle(browser)


def settle(browser: Any) -> dict[str, Any]:
    browser.run("page.text.settled()")
    browser.run("page.lesson.update()")
    browser.run("page.lesson.idle()")
    return browser.run(READ)


def tokens_of(fontgen: Fontgen, font: Path, text: str, *arguments: str) -> list[dict[str, Any]]:
    done = fontgen("tokens", font, text, "--json", "--alternatives", 16, *arguments)
    assert done.code == 0, done.err
    return json.loads(done.out)["tokens"]


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("The little fox", ""),
        ("Once upon a time", "TEMP=80,TOPP=90,SEED=3"),
        ("strawberry", "TOPK=5"),
    ],
)
def test_tokens_and_what_may_come_next(
    lesson: Any, fontgen: Fontgen, font_path: Path, text: str, features: str
) -> None:
    shown = ask(lesson, text, features)
    expected = tokens_of(fontgen, font_path, text, "--features", features)
    assert shown["tokens"] == [token["token"] for token in expected]
    alternatives = expected[-1]["alternatives"]
    assert [token for token, _ in shown["choices"]] == [other["token"] for other in alternatives]
    for (_, share), other in zip(shown["choices"], alternatives, strict=True):
        assert abs(float(share.split()[0]) / 100 - other["probability"]) < 0.0006
    assert shown["heading"].startswith("What may come next")


def test_a_token_that_was_taken(lesson: Any, fontgen: Fontgen, font_path: Path) -> None:
    text = "The little fox" + "!" * 10
    ask(lesson, text)
    expected = tokens_of(fontgen, font_path, text)
    index = len(expected) - 3
    lesson.run("document.querySelectorAll('#trace .token')[argument].click()", index)
    shown = settle(lesson)
    assert shown["tokens"][: len(expected)] == [token["token"] for token in expected]
    assert shown["choices"][shown["taken"]][0] == expected[index]["token"]
    assert f"number {expected[index]['rank']}" in shown["heading"]


def test_a_click_takes_another_token(lesson: Any, llama: Any) -> None:
    text = "The little fox" + "!" * 10
    shown = ask(lesson, text, "TEMP=0")
    lesson.run(
        "document.querySelectorAll('#trace .token')[argument].click()", len(shown["tokens"]) - 3
    )
    before = settle(lesson)
    wanted = before["choices"][2][0]
    lesson.run("document.querySelectorAll('#choices .choice')[2].click()")
    lesson.wait_for(f"page.text.value !== {json.dumps(text)}")
    shown = settle(lesson)
    assert shown["tokens"][len(before["tokens"]) - 3] == wanted
    typed = lesson.run("page.text.value")
    assert typed.replace("?", "") == text and "?" in typed
    options = ShapeOptions(features=parse_features("TEMP=0"))
    assert lesson.run("page.text.visibleText") == llama.shape(typed, options).visible


def test_a_click_takes_the_next_token(lesson: Any) -> None:
    for text in ("The little fox", "The little fox!!!!!!"):
        before = ask(lesson, text, "TEMP=0")
        lesson.run("document.querySelectorAll('#choices .choice')[1].click()")
        lesson.wait_for(f"page.text.value !== {json.dumps(text)}")
        shown = settle(lesson)
        assert shown["tokens"][len(before["tokens"]) - 1] == before["choices"][1][0]
        assert lesson.run("page.text.value").startswith(text)


def test_what_has_fallen_out_of_the_window(lesson: Any) -> None:
    shown = ask(lesson, "The cat sat on the mat. " * 60 + "!" * 6)
    assert shown["fallen"] > 100 and "have fallen out" in shown["window"]
    assert "of at most 256 tokens" in shown["window"]


def test_layouts_are_those_of_the_shaper(host_page: Any) -> None:
    """Each fact stands once: what JavaScript repeats is compared with where it stands."""
    host_page.reload()
    facts = host_page.browser.run(
        """(async () => {
            const { TRACED_TOKEN, CHOICES, CHOICE, KINDS, MOST_CHOICES, contextLength } =
                await import("./js/model-trace.js");
            const table = Uint8Array.from({ length: 64 }, (_, i) => i);
            return { TRACED_TOKEN, CHOICES, CHOICE, KINDS, MOST_CHOICES, at: contextLength(table) & 255 };
        })()"""
    )
    for name, fields in [
        ("TRACED_TOKEN", trace.TRACED_TOKEN_FIELDS),
        ("CHOICES", trace.CHOICES_FIELDS),
        ("CHOICE", trace.CHOICE_FIELDS),
    ]:
        assert facts[name] == [field.name for field in fields]
    assert facts["KINDS"] == [kind.name.lower() for kind in trace.TokenKind]
    assert facts["MOST_CHOICES"] == trace.MOST_CHOICES
    names = [field.name for field in MODEL_FIELDS]
    assert facts["at"] == 4 * names.index("context_length")


def test_the_frame_of_a_font_that_answers_is_seen(browser: Any, tmp_path: Path) -> None:
    """Special tokens by their names, the text of the frame beside them; `fontgen tokens` says the same."""
    kind = PreTokenizer.SMOLLM
    vocabulary = byte_level.vocabulary_of(byte_level.train(kind, 400), kind)
    special = vocabulary.pieces[1].decode()
    frame = Frame((1, 300, 301), (1,), (1, 300))
    model = quantise(random_model(vocabulary=vocabulary, seed=6, context_length=80))
    font, page = tmp_path / "answers.ttf", tmp_path / "answers.html"
    font.write_bytes(font_data(model, Settings(temperature=0, frame=frame), UNIVERSAL))
    page.write_bytes(one_file(PageFont.open(font), PageOptions()))
    browser.new_page()
    browser.open(page.as_uri())
    browser.wait_for("document.body.dataset.ready !== undefined")
    browser.run("document.querySelector('#lesson').open = true")
    shown = ask(browser, "fox!!!!")
    texts = browser.run(
        "[...document.querySelectorAll('#trace .token span')].map((box) => box.textContent)"
    )
    assert shown["kinds"][:3] == ["begin"] * 3 and "frame" in shown["kinds"]
    pieces = [vocabulary.pieces[token].decode("utf-8", "replace") for token in (300, 301)]
    assert texts[:3] == [special, *(piece.replace(" ", "␣") for piece in pieces)]
    assert texts[shown["kinds"].index("frame")] == special
    browser.run("document.querySelectorAll('#trace .token')[1].click()")
    browser.run("page.lesson.idle()")
    heading = browser.run("document.querySelector('#choice-of').textContent")
    assert heading.startswith(f"The font puts {texts[1]} around it")
