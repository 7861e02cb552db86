"""Which token comes next: the most likely one, or one drawn at random, as wasm/llama/sampler.c does it.

A draw depends on the tokens before it and on the options, on nothing else: the random number is a hash of
them, so a text looks the same every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fontgen.llama.marks import TAGS
from fontgen.llama.reference.numpy_model import F, exp, sum4
from fontgen.llama.tables import NO_TOKEN

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Options:
    """How a token is chosen.

    temperature: in hundredths; 0 takes the most likely token. seed: any number below 2**32.
    top_k: samples among so many most likely tokens; 0 is all. top_p: among the most likely tokens that have
    so many hundredths of the probability (Holtzman et al. 2019, arXiv:1904.09751); 0 is all.
    boundaries: whether a mark shows where a token begins.
    """

    temperature: int = 0
    seed: int = 0
    top_k: int = 0
    top_p: int = 0
    boundaries: int = 0


def options_at(features: dict[str, list[tuple[int, int, int]]], cluster: int) -> Options:
    """The options that OpenType features, as ``{tag: [(start, end, value)]}``, set for a cluster."""
    values: dict[str, int] = {}
    for tag, name in TAGS.items():
        for start, end, value in features.get(tag, ()):
            if start <= cluster < end:
                values[name] = value
    if "temperature" not in values and any(values.get(name) for name in ("seed", "top_k", "top_p")):
        values["temperature"] = 100
    return Options(**values)


def sample(
    logits: np.ndarray, tokens: Sequence[int], options: Options, rejected: Sequence[int] = ()
) -> int:
    """The token after ``tokens``, whose logits are float32 (vocab_size,); none of the rejected ones."""
    allowed = np.ones(len(logits), bool)
    allowed[list(rejected)] = False
    candidates = np.flatnonzero(allowed)
    if options.temperature == 0:
        return int(candidates[np.argmax(logits[candidates])])
    with np.errstate(all="ignore"):
        inverse = F(100) / F(options.temperature)
        weights = exp((logits - logits[candidates].max()) * inverse)
    weights[~allowed] = 0
    total = sum4(weights[None])[0]
    order = candidates[np.argsort(-weights[candidates], kind="stable")]
    sums = np.add.accumulate(weights[order], dtype=F)
    random = F(_random(tokens, options, rejected) >> 40) * F(2**-24)
    restricted = 0 < options.top_k < len(order) or 0 < options.top_p < 100
    kept = len(order)
    if 0 < options.top_k < kept:
        kept = options.top_k
    if 0 < options.top_p < 100:
        limit = total * (F(options.top_p) / F(100))
        reached = np.flatnonzero(sums >= limit)
        kept = min(kept, int(reached[0]) + 1 if len(reached) else kept)
    target = random * (sums[kept - 1] if restricted else total)
    beyond = np.flatnonzero(sums[:kept] > target)
    return int(order[beyond[0] if len(beyond) else kept - 1])


def greedy(logits: np.ndarray) -> int:
    """The most likely token, the first of equals."""
    return int(np.argmax(logits))


def _random(tokens: Sequence[int], options: Options, rejected: Sequence[int]) -> int:
    """64 random bits for all that a draw depends on."""
    drawn_with = (NO_TOKEN, options.temperature, options.seed, options.top_k, options.top_p)
    return _splitmix64(_hash(rejected, _hash(drawn_with, _hash(tokens))))


def _hash(numbers: Iterable[int], start: int = 0x243F6A8885A308D3) -> int:
    for number in numbers:
        start = _splitmix64(((start ^ number) + 0x9E3779B97F4A7C15) & _MASK)
    return start


def _splitmix64(z: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _MASK
    return z ^ z >> 31
