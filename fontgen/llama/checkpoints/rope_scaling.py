"""RoPE stretched over more positions than a model was first trained for.

Whatever a kind is called, it divides each frequency by a number of its own, and some multiply cosines and sines by
another, so that each query and each key grows by it: both are data of the font's table of angles. Formulas after
transformers' ``modeling_rope_utils.py`` and, for GGUF, llama.cpp's ``llama-context.cpp`` and ggml's ``rope``, which
divide and multiply in the same way:

- linear: position interpolation (Chen et al. 2023, arXiv:2306.15595);
- dynamic: changes nothing within the model's own context, and a font has no more;
- llama3: Llama 3.1;
- yarn: Peng et al. 2023, arXiv:2309.00071;
- longrope: Ding et al. 2024, arXiv:2402.13753, with one list of factors for short contexts and one for long ones.
  Which it is, the font's context says, as in llama.cpp; transformers asks how long the text is by now, which is the
  same for a context that the short list is good for.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.model import ModelConfig

BETA_FAST, BETA_SLOW = 32.0, 1.0
"""YaRN: waves that turn more often than this in the original context are kept, those that turn less are stretched."""


@dataclass(frozen=True)
class Scaling:
    """What becomes of the angles.

    factors: float64 (head_size / 2,), what each frequency is divided by. attention: what cosines and sines are
    multiplied by.
    """

    factors: np.ndarray
    attention: float = 1.0

    def of(self, config: ModelConfig) -> ModelConfig:
        """The configuration scaled by this, on top of what it has.

        Raises:
            FontgenError: the factors are not one for each frequency, or not positive.
        """
        pairs = config.head_size // 2
        if self.factors.shape != (pairs,):
            raise FontgenError(f"RoPE has {self.factors.size} factors for {pairs} frequencies")
        own = config.rope_factors or (1.0,) * pairs
        with np.errstate(over="ignore"):
            factors = (self.factors * own).astype(np.float32)
        plain = bool((factors == 1).all())
        scaled = dataclasses.replace(
            config,
            rope_factors=() if plain else tuple(factors.tolist()),
            rope_attention=float(np.float32(config.rope_attention * self.attention)),
        )
        scaled.check()
        return scaled


def scaled(config: ModelConfig, keys: Values) -> ModelConfig:
    """The configuration with what a ``config.json`` says of its RoPE; its context is the font's.

    Raises:
        FontgenError: an unknown kind, or one whose numbers are missing or make no sense.
    """
    name, section = rope_section(keys)
    kind = section.get("rope_type") or section.get("type") or "default"
    if kind in ("default", "dynamic"):
        return config
    if not isinstance(kind, str) or kind not in _KINDS:
        raise FontgenError(f"has {name} of type {kind!r}, which is not supported")
    return _KINDS[kind](section, keys, config).of(config)


def scaled_as_in_gguf(
    config: ModelConfig, keys: Values, factors: Mapping[str, np.ndarray]
) -> ModelConfig:
    """The configuration with what GGUF's metadata and tensors say of its RoPE, as llama.cpp takes them.

    Args:
        config: its context is the font's.
        factors: tensors, by the contexts that they are for: ``always``, ``short``, ``long``.

    Raises:
        FontgenError: an unknown kind, or numbers that make no sense.
    """
    section = "llama.rope.scaling."
    kind = keys.text(f"{section}type", "linear")
    # 0 stands for none; the other key is older.
    factor = keys.number(f"{section}factor", keys.number("llama.rope.scale_linear", 0.0)) or 1.0
    original = keys.number(f"{section}original_context_length", 0.0)
    original = original or keys.number("llama.context_length")
    divided = np.full(config.head_size // 2, 1.0 if kind == "none" else factor)
    attention = keys.number(f"{section}attn_factor", 1.0)
    if kind == "yarn":
        for key, known in (("yarn_ext_factor", 1.0), ("yarn_log_multiplier", 0.0)):
            if keys.number(section + key, known) not in (known, -1.0):
                raise FontgenError(f"has {section}{key}, which is not supported")
        betas = (keys.number(f"{section}yarn_beta_{end}", 0.0) for end in ("fast", "slow"))
        divided = yarn_factors(config, factor, original, *betas)
        attention *= yarn_attention(factor) * keys.number(f"{section}yarn_attn_factor", 1.0)
    elif kind not in ("none", "linear", "longrope"):
        raise FontgenError(f"has a rope scaling of type {kind!r}, which is not supported")
    config = Scaling(divided, attention).of(config)
    name = "always" if "always" in factors else longrope_list(config, original)
    if name not in factors:
        if factors or kind == "longrope":
            raise FontgenError(f"has no RoPE factors for {name} contexts")
        return config
    return Scaling(factors[name].astype(np.float64)).of(config)


def rope_section(keys: Values) -> tuple[str, Values]:
    """Name and contents of what says how RoPE is scaled: ``rope_parameters`` since transformers 5."""
    name = "rope_scaling" if keys.get("rope_scaling") else "rope_parameters"
    return name, keys.object(name)


def _linear(section: Values, keys: Values, config: ModelConfig) -> Scaling:
    return Scaling(np.full(config.head_size // 2, section.number("factor")))


def _llama3(section: Values, keys: Values, config: ModelConfig) -> Scaling:
    """Long waves are slowed down by the factor, short ones not, those between in part."""
    factor, low, high = (
        section.number(key) for key in ("factor", "low_freq_factor", "high_freq_factor")
    )
    if not 0 < low < high:
        raise FontgenError(f"has low_freq_factor {low:g} and high_freq_factor {high:g}")
    turns = _original_length(section, keys) * frequencies(config) / (2 * math.pi)
    kept = np.clip((turns - low) / (high - low), 0, 1)
    return Scaling(_mixed(factor, kept))


def _yarn(section: Values, keys: Values, config: ModelConfig) -> Scaling:
    original = _original_length(section, keys)
    factor = section.number("factor", keys.integer("max_position_embeddings", 2048) / original)
    attention = yarn_attention(factor)
    if section.get("mscale") and section.get("mscale_all_dim"):
        attention = yarn_attention(factor, section.number("mscale"))
        attention /= yarn_attention(factor, section.number("mscale_all_dim"))
    return Scaling(
        yarn_factors(
            config,
            factor,
            original,
            section.number("beta_fast", 0.0),
            section.number("beta_slow", 0.0),
            whole=section.boolean("truncate", True),
        ),
        section.number("attention_factor", attention),
    )


def _longrope(section: Values, keys: Values, config: ModelConfig) -> Scaling:
    original = _original_length(section, keys)
    factor = section.number("factor", keys.integer("max_position_embeddings", 2048) / original)
    if original < 2:
        raise FontgenError(f"has original_max_position_embeddings {original:g}")
    attention = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
    name = longrope_list(config, original)
    factors = np.array(section.numbers(f"{name}_factor"), np.float64)
    return Scaling(factors, section.number("attention_factor", attention))


_KINDS: dict[str, Callable[[Values, Values, ModelConfig], Scaling]] = {
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
}


def _original_length(section: Values, keys: Values) -> float:
    """Positions of the first training; Phi-3 says it outside, and that counts."""
    key = "original_max_position_embeddings"
    inside = section.number(key, keys.integer("max_position_embeddings", 2048))
    length = keys.number(key, inside)
    if length < 1:
        raise FontgenError(f"has {key} {length:g}")
    return length


def frequencies(config: ModelConfig) -> np.ndarray:
    """float64 (head_size / 2,): radians by which each pair of a head turns from a position to the next, unscaled."""
    pair = np.arange(0, config.head_size, 2, dtype=np.float64)
    turned: np.ndarray = config.rope_theta ** (-pair / config.head_size)
    return turned


def longrope_list(config: ModelConfig, original: float) -> str:
    """``long`` or ``short``: which factors a context asks for."""
    return "long" if config.context_length > original else "short"


def yarn_attention(factor: float, mscale: float = 1.0) -> float:
    """What YaRN multiplies cosines and sines by, so that attention stays as sharp (3.4)."""
    return 0.1 * mscale * math.log(factor) + 1 if factor > 1 else 1.0


def yarn_factors(
    config: ModelConfig,
    factor: float,
    original: float,
    beta_fast: float = 0.0,
    beta_slow: float = 0.0,
    *,
    whole: bool = True,
) -> np.ndarray:
    """What YaRN divides frequencies by, "NTK-by-parts" (3.2): a ramp between the two numbers of turns.

    Args:
        original: positions of the first training.
        beta_fast, beta_slow: 0 stands for `BETA_FAST` and `BETA_SLOW`.
        whole: whether the ramp begins and ends at a frequency.

    Raises:
        FontgenError: numbers of which there are no logarithms.
    """
    beta_fast, beta_slow = beta_fast or BETA_FAST, beta_slow or BETA_SLOW
    if min(factor, original, beta_fast, beta_slow) <= 0 or config.rope_theta <= 1:
        raise FontgenError(
            f"has yarn's factor {factor:g}, beta_fast {beta_fast:g}, beta_slow {beta_slow:g}, "
            f"rope_theta {config.rope_theta:g}"
        )
    size = config.head_size
    low, high = (
        size * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(config.rope_theta))
        for turns in (beta_fast, beta_slow)
    )
    if whole:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, size - 1)
    if low == high:
        high += 0.001
    kept = 1 - np.clip((np.arange(size // 2) - low) / (high - low), 0, 1)
    return _mixed(factor, kept)


def _mixed(factor: float, kept: np.ndarray) -> np.ndarray:
    """What divides frequencies of which a share is kept and the rest divided by the factor."""
    if factor <= 0:
        raise FontgenError(f"has a RoPE factor of {factor:g}, which is not positive")
    with np.errstate(all="ignore"):
        mixed: np.ndarray = 1 / ((1 - kept) / factor + kept)
    return mixed
