"""What ``fontgen verify`` compares: a font's engines and glyphs with the references, over the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fontgen.llama.marks import TAGS
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.reference.onnx_model import OnnxModel
from fontgen.llama.reference.sampler import greedy
from fontgen.llama.shaper import shaper_module
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine
from fontgen.shapers.binary import without_custom_section
from fontgen.shapers.flavours import FLAVOURS, SIMD_SECTION
from fontgen.text.options import Features, ShapeOptions
from fontgen.text.shape import ShapeFailed, ShapingFont


@dataclass(frozen=True)
class Check:
    """One thing compared. ``detail`` says what was measured; ``passed`` is None where nothing is right or wrong."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True)
class Subject:
    """A font under test, with the reference made of its own tables its engines by name, and those tables."""

    font: ShapingFont
    model: QuantisedModel
    continuer: ReferenceContinuer
    engines: dict[str, Engine]
    tables: dict[str, bytes]

    @property
    def context_length(self) -> int:
        return self.model.config.context_length

    @property
    def kept_marks(self) -> int:
        return self.continuer.settings.kept_marks

    def tokens(self, prompt: str) -> list[int]:
        """BOS and the tokens of a prompt."""
        assert self.model.vocabulary.bos is not None  # Vocabulary.check
        return [self.model.vocabulary.bos, *self.continuer.tokenizer.encode(prompt)]

    def shows(
        self, typed: str, features: Features | None = None, part: tuple[int, int] | None = None
    ) -> bool:
        """See `same_glyphs`."""
        return same_glyphs(self.font, self.continuer, typed, features, part)


def engines_of(module: bytes, table: bytes) -> Iterator[tuple[str, Engine]]:
    """The font's own engines, one or two, and those of this version's flavours that it does not have.

    module: the table ``Wasm``. table: the model's.
    """
    outer, inner = without_custom_section(module, SIMD_SECTION)
    own = [outer] if inner is None else [outer, inner]
    flavours = {shaper_module(flavour): flavour for flavour in FLAVOURS}
    for shaper in own:
        flavour = flavours.pop(shaper, "another version")
        yield f"the font's engine ({flavour})", Engine(shaper, table)
    for shaper, flavour in flavours.items():
        yield f"the {flavour} engine", Engine(shaper, table)


class LogitComparison:
    """Tokens after prompts, each computed by the NumPy reference, by all engines, and by two float programs.

    Attributes:
        differing_words: by engine, float32 words of logits that are not the reference's bits.
        n_words: words compared for each.
        largest_difference: between onnxruntime and float NumPy, as a share of the largest logit.
        agreeing: tokens that onnxruntime finds as likely as the engines do. compared: of how many.
    """

    def __init__(self, subject: Subject):
        self._subject = subject
        # The weights that the font's integers stand for.
        dequantised = subject.model.dequantised()
        self._onnx, self._numpy = OnnxModel(dequantised), FloatModel(dequantised)
        self.differing_words = dict.fromkeys(subject.engines, 0)
        self.n_words = 0
        self.largest_difference = 0.0
        self.agreeing = self.compared = 0

    def add(self, prompt: str, n_tokens: int) -> None:
        """Continue a prompt by the most likely tokens, as far as the context goes."""
        subject, model = self._subject, self._subject.continuer.model
        tokens = subject.tokens(prompt)
        start = len(tokens)
        for _ in range(min(n_tokens, subject.context_length - start + 1)):
            logits = model.logits(tokens)
            self.n_words += len(logits)
            for name, engine in subject.engines.items():
                self.differing_words[name] += _differing_words(logits, engine.logits(tokens))
            tokens.append(greedy(logits))
        self._compare_floats(tokens[:-1], start, np.array(tokens[start:]))

    def _compare_floats(self, tokens: list[int], start: int, chosen: np.ndarray) -> None:
        """``chosen``: what the engines chose after tokens[:start], tokens[:start + 1], ..."""
        onnx, numpy = self._onnx.logits_of_each(tokens), self._numpy.all_logits(tokens)
        difference = float(np.abs(onnx - numpy).max() / np.abs(numpy).max())
        self.largest_difference = max(self.largest_difference, difference)
        self.agreeing += int((onnx[start - 1 :].argmax(axis=-1) == chosen).sum())
        self.compared += len(chosen)


def _differing_words(a: np.ndarray, b: np.ndarray) -> int:
    return int((a.view(np.uint32) != b.view(np.uint32)).sum())


def same_glyphs(
    font: ShapingFont,
    continuer: ReferenceContinuer,
    typed: str,
    features: Features | None = None,
    part: tuple[int, int] | None = None,
) -> bool:
    """Whether the font shapes a typed text as OpenType alone shapes the reference's visible text.

    Compares glyphs, clusters, advances and offsets; the visible text has the clusters of the marks that its
    characters came from. Of a part, which is shaped after the whole, only what its clusters show.
    """
    start, end = part or (0, len(typed))
    try:
        shown = font.shape(typed, ShapeOptions(features=features or {}))
        if part:
            shown = font.shape(typed, ShapeOptions(features=features or {}, part=part))
    except ShapeFailed:
        return False
    expected = font.uharfbuzz.Buffer()
    for character, cluster in continuer.continue_text(typed, features).characters:
        if not start <= cluster < end:
            continue
        # HarfBuzz numbers clusters by where a character stands in the array it is given.
        expected.add_codepoints(
            [0] * cluster + [ord(character)], item_offset=cluster, item_length=1
        )
    expected.direction = shown.direction
    if shown.script:
        expected.script = shown.script
    if shown.language:
        expected.language = shown.language
    opentype = {tag: values for tag, values in (features or {}).items() if tag not in TAGS}
    font.uharfbuzz.shape(font.font, expected, opentype, shapers=["ot"])
    glyphs = zip(expected.glyph_infos, expected.glyph_positions or (), strict=True)
    return [
        (glyph.id, glyph.cluster, glyph.x_offset, glyph.y_offset, glyph.x_advance, glyph.y_advance)
        for glyph in shown.glyphs
    ] == [(info.codepoint, info.cluster, *position.position) for info, position in glyphs]
