"""Byte-level BPE: the engine, the reference and Hugging Face's `tokenizers` give the same tokens."""

from __future__ import annotations

import dataclasses
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import byte_level
from support.tiny_models import random_model
from tokenizers import AddedToken

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.model import PreTokenizer
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.wasm_engine import Engine
from fontgen.shapers.flavours import FLAVOURS

KINDS = [kind for kind in PreTokenizer if kind != PreTokenizer.SENTENCEPIECE]
# Characters that tokenizers' Unicode and Python's agree about: not those of one newer than the other's.
CHARACTER = st.characters(exclude_categories=["Cs", "Cn"]).filter(
    lambda c: unicodedata.ucd_3_2_0.category(c) != "Cn"
)
WORD = st.sampled_from(
    ["the", " the", "'s", "'LL", "isn't", " 12", "2024", "\n", "\r\n", "  ", "\t", " !!", "?\n\n", "é", "²", "東京"]
)  # fmt: skip
TEXT = st.lists(st.one_of(CHARACTER, WORD, st.text(CHARACTER, max_size=6)), max_size=12).map(
    "".join
)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def tokenizer(request):
    """Hugging Face's, the reference's, and the engine in both flavours."""
    kind = request.param
    huggingface = byte_level.train(kind)
    vocabulary = byte_level.vocabulary_of(huggingface, kind)
    table = write_model(quantise(random_model(vocabulary=vocabulary, dim=8, n_layers=1)))
    engines = [Engine(shaper_module(flavour), table) for flavour in FLAVOURS]
    return huggingface, ReferenceTokenizer(vocabulary), engines


@given(text=TEXT)
@example(text="   a  1 b\n \n c's'S 'reX 1234567 !?\r\n\r\n  ")
@example(text="\u0085\u2028\u00a0 x\u200b\x1c'\u017f")
@settings(max_examples=300)
def test_tokens_are_those_of_huggingface(tokenizer, text):
    huggingface, reference, engines = tokenizer
    expected = huggingface.encode(text, add_special_tokens=False).ids
    assert reference.encode(text) == expected
    for engine in engines:
        assert engine.encode(text) == expected


def test_special_tokens_that_are_typed_are_text(tokenizer):
    _, reference, engines = tokenizer
    typed = "a<|im_end|>b<|endoftext|>"
    tokens = reference.encode(typed)
    assert b"".join(reference.decode(token) for token in tokens).decode() == typed
    special = {reference.vocabulary.pieces.index(name.encode()) for name in byte_level.SPECIAL}
    assert not special & set(tokens)
    for engine in engines:
        assert engine.encode(typed) == tokens


@given(text=TEXT)
@settings(max_examples=50)
def test_starts_are_where_tokens_begin(tokenizer, text):
    _, reference, _ = tokenizer
    read = reference.encode_with_starts(text)
    data = text.encode("utf-8", "replace")
    at = 0
    for token, start in read:
        assert len(data[:at].decode("utf-8", "ignore")) == start
        at += len(reference.decode(token))
    assert at == len(data)


def test_lone_surrogates_are_replacement_characters(tokenizer):
    _, reference, engines = tokenizer
    for engine in engines:
        assert engine.encode("a\ud800b") == reference.encode("a\ud800b")
    assert reference.encode("a\ud800b") == reference.encode("a\ufffdb")


def test_a_split_that_is_a_piece_may_come_whole():
    """Llama 3's `ignore_merges`: a piece that its own merges would not make."""
    huggingface = byte_level.train(PreTokenizer.LLAMA_BPE)
    vocabulary = byte_level.vocabulary_of(huggingface, PreTokenizer.LLAMA_BPE)
    whole = byte_level.vocabulary_of(
        huggingface,
        PreTokenizer.LLAMA_BPE,
        ignore_merges=True,
        merges=vocabulary.merges[:5],
    )
    table = write_model(quantise(random_model(vocabulary=whole, dim=8, n_layers=1)))
    reference = ReferenceTokenizer(whole)
    text = byte_level.TEXT[:400]
    assert reference.encode(text) != ReferenceTokenizer(vocabulary).encode(text + "x")
    for flavour in FLAVOURS:
        assert Engine(shaper_module(flavour), table).encode(text) == reference.encode(text)
    (token,) = reference.encode(" little")
    assert whole.pieces[token] == b" little"


@pytest.fixture(scope="module")
def with_added_tokens(tmp_path_factory):
    """The same of a tokenizer to which words were added, as they are and within others."""
    huggingface = byte_level.train(PreTokenizer.GPT_2)
    huggingface.add_tokens(["fox", "foxes", "he f", " fo", "é日", "\n\n", "12", "e"])
    path = tmp_path_factory.mktemp("added") / "tokenizer.json"
    huggingface.save(str(path))
    vocabulary = dataclasses.replace(tokenizers.read(path), bos=0)
    table = write_model(quantise(random_model(vocabulary=vocabulary, dim=8, n_layers=1)))
    engines = [Engine(shaper_module(flavour), table) for flavour in FLAVOURS]
    return huggingface, ReferenceTokenizer(vocabulary), engines


@given(
    text=TEXT
    | st.lists(
        st.sampled_from(["the", " ", "fox", "es", " fo", "é", "日", "\n", "1", "2", "e", "'s", "x"])
    ).map("".join)
)
@settings(max_examples=200)
def test_added_tokens_are_taken_as_huggingface_does(with_added_tokens, text):
    test_tokens_are_those_of_huggingface.hypothesis.inner_test(with_added_tokens, text)
    test_starts_are_where_tokens_begin.hypothesis.inner_test(with_added_tokens, text)


@pytest.mark.parametrize("option", ["single_word", "lstrip", "rstrip"])
def test_added_tokens_with_ideas_of_what_stands_around_them(tmp_path, option):
    huggingface = byte_level.train(PreTokenizer.GPT_2)
    huggingface.add_tokens([AddedToken("fox", **{option: True})])
    huggingface.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(FontgenError, match=f"added token 'fox' with {option}"):
        tokenizers.read(tmp_path / "tokenizer.json")
