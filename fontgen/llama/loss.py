"""Cross-entropy, the one figure by which models and quantisers are compared here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROWS_AT_ONCE = 256
"""In double precision the logits of all positions would take gigabytes."""


def cross_entropy(logits: np.ndarray, targets: Sequence[int] | np.ndarray) -> np.ndarray:
    """float64 (n,): -ln p, in nats, of each target under float logits (n, vocab_size)."""
    targets = np.asarray(targets, np.int64)
    nats = np.empty(len(targets))
    for start in range(0, len(targets), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        shifted = logits[some].astype(np.float64)
        shifted -= shifted.max(axis=-1, keepdims=True)
        chosen = shifted[np.arange(len(shifted)), targets[some]]
        nats[some] = np.log(np.exp(shifted).sum(axis=-1)) - chosen
    return nats
