"""The engine's tokenizer against the plain Python one, and both against sentencepiece."""

from __future__ import annotations

import re

import pytest
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.paths import REPOSITORY
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.llama.checkpoints import load, sentencepiece_model
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.wasm_engine import Engine
from fontgen.shapers.flavours import FLAVOURS

PROMPTS = REPOSITORY / "model" / "stories" / "prompts.tsv"
SURROGATE = re.compile("[\ud800-\udfff]")
ANY_TEXT = st.text(st.characters(), max_size=60)
STORY_TEXT = st.lists(
    st.sampled_from(
        ["The", "fox", "don't", "12", "café", " ", "  ", "!", "\n", "ж", "😀", "<s>", "<0x0A>"]
    ),
    max_size=20,
).map(" ".join)
STORIES = [prompt.split("\t")[0] for prompt in PROMPTS.read_text().splitlines()]


@pytest.fixture(scope="module")
def default_model():
    return load(default_model_path())


@pytest.fixture(scope="module")
def default_engines(default_model):
    table = write_model(quantise(default_model))
    return [Engine(shaper_module(flavour), table) for flavour in FLAVOURS]


@pytest.fixture(scope="module")
def default_tokenizer(default_model):
    return ReferenceTokenizer(default_model.vocabulary)


@pytest.fixture(scope="module")
def processor():
    return sentencepiece.SentencePieceProcessor(
        model_file=str(default_model_path() / "tokenizer.model")
    )


@given(text=st.one_of(ANY_TEXT, STORY_TEXT), at_start=st.booleans())
@settings(max_examples=300)
def test_engine_equals_reference(default_engines, default_tokenizer, text, at_start):
    expected = default_tokenizer.encode(text, at_start=at_start)
    for engine in default_engines:
        assert engine.encode(text, at_start=at_start) == expected


@given(text=st.one_of(ANY_TEXT, STORY_TEXT))
@example(text="a \ud800\udfffb")
@settings(max_examples=300)
def test_reference_equals_sentencepiece(processor, default_tokenizer, text):
    # sentencepiece takes U+2581 typed by hand for a space only in part, and ends at a NUL.
    text = text.replace("\u2581", "_").replace("\0", "")
    # And it refuses a surrogate, which is U+FFFD to the shaper.
    assert default_tokenizer.encode(text) == processor.encode(SURROGATE.sub("\ufffd", text))


@given(text=st.text(st.sampled_from("abc éж😀!  "), max_size=40), at_start=st.booleans())
@settings(max_examples=200)
def test_vocabularies_with_other_ideas_of_spaces(tiny_pairs, text, at_start):
    for engine, reference in tiny_pairs:
        assert engine.encode(text, at_start=at_start) == reference.encode(text, at_start=at_start)


@pytest.fixture(scope="module")
def tiny_pairs():
    pairs = []
    for prefix in (False, True):
        for extra in (False, True):
            options = dict(add_dummy_prefix=prefix, remove_extra_whitespaces=extra)
            vocabulary = byte_vocabulary(LETTERS, **options)
            model = quantise(random_model(vocabulary=vocabulary))
            pairs.append(
                (
                    Engine(shaper_module("portable"), write_model(model)),
                    ReferenceTokenizer(vocabulary),
                )
            )
    return pairs


@pytest.fixture(scope="module")
def with_unused_pieces():
    """sentencepiece, the reference and an engine, with the default tokenizer of which each third piece is unused."""
    proto = sentencepiece_model.model_proto_class()()
    proto.ParseFromString((default_model_path() / "tokenizer.model").read_bytes())
    for token, piece in enumerate(proto.pieces):
        if piece.type == 1 and len(piece.piece.decode()) > 1 and token % 3 == 0:
            piece.type = 5
    data = proto.SerializeToString()
    vocabulary = sentencepiece_model.decode_sentencepiece(data)
    engine = Engine(
        shaper_module("portable"), write_model(quantise(random_model(vocabulary=vocabulary)))
    )
    return (
        sentencepiece.SentencePieceProcessor(model_proto=data),
        ReferenceTokenizer(vocabulary),
        engine,
    )


@given(text=st.one_of(ANY_TEXT, STORY_TEXT, st.sampled_from(STORIES)))
@example(text="Once upon a time there was a little girl named Lily. She loved the playground!")
@settings(max_examples=300)
def test_text_is_merged_through_unused_pieces_as_sentencepiece_does(with_unused_pieces, text):
    processor, reference, engine = with_unused_pieces
    text = SURROGATE.sub("_", text.replace("\u2581", "_").replace("\0", ""))
    expected = processor.encode(text)
    assert not any(processor.is_unused(token) for token in expected)
    assert reference.encode(text) == expected
    assert engine.encode(text) == expected


def test_decoding_gives_the_text_back(default_tokenizer):
    text = "Tom's café was closed. Жила-была 😀"
    decoded = b"".join(default_tokenizer.decode(token) for token in default_tokenizer.encode(text))
    assert decoded.decode() == " " + text


def test_lone_surrogates_and_u2581(default_engines, default_tokenizer):
    for text in ("\ud800", "a\udfffb", "\u2581fox\u2581\u2581fox"):
        for engine in default_engines:
            assert engine.encode(text) == default_tokenizer.encode(text)
    assert default_tokenizer.encode("a\ud800") == default_tokenizer.encode("a\ufffd")


def test_a_long_text_is_encoded_in_one_go(default_engines, default_tokenizer):
    text = "Once upon a time there was a café. " * 300
    assert default_engines[0].encode(text) == default_tokenizer.encode(text)
