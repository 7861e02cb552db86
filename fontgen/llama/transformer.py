"""The Llama transformer over many sequences at once, in parts, so that each matrix's input shows.

The same arithmetic as `fontgen.llama.reference.float_model`, to rounding; that one runs a single
sequence. Arrays are float32 (sequences, positions, width).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fontgen.llama.model import ModelConfig

SEQUENCES_AT_ONCE = 8
"""Attention of so many sequences is computed at a time; the scores of all would need gigabytes."""


class Transformer:
    """The parts of a forward pass over some weights.

    Args:
        config: hyper-parameters.
        tensors: weights by name; may be replaced between calls, which the quantiser does.
    """

    def __init__(self, config: ModelConfig, tensors: Mapping[str, np.ndarray]):
        from fontgen.llama.tables import rope_table  # which imports the quantiser

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

    def attend(self, normed: np.ndarray, layer: int) -> np.ndarray:
        """What attention gives to ``wo``, for sequences that begin at position 0."""
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
        prefix, positions = f"layers.{layer}.attention.", normed.shape[1]
        angles = self._rope[start : start + positions]
        result = []
        for letter in "qkv":
            x = self.linear(normed, f"{prefix}w{letter}.weight")
            x = x.reshape(len(x), positions, -1, self.config.head_size).transpose(0, 2, 1, 3)
            result.append(x if letter == "v" else _rotate(x, angles))
        return result[0], result[1], result[2]

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

    def forward(self, tokens: np.ndarray) -> np.ndarray:
        """What the classifier gets: (sequences, positions, dim) for whole sequences of tokens."""
        x = self.embed(tokens)
        for layer in range(self.config.n_layers):
            prefix = f"layers.{layer}."
            attended = self.attend(self.norm(x, prefix + "attention_norm.weight"), layer)
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


class Generator:
    """Runs sequences position by position with a KV cache."""

    def __init__(self, transformer: Transformer, sequences: int, length: int):
        config = transformer.config
        self._transformer = transformer
        shape = (config.n_layers, sequences, config.n_kv_heads, length, config.head_size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._position = 0

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """Take one token of each sequence; returns what the classifier gets, (sequences, dim)."""
        transformer, position = self._transformer, self._position
        x = transformer.embed(tokens[:, None])
        for layer in range(transformer.config.n_layers):
            prefix = f"layers.{layer}."
            normed = transformer.norm(x, prefix + "attention_norm.weight")
            query, key, value = transformer.heads(normed, layer, position)
            self._keys[layer, :, :, position : position + 1] = key
            self._values[layer, :, :, position : position + 1] = value
            known = slice(0, position + 1)
            mixed = transformer.mix(
                query, self._keys[layer, :, :, known], self._values[layer, :, :, known]
            )
            x = x + transformer.linear(mixed, prefix + "attention.wo.weight")
            hidden = transformer.activate(transformer.norm(x, prefix + "ffn_norm.weight"), layer)
            x = x + transformer.linear(hidden, prefix + "feed_forward.w2.weight")
        self._position += 1
        return transformer.norm(x, "norm.weight")[:, 0]


def _rotate(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """RoPE (arXiv:2104.09864); angles: (positions, head_size / 2, 2), cosine and sine."""
    cosine, sine = angles[..., 0], angles[..., 1]
    result = np.empty(x.shape, np.float32)
    a, b = x[..., 0::2], x[..., 1::2]
    result[..., 0::2] = a * cosine - b * sine
    result[..., 1::2] = a * sine + b * cosine
    return result
