from __future__ import annotations

import math

import numpy as np
import pytest

from fontgen.llama.loss import ROWS_AT_ONCE, cross_entropy


def test_cross_entropy_is_minus_the_logarithm_of_a_token_s_probability():
    probabilities = np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    nats = cross_entropy(np.log(probabilities) + 3, [1, 2])
    assert nats == pytest.approx([-math.log(0.25), -math.log(0.7)])


def test_the_cross_entropy_of_large_logits_is_finite():
    assert cross_entropy(np.array([[1e4, 1e4]], np.float32), [0]) == pytest.approx([math.log(2)])


def test_every_row_counts_once():
    n = 2 * ROWS_AT_ONCE + 1
    logits = np.random.default_rng(1).standard_normal((n, 5)).astype(np.float32)
    targets = np.arange(n) % 5
    alone = [cross_entropy(logits[i : i + 1], targets[i : i + 1])[0] for i in range(n)]
    np.testing.assert_array_equal(cross_entropy(logits, targets), alone)
