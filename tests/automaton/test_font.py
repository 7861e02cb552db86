"""HarfBuzz shows what the reference says, glyph for glyph, with a small content in Roboto."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_content import HEROES, reopened, small_content, small_font

from fontgen.automaton.reference import RUN, Reference
from fontgen.check.automaton import same_glyphs
from fontgen.font.base import default_base_path
from fontgen.font.tale import Tale
from fontgen.text.shape import ShapingFont

WORDS = [
    *(hero.written for hero in HEROES), "the", "in", "it", "was", "sunny", "day", "and", "said", "don't", "cat", "then",
    "suddenly", "kite", "bone", "hat", "she", "his", "The", "LITTLE", "little", "Once", "once", "Zorblax", "Qu", "Q",
    "Abcdefghij", "Abcdefghijk", "Zorblax's", "'tis", "rock'n'roll", "Yesterday", "caf\u00e9",
    "garden", "house", "green", "yellow", "purple", "balloon", "puppies", "girl", '"', "ZORBLAX", "McQuill",
]  # fmt: skip
SEPARATORS = [" ", " ", " ", ", ", ". ", ' "', '" ', "\u2019", "!", "?", "\n", " 12 ", "\u4e2d", ""]
RUNS = [
    "!!!!",
    "!!!!!!!!",
    "!" * 40,
    "!!!?!!!!!!",
    "!!!?????!!!!",
    "!!!??????!!!!",
    "!!!",
    "!!?!!!!!",
]
TEXTS = st.lists(
    st.sampled_from(WORDS) | st.sampled_from(SEPARATORS) | st.sampled_from(RUNS), max_size=24
).map("".join)
FEATURES = st.sets(
    st.sampled_from([*(f"ss{n:02}" for n in range(1, 6)), "ss20", "calt"]), max_size=2
)


@pytest.fixture(scope="module")
def font() -> ShapingFont:
    data, _ = small_font()
    return ShapingFont(_harfbuzz(), data)


@pytest.fixture(scope="module")
def base() -> ShapingFont:
    return ShapingFont(_harfbuzz(), default_base_path().read_bytes())


def _harfbuzz():
    import uharfbuzz

    return uharfbuzz


def _tale() -> Tale:
    _, size = small_font()
    return Tale("", {}, size.first_glyph, size.space, size.lookups)


@given(text=TEXTS, features=FEATURES)
@settings(max_examples=400)
def test_any_text_shows_what_the_reference_says(font, text, features):
    assert same_glyphs(font, _tale(), Reference(small_content()), text, features)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The little fox!!!!!!", "The little fox was hungry. He"),
        ("the dog!!!!!!!", "the dog lived in a big"),
        ("Zorblax!!!!!!!!!!!", "Zorblax was sad. He had no friends. One day,"),
        ("She said Zorblax and!!!!!!", "She said Zorblax and her mom. One"),
        (
            "It was!!!!!!!!!!!!!!!",
            "It was a sunny day. There was a little boy named Tim. One day,",
        ),
        ("!!!!!!!!", "Once upon a time, there"),
        ("the dog!!!", "the dog!!!"),
        ("the dog!!!?!!!!", "the dog lived in a big"),
        ("Lily and!!!!!!!", "Lily and her mom. One day,"),
    ],
)
def test_a_story_in_words(font, text, shown):
    visible = Reference(small_content()).visible(text)
    assert visible.startswith(shown)
    assert same_glyphs(font, _tale(), Reference(small_content()), text)


def test_a_later_run_goes_on_with_the_hero(font):
    text = "Mia!!!!!!!! Then it was!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"
    visible = Reference(small_content()).visible(text)
    assert visible.rindex("Mia") > visible.index("Then") and "Later on," in visible
    assert same_glyphs(font, _tale(), Reference(small_content()), text)


@given(
    text=st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))
        | st.sampled_from("ab fi!?.,'\""),
        max_size=60,
    ).filter(lambda text: not RUN.search(text))
)
@settings(max_examples=400)
def test_text_without_a_run_is_as_in_the_base_font(font, base, text):
    ours, theirs = font.shape(text).glyphs, base.shape(text).glyphs
    fields = ("id", "cluster", "x_advance", "y_advance", "x_offset", "y_offset")
    assert [[getattr(g, f) for f in fields] for g in ours] == [
        [getattr(g, f) for f in fields] for g in theirs
    ]


@given(text=TEXTS)
@settings(max_examples=150)
def test_clusters_never_go_back(font, text):
    clusters = [glyph.cluster for glyph in font.shape(text).glyphs]
    assert clusters == sorted(clusters)


def test_work_is_linear(font):
    def seconds(marks: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            buffer = font.uharfbuzz.Buffer()
            buffer.add_str("Zorblax" + "!" * marks)
            buffer.guess_segment_properties()
            font.uharfbuzz.shape(font.font, buffer)
            best = min(best, time.perf_counter() - start)
        return best

    # Sixteen times as much may take sixteen times as long, and caches their share; squared it would be 256.
    assert seconds(8000) < 100 * seconds(500)


def test_ss20_leaves_no_mark_of_a_run_unsafe_to_break(font):
    uharfbuzz = font.uharfbuzz
    unsafe = {}
    for features in ({}, {"ss20": True, "calt": False}):
        buffer = uharfbuzz.Buffer()
        buffer.add_str("The dog" + "!" * 30)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font.font, buffer, features)
        flagged = {
            info.cluster
            for info in buffer.glyph_infos
            if int(info.flags) & int(uharfbuzz.GlyphFlags.UNSAFE_TO_BREAK)
        }
        unsafe[bool(features)] = {cluster for cluster in flagged if cluster >= len("The dog!!!")}
    assert len(unsafe[False]) == 27 and not unsafe[True]


def test_the_base_font_keeps_its_glyphs_and_positioning(font):
    ours = reopened(small_font()[0])
    theirs = reopened(default_base_path().read_bytes())
    count = theirs["maxp"].numGlyphs
    assert ours["maxp"].numGlyphs == count + small_font()[1].glyphs
    assert ours.reader["GPOS"] == theirs.reader["GPOS"]
    assert ours.reader["cmap"] == theirs.reader["cmap"]
    features = {record.FeatureTag for record in theirs["GSUB"].table.FeatureList.FeatureRecord}
    assert features <= {
        record.FeatureTag for record in ours["GSUB"].table.FeatureList.FeatureRecord
    }
