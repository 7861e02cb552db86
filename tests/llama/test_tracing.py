"""What the shaper says of its tokens: the reference's tokens, probabilities and question marks, bit for bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import byte_level
from support.llama_fonts import font_data
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.llama.marks import ELLIPSIS, MORE
from fontgen.llama.model import PreTokenizer
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.reference.sampler import Options, options_at, probabilities, repeats
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Frame,
    Settings,
    write_model,
    write_settings,
)
from fontgen.llama.trace import TokenKind
from fontgen.llama.tracing import TracingShaper
from fontgen.shapers.flavours import FLAVOURS

TEXT = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.integers(0, 12).map(lambda n: MORE * n),
        st.sampled_from([" ", "ab", "abc", "ж", "!?!", "!!!!!??!", "  abc  "]),
    ),
    max_size=8,
).map("".join)
FEATURES = st.dictionaries(
    st.sampled_from(["TEMP", "SEED", "TOPK", "TOPP", "TOKN"]),
    st.lists(
        st.tuples(
            st.just(0) | st.integers(0, 30),
            st.just(0xFFFFFFFF) | st.integers(0, 40),
            st.sampled_from([0, 1, 2, 5, 40, 80, 100, 250, 1000, 2**32 - 1]),
        ),
        min_size=1,
        max_size=2,
    ),
    max_size=5,
)
SETTINGS = st.builds(
    Settings,
    temperature=st.sampled_from([0, 70, 150]),
    top_p=st.sampled_from([0, 50, 90]),
    top_k=st.sampled_from([0, 3]),
    seed=st.integers(0, 3),
    no_repeat=st.sampled_from([0, 1, 2, 3, 8]),
    kept_marks=st.sampled_from([0, 3]),
    replacements=st.sampled_from([(), (("ab", "cba"), ("c", "!!!!!"))]),
    frame=st.sampled_from(
        [
            Frame(),
            Frame(stops=(260, 262)),
            Frame(before=(1, 2, 261), after=(2, 263), between=(2, 1), stops=(262,)),
            Frame(after=(2,)),
            Frame(before=(261,), between=(262, 262)),
        ]
    ),
)


def tracing_shaper(model, own: Settings = Settings(), flavour="simd128") -> TracingShaper:  # noqa: B008
    tables = {MODEL_TAG: write_model(model), SETTINGS_TAG: write_settings(own)}
    return TracingShaper(shaper_module(flavour), tables)


def whole(**values: int) -> dict[str, list[tuple[int, int, int]]]:
    return {tag: [(0, 0xFFFFFFFF, value)] for tag, value in values.items()}


def context_of(trace, index: int) -> list[int]:
    """The tokens before one of a trace, as far as they were still there."""
    before = [token for token in trace[:index] if token.kind != TokenKind.END]
    head = [token.token for token in before if token.kind == TokenKind.BEGIN]
    rest = [token.token for token in before if token.kind != TokenKind.BEGIN]
    return head + rest[trace[index].dropped :]


@pytest.mark.parametrize("flavour", FLAVOURS)
@given(text=TEXT, features=FEATURES, own=SETTINGS)
@settings(max_examples=60)
def test_visible_text_and_tokens_are_those_of_the_reference(
    tiny_model, byte_level_model, flavour, text, features, own
):
    """Any settings and features, on any text: nothing here knows HarfBuzz."""
    model = byte_level_model if own.seed == 1 else tiny_model
    shaper = tracing_shaper(model, own, flavour)
    expected = ReferenceContinuer(model, own).continue_text(text, features)
    assert shaper.shape(text, features) == expected.characters
    has_run = bool(expected.runs)
    assert shaper.tokens() == (expected.trace if has_run else [])
    assert shaper.finished


@pytest.fixture(scope="module")
def byte_level_model():
    """Without BOS before a text."""
    kind = PreTokenizer.SMOLLM
    vocabulary = byte_level.vocabulary_of(byte_level.train(kind, 300), kind, stops=(5, 6))
    return quantise(random_model(vocabulary=vocabulary, seed=5))


@given(text=TEXT.filter(lambda text: MORE * 4 in text), features=FEATURES, own=SETTINGS)
@settings(max_examples=40)
def test_choices_are_the_references_probabilities(tiny_model, text, features, own):
    shaper, continuer = tracing_shaper(tiny_model, own), ReferenceContinuer(tiny_model, own)
    shaper.shape(text, features)
    trace = shaper.tokens()
    assert shaper.choices(0) is None and shaper.choices(len(trace)) is None
    for index in range(1, len(trace)):
        told = shaper.choices(index, 5)
        rest = [t for t in trace[:index] if t.kind not in (TokenKind.END, TokenKind.BEGIN)]
        fallen_out = len(rest) < trace[index].dropped
        assert (told is None) == fallen_out, index
        if told is None:
            continue
        tokens, traced = context_of(trace, index), trace[index]
        logits = continuer.model.logits(tokens)
        options = Options(traced.temperature, traced.seed, traced.top_k, traced.top_p)
        assert options == Options(
            **(vars(options_at(own, features, traced.cluster)) | {"boundaries": 0})
        )
        excluded = repeats(tokens, own.no_repeat, continuer.ends)
        expected = probabilities(logits, options, excluded)
        assert told.choices == tuple((token, float(share)) for token, share in expected[:5])
        assert told.kept == len(expected)
        assert told.probability == float(dict(expected).get(traced.token, 0))
        order = np.argsort(-logits, kind="stable").tolist()
        assert told.rank == order.index(traced.token) + 1


def test_question_marks_are_counted(tiny_model):
    """As many as `rejections` says show the token that was asked for."""
    for features in ({}, whole(TEMP=100, SEED=3), whole(TEMP=80, TOPK=4)):
        shaper = tracing_shaper(tiny_model)
        typed = "abc a!!!!!"
        shaper.shape(typed, features)
        last = len(shaper.tokens()) - 1
        tried = 0
        for token, _ in shaper.choices(last, 4).choices:
            shaper.shape(typed, features)
            count = shaper.rejections(last, token)
            if count is None:
                continue
            tried += 1
            shaper.shape(typed + "?" * count, features)
            assert shaper.tokens()[last].token == token
            assert shaper.tokens()[last].rejected == count
        assert tried >= 2
    assert shaper.rejections(last, 0xFFFFFF) is None


def test_a_call_that_is_cut_short_is_not_finished(tiny_model):
    shaper = tracing_shaper(tiny_model, Settings(max_tokens_per_call=4))
    typed = "abc abc abc abc" + MORE * 12
    calls = 0
    while True:
        shown = shaper.shape(typed, settle=False)
        calls += 1
        assert (ELLIPSIS in dict(shown)) == (not shaper.finished)
        if shaper.finished:
            break
    assert calls > 2
    shaper.shape("nothing to continue")
    assert shaper.finished and not shaper.tokens()


def test_tokn_2_marks_the_prompt_too(tiny_model):
    shaper = tracing_shaper(tiny_model)
    typed = "abc abж ab!!!!!"
    shown = "".join(character for character, _ in shaper.shape(typed, whole(TOKN=2)))
    assert shown.startswith("|abc| ab|ж| ab")
    plain = "".join(character for character, _ in shaper.shape(typed, whole(TOKN=1)))
    assert plain.startswith("abc abж ab") and shown.count("|") == plain.count("|") + 4


def test_no_sequence_of_eight_is_told_twice():
    """A model that says one thing for ever, but for the rule: right by looking at the tokens alone."""
    vocabulary = byte_vocabulary(LETTERS, add_dummy_prefix=False)
    model = quantise(random_model(vocabulary=vocabulary, seed=3, context_length=200, spread=0.02))
    for length in (0, 2, 3, 8):
        own = Settings(no_repeat=length)
        shaper = tracing_shaper(model, own)
        shaper.shape("abc" + MORE * 190)
        tokens = [token.token for token in shaper.tokens() if token.kind != TokenKind.END]
        windows = [tuple(tokens[i : i + length]) for i in range(len(tokens) - length + 1)]
        assert len(tokens) > 30
        if length:
            assert len(set(windows)) == len(windows)
        else:
            assert len(set(tokens[-20:])) < 5, (
                "this model goes in circles unless it is kept from it"
            )


def test_settings_of_a_font_hold_where_no_feature_does(tiny_model):
    own = Settings(temperature=80, top_k=5, seed=9)
    by_font, by_features = tracing_shaper(tiny_model, own), tracing_shaper(tiny_model)
    typed = "abc a" + MORE * 15
    shown = by_font.shape(typed)
    assert shown == by_features.shape(typed, whole(TEMP=80, TOPK=5, SEED=9))
    assert by_font.shape(typed, whole(TEMP=0)) == by_features.shape(typed)
    assert by_font.shape(typed, whole(SEED=1)) == by_features.shape(
        typed, whole(TEMP=80, TOPK=5, SEED=1)
    )


@pytest.fixture(scope="module")
def font_file(tmp_path_factory):
    model = quantise(random_model(vocabulary=byte_vocabulary(LETTERS), seed=4, context_length=40))
    path = tmp_path_factory.mktemp("tokens") / "tiny.ttf"
    path.write_bytes(font_data(model, flavour="universal"))
    return path


def test_the_command(fontgen, font_file):
    outcome = fontgen("tokens", font_file, "ab ж!!!!!!", "--json", "--alternatives", "2")
    assert outcome.code == 0, outcome.err
    tokens = json.loads(outcome.out.encode("latin-1"))["tokens"]
    assert [token["kind"] for token in tokens][:4] == ["begin", "prompt", "prompt", "prompt"]
    assert b"".join(bytes.fromhex(token["bytes"]) for token in tokens[:5]).startswith(b" ab ")
    assert all(len(token["alternatives"]) == 2 for token in tokens[1:])
    assert tokens[1]["rank"] >= 1 and 0 <= tokens[1]["probability"] <= 1
    table = fontgen("tokens", font_file, "ab", "--features", "TEMP=100,TOPK=2")
    assert table.code == 0 and table.out.splitlines()[1].split()[0] == "begin"
    assert table.out.splitlines()[-1].split()[0] in ("generated", "end")


def test_the_command_on_bad_input(fontgen, font_file, base_path, tmp_path):
    assert fontgen("tokens", base_path, "x").err.endswith(
        "has no table Wasm: it was not made by fontgen\n"
    )
    for arguments in (
        (tmp_path / "none.ttf", "x"),
        (font_file, "x", "--alternatives", "65"),
        (font_file, "x", "--features", "nonsense!"),
    ):
        outcome = fontgen("tokens", *arguments)
        assert outcome.code == 2 and outcome.err.count("\n") == 1


LONG_PROMPT = " ".join(["abc ab"] * 30)
"""More tokens than a call of the portable flavour may compute."""


@pytest.fixture(scope="module")
def long_model():
    vocabulary = byte_vocabulary(LETTERS, add_dummy_prefix=False)
    return quantise(random_model(vocabulary=vocabulary, seed=2, context_length=400))


def test_the_first_call_of_an_instance_shows_all(long_model):
    """For programs that shape each text once; later calls are bounded, for those in which somebody types."""
    shaper = tracing_shaper(long_model, flavour="portable")
    expected = ReferenceContinuer(long_model, Settings()).continue_text(LONG_PROMPT + MORE * 30)
    assert shaper.shape(LONG_PROMPT + MORE * 30, settle=False) == expected.characters
    assert shaper.finished
    shaper.shape("c" + LONG_PROMPT + MORE * 30, settle=False)
    assert not shaper.finished
    bounded = tracing_shaper(long_model, Settings(max_tokens_per_call=4), "portable")
    bounded.shape(LONG_PROMPT + MORE * 30, settle=False)
    assert not bounded.finished, "a number in the configuration is a promise"


def test_the_prompt_is_read_while_the_marks_are_typed(long_model):
    def unfinished_calls(*texts: str) -> int:
        """Calls that show an ellipsis at the first mark that counts, after these were shaped."""
        shaper = tracing_shaper(long_model, flavour="portable")
        shaper.shape("ab" + MORE * 5)
        for text in texts:
            assert shaper.shape(text, settle=False) == [(c, i) for i, c in enumerate(text)]
            assert shaper.finished and not shaper.tokens()
        calls = 0
        while True:
            shaper.shape(LONG_PROMPT + MORE * 4, settle=False)
            if shaper.finished:
                return calls
            calls += 1

    cold = unfinished_calls()
    typed = unfinished_calls(*(LONG_PROMPT + MORE * n for n in range(4)))
    assert cold >= 2 and typed == cold - 2, (cold, typed)
    assert unfinished_calls(LONG_PROMPT + MORE * 2) == cold, "nobody types here"
    assert unfinished_calls(LONG_PROMPT + MORE * 3, LONG_PROMPT + MORE * 2) == cold
