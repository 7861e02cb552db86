"""The whole way from a base font to a font of ours, around a model that is small enough for many."""

from __future__ import annotations

import functools
from pathlib import Path

from fontgen.build.llama import put_together
from fontgen.font.base import open_base
from fontgen.font.names import default_family
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import Settings
from support.tiny_models import LETTERS, byte_vocabulary, random_model


@functools.cache
def small_model() -> QuantisedModel:
    """Random weights, 40 positions."""
    return quantise(random_model(vocabulary=byte_vocabulary(LETTERS), context_length=40, seed=4))


def build_on(base: Path | str) -> bytes:
    """A font on that base; raises `FontgenError` as `fontgen build` does."""
    font = open_base(base)
    return put_together(
        font, default_family(font), shaper_module("simd128"), Settings(), small_model()
    )
