"""The Llama transformer in NumPy float32 without any quantisation: what the checkpoint itself says.

`Transformer` runs many sequences at once, in parts, so that the quantiser sees each matrix's input. `FloatModel`
runs one, token by token: the yardstick for what 8 bits cost, and the other end of the comparison with onnxruntime.
Both use `@` and `np.exp`, so they agree with other programs to rounding, not bit for bit;
`fontgen.llama.reference.numpy_model` is the one that does. Arrays are float32 (sequences, positions, width).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fontgen.llama.model import Model, ModelConfig, rope_table

SEQUENCES_AT_ONCE = 8
"""Attention of so many sequences is computed at a time; the scores of all would need gigabytes."""


class Transformer:
    """The parts of a forward pass over some weights.

    Args:
        config: hyper-parameters.
        tensors: weights by name; may be replaced between calls, which the quantiser does.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, np.ndarray]):
        self.config = config
        self.tensors = tensors
        self._rope = rope_table(config)

    def embed(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens int (sequences, positions) to the residual stream."""
        return self.tensors["tok_embeddings.weight"][tokens]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        """RMSNorm (arXiv:1910.07467) with the named weight."""
        mean = (x * x).mean(axis=-1, keepdims=True)
        return x / np.sqrt(mean + np.float32(self.config.norm_eps)) * self.tensors[name]

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        """x times the transpose of a weight."""
        weight = self.tensors[name]
        return (x.reshape(-1, x.shape[-1]) @ weight.T).reshape(*x.shape[:-1], len(weight))

    def attend(
        self, normed: np.ndarray, layer: int, cache: KeyValueCache | None = None
    ) -> np.ndarray:
        """What attention gives to ``wo``, for sequences that begin at position 0 or go on from a cache."""
        if cache is not None:
            query, key, value = self.heads(normed, layer, cache.length)
            return self.mix(query, *cache.put(layer, key, value))
        result = np.empty((*normed.shape[:-1], self.config.dim), np.float32)
        for start in range(0, len(normed), SEQUENCES_AT_ONCE):
            some = slice(start, start + SEQUENCES_AT_ONCE)
            query, key, value = self.heads(normed[some], layer, 0)
            result[some] = self.mix(query, key, value)
        return result

    def heads(
        self, normed: np.ndarray, layer: int, start: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Queries, keys, values: (sequences, heads, positions, head_size), RoPE applied."""
        angles = self._rope[start : start + normed.shape[1]]
        query, key, value = (x.transpose(0, 2, 1, 3) for x in self.project(normed, layer))
        return rotate(query, angles), rotate(key, angles), value

    def project(self, normed: np.ndarray, layer: int) -> tuple[np.ndarray, ...]:
        """Queries, keys, values of a layer for (..., dim): each (..., heads, head_size), without RoPE."""
        shape = (*normed.shape[:-1], -1, self.config.head_size)
        names = (f"layers.{layer}.attention.w{letter}.weight" for letter in "qkv")
        return tuple(self.linear(normed, name).reshape(shape) for name in names)

    def mix(self, query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Causal attention of the last positions over all (arXiv:1706.03762), heads side by side.

        query: (sequences, n_heads, n, head_size); key, value: (sequences, n_kv_heads, m >= n,
            head_size).
        Returns (sequences, n, dim).
        """
        sequences, n_heads, n, size = query.shape
        groups, length = key.shape[1], key.shape[2]
        query = query.reshape(sequences, groups, n_heads // groups, n, size)
        scores = query @ key[:, :, None].swapaxes(-1, -2) * np.float32(1 / np.sqrt(size))
        if n > 1:
            future = np.arange(length) > np.arange(length - n, length)[:, None]
            scores += np.where(future, np.float32(-np.inf), np.float32(0))
        scores -= scores.max(axis=-1, keepdims=True)
        weights = np.exp(scores, out=scores)
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value[:, :, None]).reshape(sequences, n_heads, n, size)
        return mixed.transpose(0, 2, 1, 3).reshape(sequences, n, -1)

    def activate(self, normed: np.ndarray, layer: int) -> np.ndarray:
        """What SwiGLU (arXiv:2002.05202) gives to ``w2``."""
        prefix = f"layers.{layer}.feed_forward."
        gate = self.linear(normed, prefix + "w1.weight")
        with np.errstate(over="ignore"):  # exp may be infinite, and its inverse 0, as it should be
            gate /= 1 + np.exp(-gate)
        gate *= self.linear(normed, prefix + "w3.weight")
        return gate

    def forward(self, tokens: np.ndarray, cache: KeyValueCache | None = None) -> np.ndarray:
        """What the classifier gets, (sequences, positions, dim): for whole sequences of tokens int (sequences,
        positions), or for those that come after what a cache holds, which then holds them, too."""
        result = self.through(tokens, lambda normed, layer: self.attend(normed, layer, cache))
        if cache is not None:
            cache.length += tokens.shape[1]
        return result

    def through(
        self, tokens: np.ndarray, attend: Callable[[np.ndarray, int], np.ndarray]
    ) -> np.ndarray:
        """What the classifier gets, (..., dim), for tokens int (...), with attention of the caller's:
        of normalised inputs (..., dim) and a layer, what ``wo`` gets."""
        x = self.embed(tokens)
        for layer in range(self.config.n_layers):
            prefix = f"layers.{layer}."
            attended = attend(self.norm(x, prefix + "attention_norm.weight"), layer)
            x = x + self.linear(attended, prefix + "attention.wo.weight")
            hidden = self.activate(self.norm(x, prefix + "ffn_norm.weight"), layer)
            x = x + self.linear(hidden, prefix + "feed_forward.w2.weight")
        return self.norm(x, "norm.weight")

    def classify(self, x: np.ndarray) -> np.ndarray:
        """Logits (..., vocab_size)."""
        return self.linear(x, self.classifier)

    @property
    def classifier(self) -> str:
        """Name of the tensor that makes logits."""
        return "tok_embeddings.weight" if self.config.tied_embeddings else "output.weight"


class KeyValueCache:
    """Keys and values of the first ``length`` positions of some sequences; setting it lower forgets the rest."""

    def __init__(self, config: ModelConfig, sequences: int, positions: int):
        shape = (config.n_layers, sequences, config.n_kv_heads, positions, config.head_size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.length = 0

    def put(self, layer: int, key: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Store a layer's next (sequences, n_kv_heads, n, head_size); returns all up to these."""
        end = self.length + key.shape[2]
        self._keys[layer, :, :, self.length : end] = key
        self._values[layer, :, :, self.length : end] = value
        return self._keys[layer, :, :, :end], self._values[layer, :, :, :end]


class FloatModel:
    """One text at a time, with a KV cache; a growing list of tokens costs one position each."""

    def __init__(self, model: Model):
        self._transformer = Transformer(model.config, model.tensors)
        self._cache = KeyValueCache(model.config, 1, model.config.context_length)
        self._tokens: list[int] = []

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow 1 to context_length tokens."""
        known = 0
        most = min(len(tokens) - 1, len(self._tokens))
        while known < most and tokens[known] == self._tokens[known]:
            known += 1
        self._cache.length = known
        hidden = self._transformer.forward(np.asarray(tokens)[None, known:], self._cache)
        self._tokens = list(tokens)
        return self._transformer.classify(hidden[0, -1])

    def all_logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (n, vocab_size): the logits after each of the tokens."""
        return self._transformer.classify(self._transformer.forward(np.asarray(tokens)[None])[0])


def rotate(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """RoPE (arXiv:2104.09864): the pairs of each head, turned.

    x: float32 (..., head_size). angles: (..., head_size / 2, 2), cosine and sine, as broadcast to it.
    """
    cosine, sine = angles[..., 0], angles[..., 1]
    result = np.empty(x.shape, np.float32)
    a, b = x[..., 0::2], x[..., 1::2]
    result[..., 0::2] = a * cosine - b * sine
    result[..., 1::2] = a * sine + b * cosine
    return result
