"""The engine in WebAssembly against the NumPy reference: every bit of every logit."""

from __future__ import annotations

import dataclasses
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_models import byte_vocabulary, random_model

from fontgen.errors import FontgenError
from fontgen.llama.model import Model
from fontgen.llama.quantise.tensors import quantise, quantise_groups
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference import numpy_model
from fontgen.llama.reference.numpy_model import ReferenceModel, exp
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import read_model, write_model
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine
from fontgen.shapers.flavours import FLAVOURS

SHAPES = {
    "default": {},
    "stories260K": dict(dim=64, hidden_dim=172, n_layers=2, n_heads=8, n_kv_heads=4),
    "multi-query, untied": dict(dim=24, n_heads=4, n_kv_heads=1, tied_embeddings=False),
    "nothing divides": dict(dim=30, hidden_dim=37, n_heads=5, n_kv_heads=5, context_length=19),
    "head size 2": dict(dim=6, hidden_dim=1, n_heads=3, n_kv_heads=3, n_layers=1),
    "many columns": dict(dim=8, hidden_dim=2300, n_heads=2, n_kv_heads=2, n_layers=1),
    "one position": dict(context_length=1),
    "large weights": dict(spread=30.0),
    "overflowing weights": dict(spread=3e37),
    "tiny weights": dict(spread=1e-22),
}


def differing_words(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape and a.dtype == b.dtype == np.float32
    return int((a.view(np.uint32) != b.view(np.uint32)).sum())


def four_bits(model: Model, group_size: int, embedding_bits: int) -> QuantisedModel:
    """4 bits by groups without any search, whose quality does not matter here."""
    quantised = quantise(model)
    matrices = {
        name: quantise_groups(tensor, 4, group_size)
        for name, tensor in model.tensors.items()
        if tensor.ndim == 2 and (name.startswith("layers.") or embedding_bits == 4)
    }
    return dataclasses.replace(quantised, matrices=quantised.matrices | matrices)


def half_cache(model: Model) -> QuantisedModel:
    """8 bits, with keys and values in float16."""
    config = dataclasses.replace(model.config, kv_cache_bits=16)
    return quantise(dataclasses.replace(model, config=config))


PRECISIONS = {
    "8 bits": quantise,
    "8 bits, a cache of 16": half_cache,
    "4 bits, groups of 8": lambda model: four_bits(model, 8, 4),
    "4 bits, groups of 32, embedding of 8": lambda model: four_bits(model, 32, 8),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_equal_the_reference_bit_for_bit(flavour, precision, shape):
    model = PRECISIONS[precision](random_model(**SHAPES[shape]))
    engine, reference = Engine(shaper_module(flavour), write_model(model)), ReferenceModel(model)
    tokens = np.random.default_rng(5).integers(
        0, model.config.vocab_size, model.config.context_length
    )
    for n in range(1, len(tokens) + 1):
        logits, expected = engine.logits(tokens[:n]), reference.logits(tokens[:n].tolist())
        if shape == "overflowing weights":  # which NaN an operation gives is not defined
            logits, expected = np.nan_to_num(logits), np.nan_to_num(expected)
        assert differing_words(logits, expected) == 0, n


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("right", [0, 1, 90, 150])
def test_what_the_reference_expects_changes_no_bit(monkeypatch, precision, right):
    """Many positions at once, whether they turn out as expected or not, and whether its weights are kept as floats."""
    model = PRECISIONS[precision](random_model(**SHAPES["stories260K"], context_length=160))
    tokens = np.random.default_rng(7).integers(0, model.config.vocab_size, 150).tolist()
    plain, told = ReferenceModel(model), ReferenceModel(model)
    monkeypatch.setattr(numpy_model, "_KEPT_PARAMETERS", 0)
    frugal = ReferenceModel(model)
    for reference in (told, frugal):
        reference.expect([*tokens[:right], *([5] * 500)])
    for n in (1, *range(3, len(tokens), 7), 2, 2, len(tokens)):
        expected = plain.logits(tokens[:n])
        for reference in (told, frugal):
            assert differing_words(reference.logits(tokens[:n]), expected) == 0, n


@pytest.mark.parametrize("flavour", FLAVOURS)
@given(histories=st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=24), max_size=8))
@settings(max_examples=20)
def test_what_was_asked_before_makes_no_difference(engines, flavour, histories):
    """The KV cache keeps whatever prefix fits; the logits are those of a fresh engine."""
    warm, fresh_logits = engines[flavour]
    for tokens in histories:
        assert differing_words(warm.logits(tokens), fresh_logits(tuple(tokens))) == 0


@pytest.fixture(scope="module")
def engines():
    model = quantise(random_model())
    table = write_model(model)

    def fresh_logits(tokens):
        return ReferenceModel(model).logits(list(tokens))

    return {flavour: (Engine(shaper_module(flavour), table), fresh_logits) for flavour in FLAVOURS}


def test_eight_bits_stay_near_the_float_model():
    model = random_model(dim=64, hidden_dim=128, n_heads=4, n_kv_heads=4, spread=0.2)
    tokens = list(range(3, 23))
    exact, quantised = (
        FloatModel(model).logits(tokens),
        ReferenceModel(quantise(model)).logits(tokens),
    )
    assert np.abs(exact - quantised).max() < 0.05 * np.abs(exact).max()


def test_a_cache_of_float16_changes_the_logits_a_little():
    model = random_model(dim=64, hidden_dim=128, n_heads=4, n_kv_heads=4, spread=0.2)
    exact = ReferenceModel(quantise(model)).logits(list(range(3, 23)))
    halved = ReferenceModel(half_cache(model)).logits(list(range(3, 23)))
    assert 0 < np.abs(exact - halved).max() < 0.05 * np.abs(exact).max()


def test_the_polynomial_is_close_to_exp():
    x = np.linspace(-87, 88, 20001, dtype=np.float32)
    assert np.abs(exp(x) / np.exp(x.astype(np.float64)) - 1).max() < 2e-7


def sealed(table: bytearray) -> bytes:
    """With length and checksum made right again, so that only the engine's own checks are left."""
    struct.pack_into("<I", table, 8, len(table))
    struct.pack_into("<I", table, 12, zlib.adler32(table[16:]))
    return bytes(table)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_engine_refuses_a_damaged_table(flavour):
    module, table = shaper_module(flavour), write_model(quantise(random_model()))
    for damaged in (table[:-1], table[:50], b"\0" * 200, table[:600] + b"\xff" + table[601:]):
        with pytest.raises(FontgenError, match="refuses"):
            Engine(module, damaged)
    Engine(module, table)


@given(
    field=st.integers(4, 21),
    value=st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1), st.just(0xFFFFFFFF)),
    cut=st.integers(0, 2000),
)
@settings(max_examples=150)
def test_a_table_that_lies_about_itself_never_traps(tiny_table, field, value, cut):
    """Any header with a right checksum is refused or computes something within the table."""
    module, table = tiny_table
    lying = bytearray(table)
    struct.pack_into("<I", lying, 4 * field, value)
    lying = lying[: len(lying) - cut] if cut % 3 == 0 else lying
    try:
        engine = Engine(module, sealed(lying))
    except FontgenError:
        return
    engine.logits([0, 1])
    engine.encode("ab c")


@pytest.fixture(scope="module")
def tiny_table():
    return shaper_module("simd128"), write_model(
        quantise(random_model(dim=4, hidden_dim=4, n_heads=2))
    )


def test_a_module_that_is_none_of_ours_is_refused():
    table = write_model(quantise(random_model()))
    with pytest.raises(FontgenError, match="does not compile"):
        Engine(b"nonsense", table)
    with pytest.raises(FontgenError, match="lacks"):
        Engine(b"\0asm\1\0\0\0", table)


def test_the_table_in_a_font_computes_the_same_as_the_model_it_was_made_of():
    model = quantise(random_model(vocabulary=byte_vocabulary(("ab",))))
    again = read_model(write_model(model))
    tokens = [1, 5, 259, 7]
    assert (
        differing_words(ReferenceModel(model).logits(tokens), ReferenceModel(again).logits(tokens))
        == 0
    )
