"""The Llama transformer in NumPy float32, in the engine's order of operations, bit for bit.

Three things make that possible. Dot products of weights are sums of integers, exact in any order. Every float
sum has a fixed order: four lanes for squares and softmax denominators, one after the other for the rest, never
`np.sum` or `np.dot`, which reorder. And `exp` is a polynomial written out, since libraries differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fontgen.llama.model import rope_table
from fontgen.llama.quantised import QuantisedMatrix, QuantisedModel

F = np.float32
_EXACT_COLUMNS = 1040
"""So many products of two numbers up to 127 add up to less than 2**24, all of whose integers float32 holds."""


class ReferenceModel:
    """The forward pass with a KV cache, one token at a time.

    >>> reference = ReferenceModel(quantised)               # doctest: +SKIP
    >>> reference.logits([1, 400, 17]).argmax()             # doctest: +SKIP
    """

    def __init__(self, model: QuantisedModel):
        self.config = config = model.config
        self._rope = rope_table(config)
        self._attention_scale = F(1 / np.sqrt(config.head_size))
        self._matrices = {name: _Matmul(matrix) for name, matrix in model.matrices.items()}
        embedding = model.matrices["tok_embeddings.weight"]
        self._embedding, self._embedding_scales = embedding.integers().astype(F), embedding.scales
        self._norms = model.norms
        shape = (config.n_layers, config.n_kv_heads, config.context_length, config.head_size)
        self._keys, self._values = np.zeros(shape, F), np.zeros(shape, F)
        self._tokens: list[int] = []
        # After each of these tokens, where they were asked for.
        self._logits: list[np.ndarray | None] = []

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow 1 to context_length tokens."""
        known = 0
        while known < min(len(tokens), len(self._tokens)) and tokens[known] == self._tokens[known]:
            known += 1
        if known == len(tokens):
            remembered = self._logits[known - 1]
            if remembered is not None:
                return remembered
            known -= 1
        # Weights near the end of float32's range overflow, here and there.
        with np.errstate(all="ignore"):
            for position in range(known, len(tokens)):
                x = self._forward(tokens[position], position)
            name = "tok_embeddings.weight" if self.config.tied_embeddings else "output.weight"
            normed = rmsnorm(x, self._norms["norm.weight"], self.config.norm_eps)
            logits = self._matrices[name](quantise_activations(normed))
        self._tokens = list(tokens)
        self._logits = self._logits[:known] + [None] * (len(tokens) - known - 1) + [logits]
        return logits

    def _forward(self, token: int, position: int) -> np.ndarray:
        x: np.ndarray = self._embedding[token] * self._embedding_scales[token]
        for layer in range(self.config.n_layers):
            x = x + self._attention(x, layer, position)
            x = x + self._feed_forward(x, layer)
        return x

    def _attention(self, x: np.ndarray, layer: int, position: int) -> np.ndarray:
        config, prefix = self.config, f"layers.{layer}.attention"
        weight = self._norms[prefix + "_norm.weight"]
        normed = quantise_activations(rmsnorm(x, weight, config.norm_eps))
        query, key, value = (
            self._matrices[f"{prefix}.w{letter}.weight"](normed) for letter in "qkv"
        )
        query, key = (rotate(vector, self._rope[position]) for vector in (query, key))
        self._keys[layer, :, position] = key.reshape(config.n_kv_heads, -1)
        self._values[layer, :, position] = value.reshape(config.n_kv_heads, -1)
        group = config.n_heads // config.n_kv_heads
        keys = np.repeat(self._keys[layer, :, : position + 1], group, axis=0)
        values = np.repeat(self._values[layer, :, : position + 1], group, axis=0)
        query = query.reshape(config.n_heads, -1)
        scores: np.ndarray = np.zeros((config.n_heads, position + 1), F)
        for i in range(config.head_size):
            scores = scores + query[:, i, None] * keys[:, :, i]
        weights, totals = softmax(scores * self._attention_scale)
        sums = np.add.accumulate(weights[:, :, None] * values, axis=1, dtype=F)[:, -1]
        attended = sums * (F(1) / totals)[:, None]
        return self._matrices[prefix + ".wo.weight"](quantise_activations(attended.reshape(-1)))

    def _feed_forward(self, x: np.ndarray, layer: int) -> np.ndarray:
        prefix = f"layers.{layer}."
        weight = self._norms[prefix + "ffn_norm.weight"]
        normed = quantise_activations(rmsnorm(x, weight, self.config.norm_eps))
        gate = self._matrices[prefix + "feed_forward.w1.weight"](normed)
        up = self._matrices[prefix + "feed_forward.w3.weight"](normed)
        activated = quantise_activations(swiglu(gate, up))
        return self._matrices[prefix + "feed_forward.w2.weight"](activated)


class _Matmul:
    """`matmul` of the kernels: integer dot products, then two float multiplications.

    BLAS is fast for floats only, but exact on integers whatever its order, as long as no sum leaves those that
    the float type holds: 2**24 in float32, which 1,040 columns of 8 bits cannot reach, and 2**53 in float64.
    """

    def __init__(self, matrix: QuantisedMatrix):
        integers = matrix.integers()
        exact: type = F if matrix.bits == 8 and integers.shape[1] <= _EXACT_COLUMNS else np.float64
        self._integers: np.ndarray = integers.astype(exact)
        self._scales = matrix.scales

    def __call__(self, activations: tuple[np.ndarray, np.float32]) -> np.ndarray:
        vector, scale = activations
        sums = self._integers @ vector.astype(self._integers.dtype)
        return sums.astype(np.int64).astype(F) * (self._scales * scale)


def quantise_activations(x: np.ndarray) -> tuple[np.ndarray, np.float32]:
    """Integers in -127..127 (as float32) and the scale that one of them stands for."""
    largest = np.fmax.reduce(np.abs(x), initial=F(0))
    inverse = F(127) / largest if largest > 0 else F(0)
    return np.rint(_clamp(x * inverse, -127, 127)), largest / F(127)


def rmsnorm(x: np.ndarray, weight: np.ndarray, epsilon: float) -> np.ndarray:
    """RMSNorm (arXiv:1910.07467) of a float32 vector."""
    mean = sum4((x * x)[None])[0] / F(len(x))
    scale = F(1) / np.sqrt(mean + F(epsilon))
    return x * scale * weight


def rotate(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """RoPE (arXiv:2104.09864) of all heads at one position; angles: (head_size / 2, 2), cosine and sine."""
    pairs = x.reshape(-1, len(angles), 2)
    a, b = pairs[..., 0], pairs[..., 1]
    cosine, sine = angles[:, 0], angles[:, 1]
    return np.stack([a * cosine - b * sine, a * sine + b * cosine], axis=-1).reshape(-1)


def softmax(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax of each row, but for its division: e**(score - largest), and their sums."""
    largest = np.fmax.reduce(scores, axis=1, initial=np.finfo(F).min)
    weights = exp(scores - largest[:, None])
    return weights, sum4(weights)


def swiglu(gate: np.ndarray, up: np.ndarray) -> np.ndarray:
    """silu(gate) * up (arXiv:2002.05202), silu(a) = a / (1 + e**-a)."""
    activated: np.ndarray = gate / (F(1) + exp(-gate)) * up
    return activated


def sum4(rows: np.ndarray) -> np.ndarray:
    """Sum of each row in four lanes: element i goes to lane i % 4, then (l0 + l2) + (l1 + l3)."""
    n = rows.shape[-1]
    padded = np.zeros((rows.shape[0], -(-n // 4) * 4), F)
    padded[:, :n] = rows
    # Beginning with a row of zeros, as the engine does: it turns -0 into 0.
    lanes = padded.reshape(len(rows), -1, 4)
    lanes = np.concatenate([np.zeros_like(lanes[:, :1]), lanes], axis=1)
    total = np.add.accumulate(lanes, axis=1, dtype=F)[:, -1]
    return (total[:, 0] + total[:, 2]) + (total[:, 1] + total[:, 3])


def exp(x: np.ndarray) -> np.ndarray:
    """e**x, x clamped to -87..88: 2**n times a polynomial (Cephes, expf.c), as `exp4` in wasm/llama/vector.h."""
    x = _clamp(x, -87, 88)
    n: np.ndarray = np.rint(x * F(1.44269504088896341))
    r: np.ndarray = x - n * F(0.693359375)
    r = r - n * F(-2.12194440e-4)
    p: np.ndarray = np.full_like(r, F(1.9875691500e-4))
    for coefficient in (
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    ):
        p = p * r + F(coefficient)
    p = p * (r * r) + r + F(1)
    return p * ((n.astype(np.int32) + 127) << 23).view(F)


def _clamp(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Within [low, high]; NaN becomes low, which `np.clip` would keep."""
    x = np.where(x > F(low), x, F(low))
    return np.where(x < F(high), x, F(high))
