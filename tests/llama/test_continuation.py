"""The shaper in the real HarfBuzz: what is visible, and what it may never do to its host."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.llama_fonts import font_data
from support.paths import TESTS
from support.shaped_buffer import shape_random_buffers
from support.tiny_models import LETTERS, byte_vocabulary, random_model
from support.typed_texts import TYPED

from fontgen.check.comparison import same_glyphs
from fontgen.font import base as basefont
from fontgen.font import tables
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer, _decode
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Settings,
    write_model,
    write_settings,
)
from fontgen.shapers.flavours import FLAVOURS
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

INVISIBLE = "\u200b"


@pytest.mark.parametrize(
    "prompt",
    ["The little fox", "Once upon a time", "Tom's café was closed", "", "Жила-была лиса", "שלום"],
)
def test_the_visible_text_is_the_prompt_and_the_references_tokens(
    default_font, default_continuer, prompt
):
    before = ""
    for marks in (4, 5, 8, 20, 40):
        typed = prompt + "!" * marks
        expected = default_continuer.continue_text(typed)
        assert len(expected.runs[0]) == marks - 3
        assert same_glyphs(default_font, default_continuer, typed)
        visible = default_font.shape(typed).visible
        assert visible == expected.visible
        assert visible.startswith(before or prompt)
        before = visible


@pytest.mark.parametrize("typed", TYPED)
def test_other_texts(default_font, default_continuer, typed):
    assert same_glyphs(default_font, default_continuer, typed)


def test_a_trailing_space_changes_nothing_that_is_visible(default_font):
    without = default_font.shape("The little fox!!!!!!!!!!!").visible
    assert default_font.shape("The little fox !!!!!!!!!!!").visible == without
    assert "  " not in without


def test_each_token_has_the_cluster_of_its_own_mark(default_font, default_continuer):
    typed = "The fox!!!!!!!!!!!"
    tokens = default_continuer.continue_text(typed).runs[0]
    pieces = [default_continuer.tokenizer.decode(token).decode() for token in tokens]
    shown = {cluster: "" for cluster in range(len(typed))}
    for glyph in default_font.shape(typed).glyphs:
        shown[glyph.cluster] += glyph.text
    assert list(shown.values()) == [*"The fox", "", "", "", *pieces]


def test_generated_text_is_shaped_with_the_callers_features(default_font):
    typed = "The fox!!!!!!!!!!!!!!!!!!!!!!!!!!"
    plain = default_font.shape(typed)
    unkerned = default_font.shape(typed, ShapeOptions(features={"kern": [(0, 0xFFFFFFFF, 0)]}))
    small = default_font.shape(typed, ShapeOptions(features={"smcp": [(0, 0xFFFFFFFF, 1)]}))
    assert unkerned.visible == plain.visible
    assert small.visible.casefold() == plain.visible.casefold()
    generated = [glyph.x_advance for glyph in plain.glyphs if glyph.cluster >= 10]
    assert generated != [glyph.x_advance for glyph in unkerned.glyphs if glyph.cluster >= 10]
    small_ids = [glyph.id for glyph in small.glyphs if glyph.cluster >= 10]
    assert len(set(small_ids) - {glyph.id for glyph in plain.glyphs}) > 10


def test_a_text_longer_than_the_context_keeps_its_end(default_font, default_continuer):
    story = "Tom and Lily went to the park. They saw a big red ball. " * 30
    typed = story + "The little fox" + "!" * 20
    assert same_glyphs(default_font, default_continuer, typed)
    assert default_continuer.continue_text(typed).runs[0]


def test_nothing_is_shown_once_the_context_is_full(default_font, default_continuer):
    typed = "The little fox" + "!" * 500
    expected = default_continuer.continue_text(typed)
    if len(expected.runs[0]) < 497:  # the story ended, or the context did
        assert default_font.shape(typed).visible == default_font.shape(typed + "!!!!!").visible
    assert same_glyphs(default_font, default_continuer, typed)


def test_stories_end(uharfbuzz):
    """Random models end at random: all kinds of ends, incomplete UTF-8 among them, against the reference."""
    ended = 0
    for seed in range(12):
        model = quantise(random_model(seed=seed, context_length=16, spread=1.0))
        continuer = ReferenceContinuer(model)
        shaping = ShapingFont(uharfbuzz, font_data(model, flavour=FLAVOURS[seed % 2]))
        for typed in (
            "!" * 40,
            "abc" + "!" * 30,
            "ж !!!!!!! a!!!!!!!",
            "😀😀!!!!!!!!!!!!!!!!!!!!!!!",
        ):
            assert same_glyphs(shaping, continuer, typed), (seed, typed)
            ended += len(continuer.continue_text(typed).runs[0]) < 12
    assert ended > 5


@pytest.mark.parametrize("kept", [0, 1, 7])
def test_the_number_of_kept_marks_is_the_fonts_choice(uharfbuzz, tiny_model, kept):
    shaper_settings = Settings(kept_marks=kept)
    shaping = ShapingFont(uharfbuzz, font_data(tiny_model, shaper_settings))
    continuer = ReferenceContinuer(tiny_model, shaper_settings)
    for marks in range(10):
        typed = "ab" + "!" * marks
        assert len(continuer.continue_text(typed).runs) == (marks > kept)
        assert same_glyphs(shaping, continuer, typed)


def test_work_is_bounded_and_goes_on_in_the_next_call(uharfbuzz, tiny_model):
    """A call that may not compute all shows an ellipsis; calls of the same text then finish it."""
    bounded = ShapingFont(uharfbuzz, font_data(tiny_model, Settings(max_tokens_per_call=4)))
    continuer = ReferenceContinuer(tiny_model)
    typed = "abc a" + "!" * 9
    first = bounded.shape(typed, settle=False).visible
    assert first.endswith("…") and first.startswith("abc a")
    assert bounded.shape(typed).visible == continuer.continue_text(typed).visible
    assert same_glyphs(bounded, continuer, typed)


TEXT = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.integers(0, 12).map(lambda n: "!" * n),
        st.sampled_from([" ", "ab", "abc", "ж", "fi", "לב", "ा", "\u200d", "\u202e"]),
    ),
    max_size=8,
).map("".join)


@given(text=TEXT)
@settings(max_examples=150)
def test_any_text_shows_what_the_reference_says(tiny_font, tiny_continuer, text):
    assert same_glyphs(tiny_font, tiny_continuer, text)


@pytest.fixture(scope="module")
def tiny_continuer(tiny_model):
    return ReferenceContinuer(tiny_model)


@given(text=TEXT.filter(lambda text: "!!!!" not in text))
@settings(max_examples=150)
def test_text_without_a_trigger_is_shaped_as_in_the_base_font(default_font, base_font, text):
    assert default_font.shape(text).glyphs == base_font.shape(text).glyphs


@pytest.fixture(scope="module")
def base_font(uharfbuzz):
    return ShapingFont(uharfbuzz, tables.font_bytes(basefont.open_base(None)))


@given(
    data=st.binary(max_size=12) | st.text(st.characters(codec="utf-8"), max_size=4).map(str.encode)
)
@settings(max_examples=300)
def test_the_reference_decodes_utf8_as_it_comes(data):
    """Bytes one at a time show, in the end, what all of them together show."""
    shown, pending = "", b""
    for i in range(len(data)):
        characters, pending = _decode(pending + data[i : i + 1])
        shown += characters
    assert shown + pending.decode("utf-8", "replace") == data.decode("utf-8", "replace")
    assert _decode(b"\xed\xb3") == ("\ufffd\ufffd", b"")
    assert _decode(b"a\xf0\x9f\x98") == ("a", b"\xf0\x9f\x98")


FEATURES = st.dictionaries(
    st.sampled_from(["TEMP", "SEED", "TOPK", "TOPP", "TOKN", "kern", "liga"]),
    st.lists(
        st.tuples(
            st.just(0) | st.integers(0, 30),
            st.just(0xFFFFFFFF) | st.integers(0, 40),
            st.sampled_from([0, 1, 2, 5, 40, 80, 100, 250, 2**32 - 1]),
        ),
        min_size=1,
        max_size=2,
    ),
    max_size=5,
)


@given(text=TEXT.map(lambda text: text.replace("a", "!?", 1)), features=FEATURES)
@settings(max_examples=300)
def test_sampling_is_that_of_the_reference(tiny_font, tiny_continuer, text, features):
    """Any features on any part of any text; question marks in runs."""
    assert same_glyphs(tiny_font, tiny_continuer, text, features)


def whole(**values: int) -> dict[str, list[tuple[int, int, int]]]:
    return {tag: [(0, 0xFFFFFFFF, value)] for tag, value in values.items()}


@pytest.mark.parametrize(
    "features",
    [
        whole(TEMP=80),
        whole(SEED=7),
        whole(TEMP=120, TOPK=40),
        whole(TOPP=90, SEED=3),
        whole(TEMP=60, TOKN=1),
        whole(TEMP=0),
        whole(TEMP=1000, TOPP=0),
    ],
    ids=str,
)
def test_sampled_stories_of_the_default_model(default_font, default_continuer, features):
    for typed in ("The little fox" + "!" * 20, "Once!!!!!!!!!! and then!!!!!!!?!!!??!!"):
        assert same_glyphs(default_font, default_continuer, typed, features)


def test_a_seed_chooses_a_story_and_top_k_1_is_greedy(default_font):
    typed = "The little fox" + "!" * 20

    def story(**values: int) -> str:
        return default_font.shape(typed, ShapeOptions(features=whole(**values))).visible

    greedy = story(TEMP=0)
    assert greedy != story() == story(TEMP=70, TOPP=90), "the default font's own"
    assert story(TOPK=1) == story(TEMP=0, SEED=9) == story(TEMP=150, TOPK=1) == greedy
    sampled = {story(TEMP=100, SEED=seed) for seed in range(6)}
    assert len(sampled) > 3
    assert story(TEMP=100, SEED=2) == story(TEMP=100, SEED=2)
    assert story(TEMP=0, TOKN=1).replace("|", "") == greedy
    assert story(TEMP=0, TOKN=1).count("|") == 17
    assert story(TEMP=0, TOKN=2).startswith("|The| little| fox| was|")
    assert story(TEMP=1000) != story(TEMP=1000, SEED=1)


def test_a_feature_on_part_of_the_text_steers_the_runs_there(default_font):
    typed = "The fox!!!!!!!!!!! and the bear!!!!!!!!!!!"
    plain = default_font.shape(typed).visible
    first = default_font.shape("The fox!!!!!!!!!!!").visible
    options = ShapeOptions(features={"TEMP": [(20, 100, 150)], "SEED": [(20, 100, 4)]})
    steered = default_font.shape(typed, options).visible
    assert steered != plain and steered.startswith(first) and plain.startswith(first)


def test_a_question_mark_asks_for_another_token(default_font, default_continuer):
    typed = "The little fox!!!!!!"
    before = default_continuer.continue_text(typed).runs[0]
    seen = [before[-1]]
    for n in range(1, 6):
        tokens = default_continuer.continue_text(typed + "?" * n).runs[0]
        assert tokens[:-1] == before[:-1] and tokens[-1] not in seen
        seen.append(tokens[-1])
        assert same_glyphs(default_font, default_continuer, typed + "?" * n + "!!")
    assert default_font.shape("Really!!!?").visible == "Really!!!?"


def test_a_rejected_token_is_not_taken_for_one_of_the_text(uharfbuzz):
    """Tokens that were chosen are remembered by the text before them and what was rejected. Temperature and rejected
    token 0 once read as token 0 and the temperature."""
    model = random_model(
        vocabulary=byte_vocabulary(LETTERS, add_dummy_prefix=False), tied_embeddings=False, seed=2
    )
    model.tensors["output.weight"][0] *= 4  # often the most likely one
    model = quantise(model)
    continuer = ReferenceContinuer(model)
    tried = 0
    for prompt in LETTERS:
        accepted = continuer.continue_text(prompt + "!!!!!").runs[0]
        rejected = continuer.continue_text(prompt + "!!!!?").runs[0]
        if len(accepted) == 2 and accepted[0] == 0 and accepted[1] not in rejected:
            tried += 1
            shaping = ShapingFont(uharfbuzz, font_data(model))
            assert same_glyphs(shaping, continuer, prompt + "!!!!!")
            assert same_glyphs(shaping, continuer, prompt + "!!!!?")
    assert tried


def test_words_are_replaced(uharfbuzz, tiny_model, base_font):
    words = (("OpenSans", "LLaMaSans"), ("(c)", "©"), ("Open", "Shut"), ("ab", "b"), ("x", "abc"))
    shaper_settings = Settings(replacements=words)
    shaping = ShapingFont(uharfbuzz, font_data(tiny_model, shaper_settings))
    continuer = ReferenceContinuer(tiny_model, shaper_settings)
    shown = {
        "OpenSans": "LLaMaSans",
        "Open OpenSan(c)": "Shut ShutSan©",
        "nothing": "nothing",
        "x!!!!!!": None,
        "xx(c)": "abcabc©",
        "": "",
    }
    for typed, visible in shown.items():
        assert same_glyphs(shaping, continuer, typed), typed
        assert visible is None or shaping.shape(typed).visible == visible
    assert shaping.shape("no word").glyphs == base_font.shape("no word").glyphs
    clusters = [glyph.cluster for glyph in shaping.shape("a OpenSans").glyphs]
    assert clusters == [0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9]


def damaged(data: bytes, how: str) -> bytes | None:
    middle = len(data) // 2
    return {
        "missing": None,
        "empty": b"",
        "cut": data[:middle],
        "one byte short": data[:-1],
        "flipped": data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :],
        "zeros": bytes(len(data)),
        "header only": data[: min(88, len(data) - 4)],
    }[how]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("table", [MODEL_TAG, SETTINGS_TAG])
@pytest.mark.parametrize(
    "how", ["missing", "empty", "cut", "one byte short", "flipped", "zeros", "header only"]
)
def test_a_font_with_a_damaged_table_is_the_base_font(
    uharfbuzz, tiny_model, base_font, table, how, flavour
):
    model, shaper_settings = write_model(tiny_model), write_settings(Settings())
    if table == MODEL_TAG:
        data = font_data(damaged(model, how), shaper_settings, flavour)
    else:
        data = font_data(model, damaged(shaper_settings, how), flavour)
    shaping = ShapingFont(uharfbuzz, data)
    for text in ("AVATAR office", "ab!!!!!!!!!!", "", "!!!!"):
        assert shaping.shape(text).glyphs == base_font.shape(text).glyphs


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_random_buffers(host, seed):
    """0 traps, 0 failed shapes, 0 differences between a warm and a fresh instance; 5,000 for each seed."""
    shape_random_buffers(TESTS / "support" / "random_buffers.py", 5000, seed)
