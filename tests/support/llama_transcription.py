"""Llama in float64, straight from the papers: loops, complex rotations, no cache, no speed.

The tests' own oracle; the product does not use it.
"""

from __future__ import annotations

import math

import numpy as np

from fontgen.llama.model import Model


class Transcription:
    """One pass over a text; `weights` are float64, by the names of `fontgen.llama.model`."""

    def __init__(self, model: Model, *, halves: bool):
        self.config, self.halves = model.config, halves
        self.weights = {name: tensor.astype(np.float64) for name, tensor in model.tensors.items()}
        self.keys: dict[tuple[int, int], np.ndarray] = {}
        self.values: dict[tuple[int, int], np.ndarray] = {}

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x * x).mean() + self.config.norm_eps) * self.weights[name]

    def rotate(self, x: np.ndarray, position: int) -> np.ndarray:
        size = self.config.head_size
        if self.halves:
            pairs = x.reshape(-1, 2, size // 2).swapaxes(1, 2)
        else:
            pairs = x.reshape(-1, size // 2, 2)
        turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(
            1j * position * self.config.rope_theta ** (-np.arange(0, size, 2) / size)
        )
        return np.stack([turned.real, turned.imag], 1 if self.halves else -1).reshape(-1, size)

    def attention(self, y: np.ndarray, layer: int, position: int) -> np.ndarray:
        size, group = self.config.head_size, self.config.n_heads // self.config.n_kv_heads
        wq, wk, wv, wo = (
            self.weights[f"layers.{layer}.attention.{name}.weight"]
            for name in ("wq", "wk", "wv", "wo")
        )
        queries = self.rotate(wq @ y, position)
        self.keys[layer, position] = self.rotate(wk @ y, position)
        self.values[layer, position] = (wv @ y).reshape(-1, size)
        heads = []
        for head in range(self.config.n_heads):
            seen = [self.keys[layer, at][head // group] for at in range(position + 1)]
            scores = np.array([queries[head] @ key / math.sqrt(size) for key in seen])
            share = np.exp(scores - scores.max())
            share /= share.sum()
            heads.append(
                sum(part * self.values[layer, at][head // group] for at, part in enumerate(share))
            )
        return wo @ np.concatenate(heads)

    def feed_forward(self, y: np.ndarray, layer: int) -> np.ndarray:
        w1, w2, w3 = (
            self.weights[f"layers.{layer}.feed_forward.{name}.weight"]
            for name in ("w1", "w2", "w3")
        )
        gate = w1 @ y
        return w2 @ (gate / (1 + np.exp(-gate)) * (w3 @ y))

    def logits(self, token: int, position: int) -> np.ndarray:
        x = self.weights["tok_embeddings.weight"][token]
        for layer in range(self.config.n_layers):
            x = x + self.attention(
                self.norm(x, f"layers.{layer}.attention_norm.weight"), layer, position
            )
            x = x + self.feed_forward(self.norm(x, f"layers.{layer}.ffn_norm.weight"), layer)
        classifier = self.weights.get("output.weight", self.weights["tok_embeddings.weight"])
        return classifier @ self.norm(x, "norm.weight")


def transcription(model: Model, tokens: list[int], *, halves: bool = False) -> np.ndarray:
    """Logits (n, vocab_size) after each token.

    ``halves`` turns element ``i`` of a head with ``i + head_size / 2``, as Hugging Face's
    modeling_llama.py does, rather than with its neighbour.
    """
    text = Transcription(model, halves=halves)
    return np.array([text.logits(token, position) for position, token in enumerate(tokens)])
