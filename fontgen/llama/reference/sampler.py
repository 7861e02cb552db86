"""Which token comes next: the most likely one, or one drawn at random, as wasm/llama/sampler.c does it.

A draw depends on the tokens before it and on the options, on nothing else: the random number is a hash of
them, so a text looks the same every time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fontgen.llama.marks import TAGS
from fontgen.llama.reference.numpy_model import F, exp, sum4
from fontgen.llama.tables import NO_TOKEN, Settings

Features = dict[str, list[tuple[int, int, int]]]

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Options:
    """How a token is chosen.

    temperature: in hundredths; 0 takes the most likely token. seed: any number below 2**32.
    top_k: samples among so many most likely tokens; 0 is all. top_p: among the most likely tokens that have
    so many hundredths of the probability (Holtzman et al. 2019, arXiv:1904.09751); 0 is all.
    boundaries: 1 marks where a generated token begins, 2 one of the prompt, too.
    """

    temperature: int = 0
    seed: int = 0
    top_k: int = 0
    top_p: int = 0
    boundaries: int = 0


SAMPLING = ("temperature", "seed", "top_k", "top_p")
"""Options that the font's settings have, too."""
LEAST_EXPONENT = F(-17.25)
"""What is less likely than e to this power of the most likely token is never drawn."""


def options_at(settings: Settings, features: Features, cluster: int) -> Options:
    """The options that the font's settings, and features as ``{tag: [(start, end, value)]}``, set for a cluster."""
    values: dict[str, int] = {}
    for tag, name in TAGS.items():
        for start, end, value in features.get(tag, ()):
            if start <= cluster < end:
                values[name] = value
    own = {name: getattr(settings, name) for name in SAMPLING}
    options = Options(**(own | values))
    sampling = {"seed", "top_k", "top_p"} & values.keys()
    restricted = options.seed or options.top_k or options.top_p
    if "temperature" not in values and not settings.temperature and sampling and restricted:
        return replace(options, temperature=100)
    return options


def sample(
    logits: np.ndarray,
    tokens: Sequence[int],
    options: Options,
    excluded: Collection[int] = (),
    rejected: Sequence[int] = (),
) -> int:
    """The token after ``tokens``, whose logits are float32 (vocab_size,); none of the excluded and rejected.

    Raises IndexError when none is left.
    """
    allowed = _allowed(logits, {*excluded, *rejected})
    candidates = np.flatnonzero(allowed)
    best = int(candidates[np.argmax(logits[candidates])])
    if options.temperature == 0:
        return best
    weights, total = _weights(logits, allowed, best, options.temperature)
    order, restricted = _kept(weights, total, options)
    if not len(order):
        return best
    sums = np.add.accumulate(weights[order], dtype=F)
    random = F(_random(tokens, options, rejected) >> 40) * F(2**-24)
    beyond = np.flatnonzero(sums > random * (sums[-1] if restricted else total))
    return int(order[beyond[0] if len(beyond) else len(order) - 1])


def probabilities(
    logits: np.ndarray, options: Options, excluded: Collection[int] = ()
) -> list[tuple[int, np.float32]]:
    """The tokens that could be drawn, with their probabilities, the most likely first.

    At temperature 0, where nothing is drawn, those of temperature 1 without restriction.
    """
    allowed = _allowed(logits, excluded)
    candidates = np.flatnonzero(allowed)
    best = int(candidates[np.argmax(logits[candidates])])
    options = options if options.temperature else Options(temperature=100)
    weights, total = _weights(logits, allowed, best, options.temperature)
    order, restricted = _kept(weights, total, options)
    if restricted:
        total = np.add.accumulate(weights[order], dtype=F)[-1]
    return [(int(token), weights[token] / total) for token in order]


def repeats(tokens: Sequence[int], length: int, endings: Collection[int | None]) -> set[int]:
    """Tokens that would complete a sequence of ``length`` that stands in ``tokens`` already; 0: none.

    Never those that end a story (Paulus et al. 2017, arXiv:1705.04304, section 2.5).
    """
    if not length:
        return set()
    tokens = list(tokens)
    begun = tokens[len(tokens) - length + 1 :]
    starts = range(len(tokens) - length + 1)
    same = (tokens[i + length - 1] for i in starts if tokens[i : i + length - 1] == begun)
    return {token for token in same if token not in endings}


def _allowed(logits: np.ndarray, excluded: Collection[int]) -> np.ndarray:
    allowed = np.ones(len(logits), bool)
    allowed[list(excluded)] = False
    return allowed


def _weights(
    logits: np.ndarray, allowed: np.ndarray, best: int, temperature: int
) -> tuple[np.ndarray, np.float32]:
    """e**((logit - largest) / temperature), 0 for what is never drawn; and their sum."""
    with np.errstate(all="ignore"):
        exponents = (logits - logits[best]) * (F(100) / F(temperature))
        drawable = allowed & (exponents >= LEAST_EXPONENT)
        weights = np.where(drawable, exp(exponents), F(0))
    return weights, sum4(weights[None])[0]


def _kept(weights: np.ndarray, total: np.float32, options: Options) -> tuple[np.ndarray, bool]:
    """The tokens that top_k and top_p leave, the heaviest first; and whether they leave any out."""
    order = np.argsort(-weights, kind="stable")[: np.count_nonzero(weights)]
    by_k, by_p = 0 < options.top_k < len(order), 0 < options.top_p < 100
    kept = options.top_k if by_k else len(order)
    if by_p and len(order):
        limit = total * (F(options.top_p) / F(100))
        reached = np.flatnonzero(np.add.accumulate(weights[order], dtype=F) >= limit)
        kept = min(kept, int(reached[0]) + 1 if len(reached) else kept)
    return order[:kept], by_k or by_p


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
