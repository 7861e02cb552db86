"""What is measured: the font in its flavours and bits, its base font, and the story it tells."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fontTools.ttLib import TTFont

from fontgen.build.llama import build_font
from fontgen.config import Config
from fontgen.errors import FontgenError
from fontgen.font import base as basefont
from fontgen.font import tables
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.llama.marks import MORE, SHOWS_NOTHING
from fontgen.llama.model import Model
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Settings,
    read_model,
    read_settings,
    write_model,
    write_settings,
)
from fontgen.llama.trace import TokenKind
from fontgen.llama.tracing import TracingShaper
from fontgen.shapers.flavours import FLAVOURS

UNBOUNDED = 100_000
"""Tokens in one call, more than any context has."""
PROMPTS = (
    "Once upon a time",
    "One day, a girl named Lily",
    "The little fox",
    "In the forest there lived a bear. The bear",
    "Tom and his dog",
    "It was raining, so Ben",
    "Mom and Dad",
    "The dragon said, \"",
    "A very old tree told the children",
    "Sara wanted to fly",
    "The moon",
    "One sunny morning, a small frog",
)  # fmt: skip
LONG_ENOUGH = 210
"""Tokens of a story with which every figure can be taken where it should."""


@dataclass(frozen=True)
class Story:
    """A prompt and its continuation, as the font tells it.

    before: tokens of the prompt, BOS included. generated: those that follow, without the end.
    """

    prompt: str
    before: list[int]
    generated: list[int]
    kept_marks: int
    shown: str
    """The text of the prompt and all generated tokens."""
    ends: list[int]
    """Length of ``shown`` after each of the generated tokens."""

    def typed(self, n: int) -> str:
        """What is typed to see ``n`` tokens."""
        return self.prompt + MORE * (self.kept_marks + n)

    def visible(self, n: int) -> str:
        """What is seen then."""
        return self.shown[: self.ends[n - 1]]


@dataclass(frozen=True)
class Variant:
    """A font with one module and one number of bits that computes whole stories in one call."""

    bits: int
    flavour: str
    data: bytes
    story: Story


@dataclass(frozen=True)
class Subject:
    """A font configuration, built for measuring.

    model: the checkpoint. base: the base font alone.
    shipped: the fonts as configured, by bits.
    capped: the 8-bit font with each flavour's module; the configuration's bound on a call holds.
    variants: all bits and flavours, without that bound.
    """

    model: Model
    base: bytes
    shipped: dict[int, bytes]
    capped: dict[str, bytes]
    variants: dict[tuple[int, str], Variant]


def build_subject(config: Config, *, best_quantiser: bool = False) -> Subject:
    """Build all fonts.

    best_quantiser: quantise to 4 bits as ``fontgen build`` does, which takes about a minute, and
    not by rounding alone, which gives a font as fast and as large.

    Raises:
        FontgenError: the configuration builds no font.
    """
    # The engines beside it choose the most likely token, whatever was told before.
    config = config.override(sampling={"temperature": 0, "no_repeat": 0})
    model = load(config.model.checkpoint or default_model_path(), tokenizer=config.model.tokenizer)
    eight = build_font(config.override(quantise={"bits": 8}))
    if best_quantiser:
        four = build_font(config.override(quantise={"bits": 4}))
    else:
        four = with_tables(eight, {MODEL_TAG: write_model(quantise(model, 4, method="absmax"))})
    shipped = {8: eight, 4: four}
    variants = {}
    for bits, data in shipped.items():
        story = longest_story(data)
        for flavour in FLAVOURS:
            settings = dataclasses.replace(settings_of(data), max_tokens_per_call=UNBOUNDED)
            replaced = {
                tables.WASM_TAG: shaper_module(flavour),
                SETTINGS_TAG: write_settings(settings),
            }
            variants[bits, flavour] = Variant(bits, flavour, with_tables(data, replaced), story)
    capped = {
        flavour: with_tables(eight, {tables.WASM_TAG: shaper_module(flavour)})
        for flavour in FLAVOURS
    }
    opened = basefont.open_base(config.font.base, config.font.index)
    return Subject(model, tables.font_bytes(opened), shipped, capped, variants)


def table_of(data: bytes, tag: str) -> bytes:
    """A table of a font file."""
    with TTFont(io.BytesIO(data), lazy=True) as ttfont:
        assert ttfont.reader is not None
        return ttfont.reader[tag]


def settings_of(data: bytes) -> Settings:
    """The shaper's settings in a font file."""
    return read_settings(table_of(data, SETTINGS_TAG))


def with_tables(data: bytes, replaced: dict[str, bytes]) -> bytes:
    """The font file with tables replaced."""
    with TTFont(io.BytesIO(data), lazy=True) as ttfont:
        for tag, table in replaced.items():
            tables.write_table(ttfont, tag, table)
        return tables.font_bytes(ttfont)


def longest_story(data: bytes, prompts: Sequence[str] = PROMPTS) -> Story:
    """The first story of at least `LONG_ENOUGH` tokens that a font tells, or its longest."""
    settings = dataclasses.replace(settings_of(data), max_tokens_per_call=UNBOUNDED)
    own_tables = {MODEL_TAG: table_of(data, MODEL_TAG), SETTINGS_TAG: write_settings(settings)}
    shaper = TracingShaper(shaper_module("simd128"), own_tables)
    context_length = read_model(own_tables[MODEL_TAG]).config.context_length
    best: Story | None = None
    for prompt in prompts:
        story = _story(shaper, prompt, settings.kept_marks, context_length)
        if best is None or len(story.generated) > len(best.generated):
            best = story
        if len(best.generated) >= LONG_ENOUGH:
            break
    assert best is not None
    if len(best.generated) < 8:
        raise FontgenError("the model tells no story of 8 tokens, too few to measure")
    return best


def _story(shaper: TracingShaper, prompt: str, kept_marks: int, length: int) -> Story:
    """What at most so many marks show."""
    shown = shaper.shape(prompt + MORE * (kept_marks + length))
    tokens = shaper.tokens()
    before = [token.token for token in tokens if token.kind in (TokenKind.BEGIN, TokenKind.PROMPT)]
    generated = [token for token in tokens if token.kind == TokenKind.GENERATED]
    pieces = {token.cluster: "" for token in generated}
    for character, cluster in shown:
        if cluster in pieces and character != SHOWS_NOTHING:
            pieces[cluster] += character
    ends = (len(prompt) + np.cumsum([len(piece) for piece in pieces.values()])).tolist()
    return Story(
        prompt,
        before,
        [token.token for token in generated],
        kept_marks,
        prompt + "".join(pieces.values()),
        ends,
    )
