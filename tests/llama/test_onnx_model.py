"""The ONNX export against a float64 transcription of Llama, and its cache against no cache."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from support.checkpoint_writers import random_model
from support.llama_transcription import transcription
from support.paths import SHARED_CHECKPOINTS

from fontgen.llama import checkpoints
from fontgen.llama.reference.onnx_graph import export
from fontgen.llama.reference.onnx_model import OnnxLayers, OnnxModel

STORIES_260K = SHARED_CHECKPOINTS / "stories260K.bin"
STORIES_260K_GREEDY = """
Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One
day, she saw a big, red ball. She wanted to play with it, but it was too high. Lily's mom said,
"Lily, let's go to the park." Lily was sad and didn't know what to do. She said, "I want to play
with your ball, but I can't find it."
"""
"""What llama2.c's own run.c prints for it at temperature 0."""

SHAPES = [
    {},  # grouped-query
    {"n_kv_heads": 6, "tied_embeddings": False},
    {"n_kv_heads": 1, "n_layers": 1},
    {"dim": 16, "n_heads": 8, "n_kv_heads": 4, "norm_eps": 1e-3, "rope_theta": 100.0},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_transcription(shape: dict[str, object]) -> None:
    model = random_model(seed=3, **shape)
    rng = np.random.default_rng(4)
    tokens = [1, *map(int, rng.integers(0, model.config.vocab_size, 30))]
    expected = transcription(model, tokens)
    logits = OnnxModel(model).logits_of_each(tokens)
    assert logits.shape == expected.shape and logits.dtype == np.float32
    # float32 against float64: a few units in the last place of the largest logit.
    assert np.abs(logits - expected).max() < 2e-5 * np.abs(expected).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_layer_at_a_time_is_the_same(shape: dict[str, object]) -> None:
    model = random_model(seed=3, **shape)
    tokens = [1, *map(int, np.random.default_rng(4).integers(0, model.config.vocab_size, 30))]
    whole = OnnxModel(model).logits_of_each(tokens)
    layers = OnnxLayers(model.config, model.tensors).logits_of_each(tokens)
    assert layers.shape == whole.shape and layers.dtype == np.float32
    assert np.abs(layers - whole).max() < 1e-5 * np.abs(whole).max()


@pytest.mark.parametrize("shape", SHAPES)
def test_cache_changes_nothing(shape: dict[str, object]) -> None:
    onnx_model = OnnxModel(random_model(seed=5, **shape), threads=2)
    tokens = [1, 40, 300, 7, 7, 299, 12, 40]
    whole = onnx_model.logits_of_each(tokens)
    tolerance = 1e-5 * np.abs(whole).max()

    onnx_model.reset()
    by_token = [onnx_model.forward(token) for token in tokens]
    assert np.abs(np.array(by_token) - whole).max() < tolerance
    assert onnx_model.position == len(tokens)

    onnx_model.reset()
    onnx_model.forward(tokens[:3])
    assert np.abs(onnx_model.forward(tokens[3:7]) - whole[6]).max() < tolerance
    assert np.abs(onnx_model.forward(tokens[7]) - whole[7]).max() < tolerance
    assert np.abs(onnx_model.logits(tokens[:2]) - whole[1]).max() < tolerance


def test_later_tokens_are_not_seen() -> None:
    onnx_model = OnnxModel(random_model())
    first = onnx_model.logits_of_each([1, 50, 60, 70])
    second = onnx_model.logits_of_each([1, 50, 60, 71])
    np.testing.assert_allclose(first[:3], second[:3], atol=1e-6)
    assert np.abs(first[3] - second[3]).max() > 1e-2


def test_context_and_vocabulary_are_bounds() -> None:
    onnx_model = OnnxModel(random_model())
    onnx_model.logits([1] * 40)
    with pytest.raises(ValueError, match="41 tokens exceed the context of 40"):
        onnx_model.forward(1)
    for tokens in ([320], [-1], [5, 320]):
        with pytest.raises(ValueError, match="outside the vocabulary of 320"):
            onnx_model.logits(tokens)
    with pytest.raises(ValueError, match="at least one token"):
        onnx_model.logits([])


def test_export_is_a_valid_graph_for_older_runtimes() -> None:
    model = random_model()
    proto = export(model)
    onnx.checker.check_model(proto, full_check=True)
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 17)]
    assert proto.ir_version <= 8
    assert len(proto.graph.input) == len(proto.graph.output) + 1 == 2 + 2 * model.config.n_layers
    assert export(model).SerializeToString() == proto.SerializeToString()


def test_int8_is_near(caplog: pytest.LogCaptureFixture) -> None:
    model = random_model(seed=6)
    tokens = [1, 40, 300, 7]
    exact = OnnxModel(model).logits(tokens)
    int8 = OnnxModel(model, int8=True).logits(tokens)
    assert not np.array_equal(int8, exact)
    assert np.abs(int8 - exact).max() < 0.2 * np.abs(exact).max()
    assert not caplog.records


def test_stories260k_greedy_text_is_llama2c_s() -> None:
    if not STORIES_260K.exists():
        pytest.skip("stories260K.bin is not here")
    model = checkpoints.load(STORIES_260K)
    onnx_model = OnnxModel(model)
    row = onnx_model.forward(1)
    pieces = []
    for _ in range(180):
        token = int(row.argmax())
        pieces.append(model.vocabulary.pieces[token].replace(b"<0x0A>", b"\n"))
        row = onnx_model.forward(token)
    words = STORIES_260K_GREEDY.split()
    assert b"".join(pieces).decode().split()[: len(words)] == words
