"""Compile a checkpoint into a font. This is the one way through, from the top down.

checkpoint -> `Model` -> `QuantisedModel` -> font tables -> font
"""

from __future__ import annotations

import dataclasses

import numpy as np
from fontTools.ttLib import TTFont

from fontgen.config import Config
from fontgen.errors import FontgenError, naming
from fontgen.font import base as basefont
from fontgen.font import names as font
from fontgen.font import tables
from fontgen.font.coverage import Coverage
from fontgen.font.features import write_features
from fontgen.host.limits import MEMORY_MB
from fontgen.host.memory import memory_setting
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.llama.frame import FrameText, chat_frame, make_frame
from fontgen.llama.marks import TAGS
from fontgen.llama.memory import Target, arithmetic, memory_bytes
from fontgen.llama.model import (
    Model,
    ModelCard,
    ModelConfig,
    PieceKind,
    Vocabulary,
    tensor_shapes,
)
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Frame,
    Settings,
    write_model,
    write_settings,
)
from fontgen.llama.wasm_engine import Engine
from fontgen.progress import Reporter
from fontgen.shapers.flavours import FLAVOURS

LEAST_COVERAGE = 0.5
"""Share of the vocabulary that a base font should have glyphs for: large ones hold scripts that few fonts have."""


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """Build the font that a configuration describes.

    Returns:
        The font file. The same configuration, inputs and ``SOURCE_DATE_EPOCH`` give the same bytes.

    Raises:
        FontgenError: an input is bad; names the file and the cause.
    """
    config.check()
    reporter = reporter or Reporter(quiet=True)
    with reporter.steps(total=5) as steps:
        steps.begin("Opening the base font")
        ttfont = basefont.open_base(config.font.base, config.font.index)
        family = config.font.family or font.default_family(ttfont)
        coverage = Coverage(basefont.read_base(config.font.base, config.font.index))
        check_replacements(config, coverage)

        steps.begin("Reading the checkpoint")
        model = load(
            config.model.checkpoint or default_model_path(),
            tokenizer=config.model.tokenizer,
            target=Target(
                config.quantise.bits, config.model.context_length, config.quantise.kv_cache_bits
            ),
        )
        _say_what_it_needs(model.config, config, reporter)
        _say_what_it_cannot_show(coverage, model.vocabulary, reporter)

        settings = make_settings(config, model)

        steps.begin("Quantising the weights")
        with naming(config.path, "quantise.bits"):
            quantised = quantise(
                model,
                bits=config.quantise.bits,
                method=config.quantise.method,
                opening=settings.frame.before,
                progress=lambda what, done, total: steps.detail(f"{what} ({done}/{total})"),
            )

        steps.begin("Compiling the shaper")
        module = shaper_module(config.shaper.flavour)

        steps.begin("Writing the font")
        return put_together(ttfont, family, module, settings, quantised)


def make_settings(config: Config, model: Model) -> Settings:
    """What the configuration says to the shaper, its frame in the model's tokens."""
    return dataclasses.replace(config.settings(), frame=_frame(config, model))


def _frame(config: Config, model: Model) -> Frame:
    """What the model reads around typed text; encoded by the engine that will read it."""
    prompt, vocabulary = config.prompt, model.vocabulary
    if not prompt.chat and not (prompt.before or prompt.after or prompt.between or prompt.stop):
        return Frame()
    engine = Engine(shaper_module(FLAVOURS[0]), write_model(_least_model(vocabulary)))
    with naming(config.path):
        text = FrameText(prompt.before, prompt.after, prompt.between)
        if prompt.chat:
            text = chat_frame(model.chat_template, vocabulary)
        return make_frame(
            text,
            prompt.stop,
            vocabulary,
            lambda part: engine.encode(part, at_start=False),
            model.config.context_length,
        )


def _least_model(vocabulary: Vocabulary) -> QuantisedModel:
    """A model of next to no weights, so that the engine has a vocabulary to encode with."""
    config = ModelConfig(
        dim=4, hidden_dim=4, n_layers=1, n_heads=1, n_kv_heads=1, vocab_size=len(vocabulary), context_length=1
    )  # fmt: skip
    tensors = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes(config).items()}
    return quantise(Model(config, tensors, vocabulary, ModelCard("a vocabulary")))


def put_together(
    ttfont: TTFont, family: str, module: bytes, settings: Settings, model: QuantisedModel
) -> bytes:
    """The finished font, of a base font that `fontgen.font.base.open_base` gave, which is changed."""
    font.write_names(ttfont, family, credits_of(model.card))
    tables.write_timestamps(ttfont)
    tables.drop_signature(ttfont)
    write_features(ttfont, TAGS)
    tables.write_table(ttfont, tables.WASM_TAG, module)
    tables.write_table(ttfont, SETTINGS_TAG, write_settings(settings))
    tables.write_table(ttfont, MODEL_TAG, write_model(model))
    return tables.font_bytes(ttfont)


def _say_what_it_needs(model: ModelConfig, config: Config, reporter: Reporter) -> None:
    """How much memory a host must have for the font; a note where fontgen's own has less."""
    bits = config.quantise.bits
    needed = memory_bytes(model, bits)
    reporter.detail(f"the font needs {arithmetic(model, bits)}")
    trained = model.trained_length or model.context_length
    if trained > model.context_length and config.model.context_length is None:
        reporter.note(
            f"note: of the {trained:,} positions that the model was trained for, the font has room for "
            f"{model.context_length:,}; --context N says how many. It needs {arithmetic(model, bits)}"
        )
    if setting := memory_setting(needed):
        reporter.note(
            f"warning: the font needs {arithmetic(model, bits)}; fontgen's host gives {MEMORY_MB << 20:,}, and shows "
            f"plain text unless {setting} is set. A shorter context (--context) or --bits 4 needs less"
        )


def credits_of(card: ModelCard) -> font.Credits:
    """What a font says of its model."""
    return font.Credits(
        copyright=f"Language model: {card.name}.",
        licence=f"Language model: {card.name}, {card.license}. Shaper: fontgen, Apache-2.0.",
        description=(
            "A font that is a language model: where HarfBuzz's Wasm shaper runs, a run of exclamation "
            "marks shows the model's continuation of the text before it.",
            f"Model: {card.name}. {card.description}".strip(),
        ),
    )


def _say_what_it_cannot_show(
    coverage: Coverage, vocabulary: Vocabulary, reporter: Reporter
) -> None:
    """A note where the base font lacks most of what the model may say."""
    pieces = [
        visible
        for piece, kind in zip(vocabulary.pieces, vocabulary.kinds, strict=True)
        if kind == PieceKind.NORMAL
        and (visible := "".join(piece.decode("utf-8", "ignore").split()))
        and visible.isprintable()
    ]
    share = sum(map(coverage.has_all, pieces)) / max(len(pieces), 1)
    if share < LEAST_COVERAGE:
        reporter.note(
            f"warning: the base font has glyphs for {share:.0%} of the model's vocabulary; "
            "the rest of a story shows as boxes, or as nothing"
        )


def check_replacements(config: Config, available: Coverage) -> None:
    """Raise `FontgenError` when the base font cannot show what ``[replace]`` puts into the text."""
    for word, shown in config.replace.items():
        for character in shown:
            if character not in available:
                raise FontgenError(
                    f"replace.{word!r}: the base font lacks {character!r} (U+{ord(character):04X})",
                    path=config.path,
                )
