"""Which token comes next, given the logits."""

from __future__ import annotations

import numpy as np


def greedy(logits: np.ndarray) -> int:
    """The most likely token, the first of equals."""
    return int(np.argmax(logits))
