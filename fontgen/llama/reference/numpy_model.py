"""The Llama transformer in NumPy float32, in the engine's order of operations, bit for bit.

Three things make that possible. Dot products of weights are sums of integers, exact in any order. Every float
sum has a fixed order: four lanes for squares and softmax denominators, one after the other for the rest, never
`np.sum` or `np.dot`, which reorder. And `exp` is a polynomial written out, since libraries differ.

Positions are computed many at once, where it is known which: that changes no operation and no order, and shares the
work of turning the weights into floats. Arrays are float32 (positions, width) unless something else is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fontgen.llama.model import rope_table
from fontgen.llama.quantised import QuantisedMatrix, QuantisedModel

F = np.float32
POSITIONS_AT_ONCE = 64
LARGEST_HALF = 65504
_EXACT_COLUMNS = 1040
"""So many products of two numbers up to 127 add up to less than 2**24, all of whose integers float32 holds."""
_KEPT_PARAMETERS = 1 << 25
"""Weights of a model of more parameters are turned into floats whenever they are used, and not kept as such."""
_ROWS_AT_ONCE = 4096
"""So many rows of a matrix are floats at a time then."""


class ReferenceModel:
    """The forward pass with a KV cache.

    >>> reference = ReferenceModel(quantised)               # doctest: +SKIP
    >>> reference.logits([1, 400, 17]).argmax()             # doctest: +SKIP
    """

    def __init__(self, model: QuantisedModel):
        self.config = config = model.config
        self._rope = rope_table(config)
        self._attention_scale = F(1 / np.sqrt(config.head_size))
        kept = model.n_parameters <= _KEPT_PARAMETERS
        self._matrices = {name: _Matmul(matrix, kept) for name, matrix in model.matrices.items()}
        self._embedding = model.matrices["tok_embeddings.weight"]
        self._norms = model.norms
        shape = (config.n_layers, config.n_kv_heads)
        self._keys = np.zeros((*shape, config.head_size, config.context_length), F)
        self._values = np.zeros((*shape, config.context_length, config.head_size), F)
        self._tokens: list[int] = []
        self._logits: dict[int, np.ndarray] = {}  # by the number of tokens that they follow
        self._expected: list[int] = []

    def expect(self, tokens: Sequence[int]) -> None:
        """A guess at what `logits` will be asked for, one token after the other: where it turns out right, many of
        them are computed at once. It changes no bit of any answer."""
        self._expected = list(tokens)

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow 1 to context_length tokens."""
        tokens, n = list(tokens), len(tokens)
        known = _common(tokens, self._tokens)
        if known == n and n in self._logits:
            return self._logits[n]
        known = min(known, n - 1)
        if self._expected[:n] == tokens:
            tokens += self._expected[n : min(n + POSITIONS_AT_ONCE - 1, self.config.context_length)]
        # Weights near the end of float32's range overflow, here and there.
        with np.errstate(all="ignore"):
            x = np.concatenate(list(self._forward_from(known, tokens)))[n - 1 - known :]
            name = "tok_embeddings.weight" if self.config.tied_embeddings else "output.weight"
            normed = rmsnorm(x, self._norms["norm.weight"], self.config.norm_eps)
            logits = self._matrices[name](quantise_activations(normed))
        self._tokens = tokens
        self._logits = dict(enumerate(logits, n))
        return self._logits[n]

    def _forward_from(self, known: int, tokens: list[int]) -> Iterator[np.ndarray]:
        """What the classifier wants, for all positions that are not known, some at a time."""
        for start in range(known, len(tokens), POSITIONS_AT_ONCE):
            some = tokens[start : start + POSITIONS_AT_ONCE]
            x = np.stack([self._embed(token) for token in some])
            for layer in range(self.config.n_layers):
                x = x + self._attention(x, layer, start)
                x = x + self._feed_forward(x, layer)
            yield x

    def _embed(self, token: int) -> np.ndarray:
        weights: np.ndarray = self._embedding.integers(token, F) * self._embedding.scales[token]
        return weights

    def _attention(self, x: np.ndarray, layer: int, start: int) -> np.ndarray:
        config, prefix, n = self.config, f"layers.{layer}.attention", len(x)
        end, heads, size = start + n, config.n_kv_heads, config.head_size
        weight = self._norms[prefix + "_norm.weight"]
        normed = quantise_activations(rmsnorm(x, weight, config.norm_eps))
        query, key, value = (
            self._matrices[f"{prefix}.w{letter}.weight"](normed) for letter in "qkv"
        )
        query, key = (rotate(vectors, self._rope[start:end]) for vectors in (query, key))
        if config.kv_cache_bits == 16:
            key, value = to_half_and_back(key), to_half_and_back(value)
        self._keys[layer, :, :, start:end] = key.reshape(n, heads, size).transpose(1, 2, 0)
        self._values[layer, :, start:end] = value.reshape(n, heads, size).transpose(1, 0, 2)
        query = query.reshape(n, heads, -1, size).transpose(1, 2, 0, 3)
        attended = self._attend(query, self._keys[layer, :, :, :end], self._values[layer, :, :end])
        joined = attended.transpose(2, 0, 1, 3).reshape(n, -1)
        return self._matrices[prefix + ".wo.weight"](quantise_activations(joined))

    def _attend(self, query: np.ndarray, keys: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Causal attention of the last positions; grouped queries, each (heads, group, positions, head_size) long.

        keys: (heads, head_size, all positions). values: (heads, all positions, head_size).
        """
        n, end = query.shape[2], values.shape[1]
        scores: np.ndarray = np.zeros((*query.shape[:3], end), F)
        for i in range(self.config.head_size):
            scores = scores + query[..., i, None] * keys[:, None, None, i]
        seen = np.arange(end) <= np.arange(end - n, end)[:, None]
        weights, totals = softmax(scores * self._attention_scale, seen)
        sums: np.ndarray = np.zeros(query.shape, F)
        for t in range(end):
            first = max(t - (end - n), 0)  # of the positions that see this one
            sums[:, :, first:] += weights[:, :, first:, t, None] * values[:, None, None, t]
        return sums * (F(1) / totals)[..., None]

    def _feed_forward(self, x: np.ndarray, layer: int) -> np.ndarray:
        prefix = f"layers.{layer}."
        weight = self._norms[prefix + "ffn_norm.weight"]
        normed = quantise_activations(rmsnorm(x, weight, self.config.norm_eps))
        gate = self._matrices[prefix + "feed_forward.w1.weight"](normed)
        up = self._matrices[prefix + "feed_forward.w3.weight"](normed)
        activated = quantise_activations(swiglu(gate, up))
        return self._matrices[prefix + "feed_forward.w2.weight"](activated)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two lists begin with alike."""
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


class _Matmul:
    """`matmul` of the kernels: integer dot products, then two float multiplications.

    BLAS is fast for floats only, but exact on integers whatever its order, as long as no sum leaves those that
    the float type holds: 2**24 in float32, which 1,040 columns of 8 bits cannot reach, and 2**53 in float64.
    """

    def __init__(self, matrix: QuantisedMatrix, kept: bool):
        self._matrix = matrix
        self._type: type = F if matrix.bits == 8 else np.float64
        self._kept = list(self._blocks()) if kept else None

    def _blocks(self) -> Iterator[np.ndarray]:
        """The integers as floats, some rows at a time."""
        for start in range(0, len(self._matrix.scales), _ROWS_AT_ONCE):
            yield self._matrix.integers(slice(start, start + _ROWS_AT_ONCE), self._type)

    def __call__(self, activations: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """float32 (positions, rows)."""
        vectors, scales = activations
        vectors = vectors.astype(self._type)
        blocks = self._kept if self._kept is not None else self._blocks()
        # float32 of integers, as the engine rounds them.
        sums = np.concatenate([self._sums(vectors, block).astype(F) for block in blocks], axis=1)
        sums += F(0)  # an integer has no -0
        return sums * (self._matrix.scales * scales[:, None])

    def _sums(self, vectors: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Integer dot products, (positions, rows), as floats that hold them."""
        columns = vectors.shape[1]
        if self._type is np.float64 or columns <= _EXACT_COLUMNS:
            return vectors @ block.T
        total: np.ndarray = np.zeros((len(vectors), len(block)), np.float64)
        for start in range(0, columns, _EXACT_COLUMNS):
            some = slice(start, start + _EXACT_COLUMNS)
            total += vectors[:, some] @ block[:, some].T
        return total


def quantise_activations(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers in -127..127 (as float32), and for each position the scale that one of them stands for."""
    largest = np.fmax.reduce(np.abs(x), axis=1, initial=F(0))
    inverse = np.where(largest > 0, F(127) / largest, F(0))
    return np.rint(_clamp(x * inverse[:, None], -127, 127)), largest / F(127)


def to_half_and_back(x: np.ndarray) -> np.ndarray:
    """What a float16 remembers of a float: rounded to nearest even, the largest finite one for what is larger."""
    return _clamp(x, -LARGEST_HALF, LARGEST_HALF).astype(np.float16).astype(F)


def rmsnorm(x: np.ndarray, weight: np.ndarray, epsilon: float) -> np.ndarray:
    """RMSNorm (arXiv:1910.07467)."""
    mean = sum4(x * x) / F(x.shape[1])
    scale = F(1) / np.sqrt(mean + F(epsilon))
    return x * scale[:, None] * weight


def rotate(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """RoPE (arXiv:2104.09864) of all heads; angles: (positions, head_size / 2, 2), cosine and sine."""
    pairs = x.reshape(len(x), -1, angles.shape[1], 2)
    a, b = pairs[..., 0], pairs[..., 1]
    cosine, sine = angles[:, None, :, 0], angles[:, None, :, 1]
    return np.stack([a * cosine - b * sine, a * sine + b * cosine], axis=-1).reshape(x.shape)


def softmax(scores: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax over the last axis, but for its division: e**(score - largest), and their sums.

    seen: bool (positions, all positions), where a position may look; elsewhere the result is 0.
    """
    lowest = np.finfo(F).min
    largest = np.fmax.reduce(np.where(seen, scores, lowest), axis=-1, initial=lowest)
    weights: np.ndarray = np.where(seen, exp(scores - largest[..., None]), F(0))
    return weights, sum4(weights)


def swiglu(gate: np.ndarray, up: np.ndarray) -> np.ndarray:
    """silu(gate) * up (arXiv:2002.05202), silu(a) = a / (1 + e**-a)."""
    activated: np.ndarray = gate / (F(1) + exp(-gate)) * up
    return activated


def sum4(rows: np.ndarray) -> np.ndarray:
    """Sum over the last axis in four lanes: element i goes to lane i % 4, then (l0 + l2) + (l1 + l3)."""
    n = rows.shape[-1]
    # Beginning with zeros, as the engine does, which turns -0 into 0; and padded with some.
    padded: np.ndarray = np.zeros((*rows.shape[:-1], 4 + -(-n // 4) * 4), F)
    padded[..., 4 : 4 + n] = rows
    lanes = padded.reshape(*rows.shape[:-1], -1, 4)
    total = np.add.accumulate(lanes, axis=-2, dtype=F)[..., -1, :]
    return (total[..., 0] + total[..., 2]) + (total[..., 1] + total[..., 3])


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
