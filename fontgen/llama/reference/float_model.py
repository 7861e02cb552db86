"""The Llama transformer in NumPy float32 without any quantisation: what the checkpoint itself says.

The yardstick for what 8 bits cost, and the other end of the comparison with onnxruntime. It uses `@` and
`np.exp`, so it agrees with other programs to rounding, not bit for bit; `model` is the one that does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fontgen.llama.model import Model
from fontgen.llama.tables import rope_table


class FloatModel:
    """The forward pass with a KV cache; a growing list of tokens costs one position each."""

    def __init__(self, model: Model):
        self._model = model
        self._config = config = model.config
        self._rope = rope_table(config)
        shape = (config.n_layers, config.n_kv_heads, config.context_length, config.head_size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._tokens: list[int] = []

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow 1 to context_length tokens."""
        known = 0
        while (
            known < min(len(tokens) - 1, len(self._tokens)) and tokens[known] == self._tokens[known]
        ):
            known += 1
        x = self.hidden(tokens[known:], known)[-1]
        self._tokens = list(tokens)
        return self._classifier @ x

    def all_logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (n, vocab_size): the logits after each of the tokens."""
        self._tokens = list(tokens)
        return self.hidden(tokens, 0) @ self._classifier.T

    @property
    def _classifier(self) -> np.ndarray:
        tied = self._config.tied_embeddings
        return self._model.tensors["tok_embeddings.weight" if tied else "output.weight"]

    def hidden(self, tokens: Sequence[int], start: int) -> np.ndarray:
        """float32 (n, dim): what the classifier gets for tokens at positions ``start`` and on."""
        tensors, config = self._model.tensors, self._config
        positions = np.arange(start, start + len(tokens))
        x = tensors["tok_embeddings.weight"][np.asarray(tokens)]
        for layer in range(config.n_layers):
            prefix = f"layers.{layer}."
            normed = self._rmsnorm(x, tensors[prefix + "attention_norm.weight"])
            x = x + self._attention(normed, layer, positions)
            normed = self._rmsnorm(x, tensors[prefix + "ffn_norm.weight"])
            gate = normed @ tensors[prefix + "feed_forward.w1.weight"].T
            up = normed @ tensors[prefix + "feed_forward.w3.weight"].T
            hidden = gate / (1 + np.exp(-gate)) * up
            x = x + hidden @ tensors[prefix + "feed_forward.w2.weight"].T
        return self._rmsnorm(x, tensors["norm.weight"])

    def _rmsnorm(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        mean = (x * x).mean(axis=-1, keepdims=True)
        return x / np.sqrt(mean + np.float32(self._config.norm_eps)) * weight

    def _attention(self, x: np.ndarray, layer: int, positions: np.ndarray) -> np.ndarray:
        config, prefix, n = self._config, f"layers.{layer}.attention.", len(x)
        tensors = self._model.tensors
        query, key, value = (
            (x @ tensors[f"{prefix}w{letter}.weight"].T).reshape(n, -1, config.head_size)
            for letter in "qkv"
        )
        query, key = (self._rotate(heads, positions) for heads in (query, key))
        self._keys[layer][:, positions] = key.transpose(1, 0, 2)
        self._values[layer][:, positions] = value.transpose(1, 0, 2)
        length, group = positions[-1] + 1, config.n_heads // config.n_kv_heads
        keys = np.repeat(self._keys[layer, :, :length], group, axis=0)
        values = np.repeat(self._values[layer, :, :length], group, axis=0)
        scores = query.transpose(1, 0, 2) @ keys.transpose(0, 2, 1)
        scores = scores / np.float32(np.sqrt(config.head_size))
        future = np.arange(length) > positions[:, None]
        scores = np.where(future, np.float32(-np.inf), scores)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = weights / weights.sum(axis=-1, keepdims=True)
        attended = (weights @ values).transpose(1, 0, 2).reshape(n, -1)
        return attended @ tensors[prefix + "wo.weight"].T

    def _rotate(self, heads: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """RoPE of float32 (n, heads, head_size) at the positions."""
        cosine, sine = (self._rope[positions][:, None, :, i] for i in (0, 1))
        a, b = heads[..., 0::2], heads[..., 1::2]
        return np.stack([a * cosine - b * sine, a * sine + b * cosine], -1).reshape(heads.shape)


def nats_per_token(logits: np.ndarray, targets: Sequence[int]) -> float:
    """Mean cross entropy of logits (n, vocab_size) against the tokens that came next, in nats."""
    logits = logits.astype(np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_totals = np.log(np.exp(shifted).sum(axis=-1))
    return float((log_totals - shifted[np.arange(len(targets)), np.asarray(targets)]).mean())
