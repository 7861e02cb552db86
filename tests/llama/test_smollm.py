"""SmolLM2-135M-Instruct, where its archive is in the cache (``make answer`` puts it there): it answers.

The tokens were told by llama.cpp (xllamacpp 2026.10.11549), whose tokenizer is the oracle. A thousand random texts were
compared once: none differed.
"""

from __future__ import annotations

import dataclasses

import pytest
from support.paths import REPOSITORY

from fontgen.build.llama import make_settings
from fontgen.config import read_config
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.archives import cache_folder
from fontgen.llama.memory import Target
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import MODEL_TAG, SETTINGS_TAG, write_model, write_settings
from fontgen.llama.trace import TokenKind
from fontgen.llama.tracing import TracingShaper
from fontgen.llama.wasm_engine import Engine
from fontgen.shapers.flavours import FLAVOURS

NAME = "smollm2-135m-instruct"
TOKENS = {
    "Hello world 123": [19556, 905, 216, 33, 34, 35],
    "The little fox isn't\n\n  hungry.": [504, 1838, 16438, 3247, 982, 8866, 15100, 30],
    "café 東京 😀": [83, 1939, 2756, 17097, 247, 126, 16736, 122, 40303, 218],
    "def f(x):\n    return x + 1\r\n": [1604, 275, 24, 104, 727, 472, 1003, 1792, 1232, 216, 33, 2738],
    "Жила-была лиса": [155, 240, 7872, 46013, 29, 27714, 18408, 46013, 5470, 136, 7872, 9382, 6511],
    "<|im_end|> is typed": [44, 108, 306, 79, 486, 108, 46, 314, 30473],
}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not list(cache_folder().glob(f"{NAME}/*.gguf")), reason=f"{NAME} is not in the cache"
)


@pytest.fixture(scope="module")
def answering():
    """The model of ``fonts/smollm.toml``, quantised, and the font's two tables."""
    config = read_config(REPOSITORY / "fonts" / "smollm.toml")
    assert str(config.model.checkpoint) == NAME
    model = load(config.model.checkpoint, target=Target(8, 256, config.quantise.kv_cache_bits))
    quantised = quantise(model)
    settings = make_settings(config, model)
    return (
        quantised,
        settings,
        {MODEL_TAG: write_model(quantised), SETTINGS_TAG: write_settings(settings)},
    )


def test_tokens_are_those_of_llama_cpp(answering):
    model, _, tables = answering
    engine = Engine(shaper_module("simd128"), tables[MODEL_TAG])
    reference = ReferenceTokenizer(model.vocabulary)
    for text, tokens in TOKENS.items():
        assert engine.encode(text) == tokens
        assert reference.encode(text) == tokens


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_logits_are_the_reference_s(answering, flavour):
    """`fontgen verify` compares more, and takes a minute."""
    quantised, settings, tables = answering
    engine = Engine(shaper_module(flavour), tables[MODEL_TAG])
    question = engine.encode("What is the capital of France?", at_start=False)
    tokens = [
        *settings.frame.before,
        *question,
        *settings.frame.after,
        *engine.encode("The capital of"),
    ]
    reference = ReferenceModel(quantised)
    reference.expect(tokens)
    for n in range(len(tokens) - 3, len(tokens) + 1):
        logits = engine.logits(tokens[:n])
        assert (logits.view("u4") == reference.logits(tokens[:n]).view("u4")).all()
    assert quantised.vocabulary.pieces[int(logits.argmax())] == b" France"


def test_it_answers_in_the_frame_of_its_own_template(answering):
    model, settings, tables = answering
    shaper = TracingShaper(shaper_module("simd128"), tables)
    typed = "What is the capital of France?" + "!" * 14
    shown = "".join(character for character, _ in shaper.shape(typed))
    assert shown.replace("\u200b", "") == (
        "What is the capital of France? The capital of France is Paris."
    )
    tokens = shaper.tokens()
    assert tokens[-1].kind == TokenKind.END
    assert shaper.token_name(tokens[-1].token) == b"<|im_end|>"
    said = "".join(
        shaper.token_name(token.token).decode() for token in tokens if token.kind != TokenKind.END
    )
    assert said == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
        "The capital of France is Paris."
    )
    bare = dataclasses.replace(settings, frame=type(settings.frame)())
    unframed = TracingShaper(
        shaper_module("simd128"), tables | {SETTINGS_TAG: write_settings(bare)}
    )
    assert "".join(character for character, _ in unframed.shape(typed)) != shown
