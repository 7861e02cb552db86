"""A real llama2.c checkpoint that nobody here trained, from file to font. Skipped where the file is absent."""

from __future__ import annotations

import numpy as np
import pytest
from support.paths import SHARED_CHECKPOINTS

from fontgen.check.comparison import same_glyphs
from fontgen.config import Config
from fontgen.llama.checkpoints import load
from fontgen.llama.loss import cross_entropy
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.transformer import FloatModel
from fontgen.text.shape import ShapingFont

CHECKPOINT = SHARED_CHECKPOINTS / "stories260K.bin"
pytestmark = pytest.mark.skipif(
    not CHECKPOINT.exists(), reason="the checkpoint is not part of the project"
)

LLAMA2_C_GREEDY = (
    " Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, "
    "she saw a big, red ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, "
    "let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I want to play with your "
    "ball, but I can't find it.\""
)
"""What llama2.c's own float32 program prints at temperature 0, from BOS."""


@pytest.fixture(scope="module")
def model():
    return load(CHECKPOINT)


def test_the_float_path_writes_what_llama2c_writes(model):
    floats, tokens = FloatModel(model), [model.vocabulary.bos]
    while len(tokens) < 200:
        tokens.append(int(floats.logits(tokens).argmax()))
    text = b"".join(model.vocabulary.pieces[token] for token in tokens[1:])
    assert text.replace(b"<0x0A>", b"\n").decode().startswith(LLAMA2_C_GREEDY)


def test_eight_bits_cost_next_to_nothing(model):
    """Nats per token on text sampled from the float model: within 0.003 of float32."""
    random = np.random.default_rng(7)
    reference = ReferenceModel(quantise(model))
    exact, quantised, targets = [], [], []
    for _ in range(6):
        floats, tokens = FloatModel(model), [model.vocabulary.bos]
        while len(tokens) < 200:
            logits = floats.logits(tokens)
            exact.append(logits)
            quantised.append(reference.logits(tokens))
            weights = np.exp(logits.astype(np.float64) - logits.max())
            tokens.append(int(random.choice(len(weights), p=weights / weights.sum())))
            if tokens[-1] in (model.vocabulary.bos, model.vocabulary.eos):
                break
        targets += tokens[1:]
    assert len(targets) > 600
    loss = cross_entropy(np.array(quantised), targets) - cross_entropy(np.array(exact), targets)
    assert abs(loss.mean()) < 0.003


def test_a_font_of_it_shows_the_references_tokens(fontgen, uharfbuzz, tmp_path, model):
    path = tmp_path / "stories260K.ttf"
    assert fontgen("build", "--model", CHECKPOINT, "-o", path).code == 0
    continuer = ReferenceContinuer(quantise(model), Config().settings())
    font = ShapingFont(uharfbuzz, path.read_bytes())
    for prompt in ("The little fox", "", "Жила-была лиса"):
        assert same_glyphs(font, continuer, prompt + "!" * 40)
