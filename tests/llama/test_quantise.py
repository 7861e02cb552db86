from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.tiny_models import random_model

from fontgen.errors import FontgenError
from fontgen.llama.quantise import calibration, gptq
from fontgen.llama.quantise.calibration import sample_text
from fontgen.llama.quantise.gptq import quantise_absmax, quantise_gptq, quantise_search
from fontgen.llama.quantise.layers import quantise_layers
from fontgen.llama.quantise.tensors import quantise, quantise_groups, quantise_rows
from fontgen.llama.quantised import QuantisedMatrix
from fontgen.llama.transformer import FloatModel, Transformer


@pytest.fixture(scope="module")
def model():
    """Wide enough for two groups of 16 and a shorter one."""
    return random_model(
        dim=40, hidden_dim=56, n_heads=4, n_kv_heads=2, context_length=20, spread=0.15
    )


def correlated_inputs(columns: int, n: int = 400) -> np.ndarray:
    random = np.random.default_rng(3)
    mixing = random.standard_normal((columns // 4, columns)) + 0.1
    noise = random.standard_normal((n, columns))
    return random.standard_normal((n, columns // 4)) @ mixing + 0.2 * noise


def random_weights(rows: int = 48, columns: int = 72) -> np.ndarray:
    return np.random.default_rng(4).standard_normal((rows, columns)).astype(np.float32)


def test_rows_are_rounded_to_the_nearest_of_255_steps():
    weights = random_weights()
    weights[7] = 0
    matrix = quantise_rows(weights)
    assert (matrix.bits, matrix.group_size, matrix.group_scales) == (8, 0, None)
    assert np.abs(matrix.values).max(axis=1).tolist() == [127] * 7 + [0] + [127] * 40
    assert (np.abs(matrix.dequantised() - weights) <= matrix.scales[:, None] * 0.5001).all()


@pytest.mark.parametrize(("bits", "largest"), [(4, 7), (8, 127)])
@pytest.mark.parametrize("group_size", [16, 32, 80])
def test_groups_are_rounded_to_the_nearest_step(bits, largest, group_size):
    weights = random_weights()
    weights[5, :16] = 0
    matrix = quantise_groups(weights, bits, group_size)
    assert matrix.values.dtype == np.int8 and np.abs(matrix.values).max() == largest
    assert matrix.group_scales.dtype == np.uint8
    assert matrix.group_scales.shape == (48, -(-72 // group_size))
    assert matrix.group_scales.max(axis=1).tolist() == [255] * 48
    steps = np.repeat(matrix.group_scales * matrix.scales[:, None], group_size, axis=1)[:, :72]
    assert (np.abs(matrix.dequantised() - weights) <= steps * 0.5001).all()
    # A group's step is its largest weight over 7 or 127, rounded up to a 255th of the row's.
    padded = np.zeros((48, steps.shape[1] + -72 % group_size), np.float32)
    padded[:, :72] = np.abs(weights)
    wanted = padded.reshape(48, -1, group_size).max(axis=2) / largest
    given = matrix.group_scales * matrix.scales[:, None]
    assert (given >= wanted * 0.9999).all()
    assert (given <= wanted + matrix.scales[:, None] * 1.0001).all()


def test_dequantised_weights_are_value_times_group_scale_times_scale():
    matrix = QuantisedMatrix(
        np.array([[1, -8, 7], [2, 3, 4]], np.int8), np.array([0.5, 2], np.float32), 4, 2,
        np.array([[3, 255], [0, 1]], np.uint8),
    )  # fmt: skip
    assert matrix.dequantised().tolist() == [[1.5, -12, 892.5], [0, 0, 8]]


def test_each_method_beats_the_simpler_one_on_correlated_inputs():
    weights, inputs = random_weights(), correlated_inputs(72)
    hessian = inputs.T @ inputs

    def error(grid):
        difference = weights - grid.dequantised()
        return float(((inputs @ difference.T) ** 2).sum())

    plain = error(quantise_absmax(weights, 16))
    searched = error(quantise_search(weights, 16, hessian))
    gptq = error(quantise_gptq(weights, 16, hessian))
    assert searched < 0.9 * plain
    assert gptq < 0.5 * searched


def test_scale_search_lowers_the_squared_error_of_weights():
    weights = random_weights()
    weights[:, 20] *= 6  # outliers, which it pays to clip or not, group by group
    errors = [
        float(((quantise_groups(weights, 4, 32, search=search).dequantised() - weights) ** 2).sum())
        for search in (False, True)
    ]
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize(
    "hessian", [np.zeros((40, 40)), np.diag([1.0] + [0.0] * 39), np.ones((40, 40))]
)
def test_inputs_that_say_little_do_no_harm(hessian):
    weights = random_weights(6, 40)
    weights[2] = 0
    weights[3, 16:32] = 0
    grid = quantise_gptq(weights, 16, hessian)
    assert np.isfinite(grid.dequantised()).all() and np.isfinite(grid.scales).all()
    assert (grid.dequantised()[2] == 0).all()
    assert grid.values.min() >= -8 and grid.values.max() <= 7


@pytest.mark.parametrize("tied", [True, False])
def test_four_bits_by_gptq(tied):
    model = random_model(dim=40, hidden_dim=56, tied_embeddings=tied, spread=0.15)
    told = []
    quantised = quantise(
        model, 4, group_size=16, progress=lambda what, done, total: told.append((done, total))
    )
    assert quantised.matrices.keys() == {name for name, t in model.tensors.items() if t.ndim == 2}
    for name, matrix in quantised.matrices.items():
        rows, columns = model.tensors[name].shape
        assert (matrix.bits, matrix.group_size) == (4, 16), name
        assert matrix.values.shape == (rows, columns) and matrix.values.dtype == np.int8, name
        assert matrix.values.min() >= -8 and matrix.values.max() <= 7, name
        assert matrix.group_scales.shape == (rows, -(-columns // 16)), name
        assert matrix.group_scales.dtype == np.uint8 and matrix.scales.dtype == np.float32, name
    assert list(dict.fromkeys(told)) == [(i, 6) for i in range(7)]
    quantised.dequantised().check()


def test_the_same_model_gives_the_same_integers(model):
    one, two = (quantise(model, 4, group_size=16) for _ in range(2))
    other = quantise(model, 4, group_size=16, seed=5)
    for name, matrix in one.matrices.items():
        for part in ("values", "group_scales", "scales"):
            assert (getattr(matrix, part) == getattr(two.matrices[name], part)).all(), name
    assert any((m.values != other.matrices[name].values).any() for name, m in one.matrices.items())


def test_gptq_keeps_more_of_the_model_than_rounding(model):
    text = sample_text(model, seed=9)
    expected = Transformer(model.config, model.tensors).forward(text.tokens)[text.used]
    errors = {}
    for method in ("gptq", "search", "absmax"):
        # At 8 bits the embedding does not blur what the layers lose.
        tensors = quantise(model, 4, method=method, embedding_bits=8).dequantised().tensors
        got = Transformer(model.config, tensors).forward(text.tokens)[text.used]
        errors[method] = float(((got - expected) ** 2).mean())
    assert errors["gptq"] < 0.7 * errors["search"]
    assert errors["search"] < errors["absmax"]


def test_an_embedding_of_8_bits_has_one_scale_per_row(model):
    quantised = quantise(model, 4, embedding_bits=8)
    for name, matrix in quantised.matrices.items():
        assert matrix.bits == (8 if name == "tok_embeddings.weight" else 4)
    expected = quantise_rows(model.tensors["tok_embeddings.weight"])
    assert (quantised.matrices["tok_embeddings.weight"].values == expected.values).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 7}, "7 bits"),
        ({"bits": 8, "embedding_bits": 4}, "embedding of 4 bits"),
        ({"bits": 4, "group_size": 0}, "group size of 0"),
        ({"bits": 4, "group_size": 20}, "group size of 20"),
        ({"bits": 8, "group_size": -16}, "group size of -16"),
        ({"bits": 4, "method": "magic"}, "magic"),
    ],
)
def test_what_is_not_supported_is_refused(model, options, message):
    with pytest.raises(FontgenError, match=message):
        quantise(model, **options)


def test_a_row_whose_sum_could_leave_32_bits_is_refused():
    widest = (1 << 31) // (127 * 8 * 255)  # columns whose sum just fits
    values, scale = np.full((1, widest + 1), -8, np.int8), np.ones(1, np.float32)
    scales = np.full((1, -(-(widest + 1) // 32)), 255, np.uint8)
    QuantisedMatrix(values[:, :widest], scale, 4, 32, scales[:, : -(-widest // 32)]).check()
    with pytest.raises(FontgenError, match="2,147,483,647"):
        QuantisedMatrix(values, scale, 4, 32, scales).check()


def test_a_model_whose_activations_overflow_is_refused():
    with pytest.raises(FontgenError, match="activations overflow"):
        quantise(random_model(spread=1e12), 4)


@pytest.mark.parametrize("spread", [0.0, 1e-30, 1e12])
def test_weights_of_any_size_can_be_searched(spread):
    quantise(random_model(spread=spread), 4, method="search").dequantised().check()


def test_calibration_text_begins_with_bos_and_stops_at_its_end(model):
    text = sample_text(model, seed=1)
    assert (text.tokens[:, 0] == model.vocabulary.bos).all() and text.used[:, 0].all()
    assert (text.used[:, 1:] <= text.used[:, :-1]).all()
    written = text.tokens[:, 1:][text.used[:, 1:]]
    assert not np.isin(written, (model.vocabulary.bos, model.vocabulary.eos)).any()
    assert (sample_text(model, seed=1).tokens == text.tokens).all()
    assert len(np.unique(text.tokens)) > 50


def test_calibration_text_of_a_framed_font_begins_as_its_texts_do(model):
    text = sample_text(model, seed=1, opening=[5, 9, 5])
    assert (text.tokens[:, :3] == [5, 9, 5]).all() and text.used[:, :3].all()
    assert len(np.unique(text.tokens[:, 3])) > 5
    framed = quantise(model, 4, group_size=16, opening=[5, 9, 5])
    plain = quantise(model, 4, group_size=16)
    assert any((m.values != plain.matrices[n].values).any() for n, m in framed.matrices.items())
    short = sample_text(model, seed=1, opening=[5] * 30)
    assert (short.tokens[:, :10] == 5).all() and len(np.unique(short.tokens[:, 10:])) > 5


def test_a_large_model_writes_less_calibration_text(model, monkeypatch):
    most = sample_text(model).tokens.size
    monkeypatch.setattr(
        calibration, "MOST_WORK", 12 * calibration.MIN_SEQUENCES * model.n_parameters
    )
    assert sample_text(model).tokens.size < most * 13 / 20
    monkeypatch.setattr(calibration, "MOST_WORK", 1)
    assert sample_text(model).tokens.shape == (calibration.MIN_SEQUENCES, 1)


def test_sampled_tokens_follow_the_model_s_probabilities():
    # One layer, nothing but the embedding matters: the distribution after BOS is known exactly.
    model = random_model(dim=8, n_heads=2, n_layers=1, context_length=2, spread=0.6)
    drawn = sample_text(model, n_tokens=2 * 8192).tokens[:, 1]
    logits = FloatModel(model).logits([1]).astype(np.float64)
    expected = np.exp(logits - logits.max())
    expected /= expected.sum()
    for token in np.argsort(-expected)[:5]:
        # BOS and EOS end a sequence, which is then padded with BOS.
        if token not in (1, 2):
            deviation = np.sqrt(expected[token] / len(drawn))
            assert abs((drawn == token).mean() - expected[token]) < 4 * deviation


def test_many_sequences_at_once_compute_what_one_does(model):
    random = np.random.default_rng(2)
    tokens = random.integers(0, model.config.vocab_size, (11, 20))
    transformer = Transformer(model.config, model.tensors)
    got = transformer.classify(transformer.forward(tokens))
    floats = FloatModel(model)
    for i in (0, 10):
        one_by_one = [floats.logits(tokens[i, : n + 1].tolist()) for n in range(20)]
        np.testing.assert_allclose(got[i], one_by_one, rtol=1e-4, atol=1e-4)


def test_given_text_is_used_instead_of_sampled(model):
    text = sample_text(model, seed=2)
    shorter = dataclasses.replace(text, used=text.used & (np.arange(text.used.shape[1]) < 10))
    one, two = (quantise_layers(model, 16, text=t) for t in (text, shorter))
    assert any((grid.values != two[name].values).any() for name, grid in one.items())


@pytest.mark.parametrize("n", [1, 5, 64, 65, 300])
def test_the_inverse_factor_is_that_of_the_inverse(n):
    x = np.random.default_rng(n).standard_normal((2 * n, n))
    hessian = x.T @ x + np.eye(n)
    factor = gptq.inverse_factor(hessian)
    assert (np.tril(factor, -1) == 0).all()
    np.testing.assert_allclose(factor.T @ factor, np.linalg.inv(hessian), rtol=1e-8, atol=1e-10)
