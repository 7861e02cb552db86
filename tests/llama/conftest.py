"""What the tests of the language model share: the default font and a tiny one, with their references."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.llama_fonts import Remembering, font_data
from support.paths import REPOSITORY
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.config import read_config
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.text.shape import ShapingFont


@pytest.fixture(scope="session")
def default_continuer():
    settings = read_config(REPOSITORY / "fonts" / "llama.toml").settings()
    continuer = ReferenceContinuer(quantise(load(default_model_path())), settings)
    continuer.model = Remembering(continuer.model)
    return continuer


@pytest.fixture(scope="module", params=["simd128", "portable"])
def default_font(request, uharfbuzz, font_path, portable_font_path):
    path = font_path if request.param == "simd128" else portable_font_path
    return ShapingFont(uharfbuzz, Path(path).read_bytes())


@pytest.fixture(scope="module")
def tiny_model():
    """Its texts end now and then: the logits of a random model prefer EOS as often as anything else."""
    return quantise(
        random_model(vocabulary=byte_vocabulary(LETTERS, add_dummy_prefix=False), seed=2)
    )


@pytest.fixture(scope="module")
def tiny_font(uharfbuzz, tiny_model):
    return ShapingFont(uharfbuzz, font_data(tiny_model))
