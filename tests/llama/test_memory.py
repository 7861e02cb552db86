"""The arithmetic of what a font needs, against what its engine takes."""

from __future__ import annotations

import dataclasses

import pytest
from support.tiny_models import random_model

from fontgen.llama.memory import kv_cache_bytes, memory_bytes, weight_bytes
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.wasm_engine import Engine


@pytest.mark.parametrize(
    "shape",
    [
        {"dim": 64, "n_heads": 4, "n_kv_heads": 4, "n_layers": 8, "context_length": 8192},
        {"dim": 512, "n_heads": 8, "n_kv_heads": 2, "hidden_dim": 2048, "n_layers": 6},
        {},
        {
            "dim": 64,
            "n_heads": 4,
            "n_kv_heads": 4,
            "n_layers": 8,
            "context_length": 8192,
            "kv_cache_bits": 16,
        },
    ],
    ids=["a long context", "many weights", "tiny", "float16 in the cache"],
)
def test_the_engine_takes_no_more_than_is_said(shape):
    model = random_model(**shape)
    engine = Engine(shaper_module("portable"), write_model(quantise(model)))
    for n in (1, min(40, model.config.context_length)):
        engine.logits([1] * n)
    assert engine.memory_bytes <= memory_bytes(model.config)


def test_bytes_of_a_known_model():
    config = random_model(dim=64, n_heads=4, n_kv_heads=2, n_layers=3, context_length=100).config
    assert kv_cache_bytes(config) == 3 * 100 * 2 * 32 * 4
    assert kv_cache_bytes(dataclasses.replace(config, kv_cache_bits=16)) == 3 * 100 * 2 * 32 * 2
    assert weight_bytes(config, 4) < 0.6 * weight_bytes(config, 8)
