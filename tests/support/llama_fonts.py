"""Fonts around any model."""

from __future__ import annotations

import functools

from fontgen.font import base as basefont
from fontgen.font import tables
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Settings,
    write_model,
    write_settings,
)


def font_data(
    model: QuantisedModel | bytes | None,
    shaper_settings: Settings | bytes | None = Settings(),  # noqa: B008
    flavour: str = "simd128",
) -> bytes:
    """A font around any model, or around raw or missing tables."""
    ttfont = basefont.open_base(None)
    tables.write_table(ttfont, tables.WASM_TAG, shaper_module(flavour))
    if isinstance(shaper_settings, Settings):
        shaper_settings = write_settings(shaper_settings)
    if isinstance(model, QuantisedModel):
        model = write_model(model)
    if shaper_settings is not None:
        tables.write_table(ttfont, SETTINGS_TAG, shaper_settings)
    if model is not None:
        tables.write_table(ttfont, MODEL_TAG, model)
    return tables.font_bytes(ttfont)


class Remembering:
    """A reference model that is asked for the same logits by several tests."""

    def __init__(self, model):
        self._logits = functools.lru_cache(maxsize=8192)(lambda tokens: model.logits(list(tokens)))

    def logits(self, tokens):
        return self._logits(tuple(tokens))
