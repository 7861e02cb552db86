"""Llama in float64, straight from the papers: loops, complex rotations, no cache, no speed.

The tests' own oracle; the product does not use it.
"""

from __future__ import annotations

import math

import numpy as np

from fontgen.llama.model import Model


def transcription(model: Model, tokens: list[int], *, halves: bool = False) -> np.ndarray:
    """Logits (n, vocab_size) after each token.

    ``halves`` turns element ``i`` of a head with ``i + head_size / 2``, as Hugging Face's
    modeling_llama.py does, rather than with its neighbour.
    """
    config = model.config
    weights = {name: tensor.astype(np.float64) for name, tensor in model.tensors.items()}
    size, group = config.head_size, config.n_heads // config.n_kv_heads

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x * x).mean() + config.norm_eps) * weights[name]

    def rotate(x: np.ndarray, position: int) -> np.ndarray:
        if halves:
            pairs = x.reshape(-1, 2, size // 2).swapaxes(1, 2)
        else:
            pairs = x.reshape(-1, size // 2, 2)
        turned = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(
            1j * position * config.rope_theta ** (-np.arange(0, size, 2) / size)
        )
        return np.stack([turned.real, turned.imag], 1 if halves else -1).reshape(-1, size)

    keys: dict[tuple[int, int], np.ndarray] = {}
    values: dict[tuple[int, int], np.ndarray] = {}
    rows = []
    for position, token in enumerate(tokens):
        x = weights["tok_embeddings.weight"][token]
        for layer in range(config.n_layers):
            matrix = {
                name: weights[f"layers.{layer}.{where}.{name}.weight"]
                for where, names in (
                    ("attention", ("wq", "wk", "wv", "wo")),
                    ("feed_forward", ("w1", "w2", "w3")),
                )
                for name in names
            }
            y = norm(x, f"layers.{layer}.attention_norm.weight")
            queries = rotate(matrix["wq"] @ y, position)
            keys[layer, position] = rotate(matrix["wk"] @ y, position)
            values[layer, position] = (matrix["wv"] @ y).reshape(-1, size)
            heads = []
            for head in range(config.n_heads):
                scores = np.array(
                    [
                        queries[head] @ keys[layer, at][head // group] / math.sqrt(size)
                        for at in range(position + 1)
                    ]
                )
                share = np.exp(scores - scores.max())
                share /= share.sum()
                heads.append(
                    sum(part * values[layer, at][head // group] for at, part in enumerate(share))
                )
            x = x + matrix["wo"] @ np.concatenate(heads)
            y = norm(x, f"layers.{layer}.ffn_norm.weight")
            gate = matrix["w1"] @ y
            x = x + matrix["w2"] @ (gate / (1 + np.exp(-gate)) * (matrix["w3"] @ y))
        classifier = weights.get("output.weight", weights["tok_embeddings.weight"])
        rows.append(classifier @ norm(x, "norm.weight"))
    return np.array(rows)
