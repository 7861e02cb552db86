"""Lines of a wrapped paragraph, which programs shape one by one: they go on with its story.

fontgen's own host tells the shaper what stands around a line; in others it remembers the paragraphs that it has shaped.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fontgen.check.comparison import same_glyphs
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

STORY = "The little fox!!!!!!!!!!!!!!!!!!!!!!!!! and then a bear!!!!!!!!!!!!!!!"


@pytest.fixture(scope="module")
def font_elsewhere(default_font):
    """The font in a host that knows nothing of `shape_context()`."""
    data = default_font.data.replace(b"shape_context", b"shape_contexT")
    assert data != default_font.data
    return ShapingFont(default_font.uharfbuzz, data)


def visible(shaping: ShapingFont, text: str, start: int, end: int) -> str:
    return shaping.shape(text, ShapeOptions(part=(start, end))).visible


@pytest.mark.parametrize("start", [4, 12, 14, 16, 17, 20, 33, 39, 40, 50, 57, 65])
def test_a_line_goes_on_with_the_paragraphs_story(
    default_font, font_elsewhere, default_continuer, start
):
    for end in (min(start + 12, len(STORY)), len(STORY)):
        for font in (default_font, font_elsewhere):
            assert same_glyphs(font, default_continuer, STORY, part=(start, end))


def test_a_story_is_the_same_in_one_line_and_in_several(default_font):
    whole = default_font.shape(STORY).visible
    lines = [(start, min(start + 20, len(STORY))) for start in range(0, len(STORY), 20)]
    assert "".join(visible(default_font, STORY, *line) for line in lines) == whole


def test_a_text_that_begins_at_cluster_0_stands_alone(default_font):
    marks = "!" * 20
    alone = default_font.shape(marks).visible
    default_font.shape("The little fox" + marks)
    assert default_font.shape(marks).visible == alone


def test_a_line_of_a_paragraph_that_was_never_shaped(default_font, default_continuer):
    text = "Never seen: a fox" + "!" * 20
    shown = visible(default_font, text, 14, 33)
    expected = default_continuer.continue_text(text).characters
    expected = "".join(c for c, cluster in expected if 14 <= cluster < 33)
    assert shown == expected.replace("\u200b", "")


def test_elsewhere_a_line_of_an_unknown_paragraph_stands_alone(font_elsewhere):
    alone = font_elsewhere.shape("a fox" + "!" * 20).visible
    assert visible(font_elsewhere, "Never seen: a fox" + "!" * 20, 12, 37) == alone


def test_a_sign_behind_a_line_changes_its_last_token(default_font):
    text = "A new fox" + "!" * 12
    assert visible(default_font, text + "?", 12, 21) != visible(default_font, text, 12, 21)


def test_the_last_paragraph_with_the_same_characters_there_is_the_one(default_font):
    marks = "!" * 20
    for animal in ("fox", "cow", "fox"):
        whole = default_font.shape(f"The {animal}{marks}").visible
        assert whole.endswith(visible(default_font, f"The {animal}{marks}", 10, 27))
        other = visible(default_font, f"The {animal}{marks[1:]}?", 10, 27)
        assert not whole.endswith(other)


def test_several_paragraphs_are_remembered(default_font, default_continuer):
    texts = [f"The {animal}{'!' * 20}, {animal}" for animal in ("fox", "goat", "beetle")]
    for text in texts:
        default_font.shape(text)
    for text in texts:
        line = (len(text) - 14, len(text))
        expected = [c for c, cluster in default_continuer.continue_text(text).characters
                    if line[0] <= cluster < line[1]]  # fmt: skip
        assert visible(default_font, text, *line) == "".join(expected)


def test_a_line_without_marks_is_shown_as_typed(default_font):
    text = STORY + " and they lived happily."
    default_font.shape(text)
    for start in (len(STORY), len(STORY) + 1, len(STORY) + 6):
        assert visible(default_font, text, start, len(text)) == text[start:]


def test_a_line_inside_a_replaced_word(default_font):
    text = "We use OpenSans" + "!" * 12
    default_font.shape(text)
    assert visible(default_font, text, 9, 15).startswith("MaSans")
    default_font.shape(text)
    assert visible(default_font, text, 12, 15) == "ans"


@given(
    prompt=st.text("ab cé!?ж", max_size=30),
    marks=st.integers(4, 30),
    after=st.text("ab cé!?ж", max_size=20),
    data=st.data(),
)
def test_any_line_of_any_paragraph(
    tiny_font: ShapingFont, tiny_model: QuantisedModel, prompt, marks, after, data
):
    text = prompt + "!" * marks + after
    start = data.draw(st.integers(1, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert same_glyphs(tiny_font, ReferenceContinuer(tiny_model), text, part=(start, end))
