"""What ``fontgen verify`` compares: a font's engines and glyphs with the references, over the same tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fontgen.llama.marks import TAGS
from fontgen.llama.quantised import DequantisedTensors, QuantisedModel
from fontgen.llama.reference.continuation import Continuation, ReferenceContinuer
from fontgen.llama.reference.onnx_model import OnnxLayers
from fontgen.llama.reference.sampler import greedy
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import Settings
from fontgen.llama.tracing import TracingShaper
from fontgen.llama.transformer import Transformer
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
    """A font under test, with the reference made of its own tables, and those tables."""

    font: ShapingFont
    model: QuantisedModel
    continuer: GuidedContinuer
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


class GuidedContinuer(ReferenceContinuer):
    """The reference, told by the shaper which tokens to expect, so that it computes many at once: each is chosen as if
    it had not been told. It remembers its last answer, for the lines of a paragraph."""

    def __init__(
        self, model: QuantisedModel, settings: Settings, shapers: Mapping[str, TracingShaper]
    ):
        super().__init__(model, settings)
        self.shapers = shapers
        self._asked: tuple[str, Features] | None = None
        self._answer = Continuation()

    def continue_text(self, typed: str, features: Features | None = None) -> Continuation:
        if self._asked != (typed, features or {}):
            shaper = self.shapers[FLAVOURS[0]]
            shaper.shape(typed, features)
            self.model.expect([token.token for token in shaper.tokens()])
            self._answer = super().continue_text(typed, features)
            self._asked = (typed, features or {})
        return self._answer


def engines_of(module: bytes, table: bytes, newest: bytes) -> Iterator[tuple[str, Engine]]:
    """The font's own engines, one or two, and those of this version's flavours that it does not have.

    module: the table ``Wasm``. table: the model's. newest: the same model as this version writes it.
    """
    outer, inner = without_custom_section(module, SIMD_SECTION)
    own = {"another version": outer} if inner is None else {
        "portable, another version": outer, "simd128, another version": inner
    }  # fmt: skip
    flavours = {shaper_module(flavour): flavour for flavour in FLAVOURS}
    for other, shaper in own.items():
        flavour = flavours.pop(shaper, other)
        yield f"the font's engine ({flavour})", Engine(shaper, table)
    for shaper, flavour in flavours.items():
        yield f"the {flavour} engine", Engine(shaper, newest)


class LogitComparison:
    """Tokens after prompts, each computed by the NumPy reference, by all engines, and by two float programs.

    engines: by name; the first chooses the tokens, the most likely ones.

    Attributes:
        differing_words: by engine, float32 words of logits that are not the reference's bits.
        n_words: words compared for each, of the logits after ``n_logits`` tokens.
        largest_difference: between onnxruntime and float NumPy, as a share of the largest logit.
        agreeing: tokens that onnxruntime finds as likely as the engines do. compared: of how many.
    """

    def __init__(self, subject: Subject, engines: Mapping[str, Engine]):
        self._subject = subject
        self._engines = dict(engines)
        # The weights that the font's integers stand for.
        config, tensors = subject.model.config, DequantisedTensors(subject.model)
        self._onnx, self._numpy = OnnxLayers(config, tensors), Transformer(config, tensors)
        self.differing_words = dict.fromkeys(engines, 0)
        self.n_words = self.n_logits = 0
        self.largest_difference = 0.0
        self.agreeing = self.compared = 0

    def add(self, prompt: str, n_tokens: int) -> None:
        """Continue a prompt by the most likely tokens, as far as the context goes."""
        subject, model = self._subject, self._subject.continuer.model
        tokens = subject.tokens(prompt)
        start = len(tokens)
        end = min(start + n_tokens, subject.context_length + 1)
        computed: dict[str, list[np.ndarray]] = {}
        for name, engine in self._engines.items():
            rows = computed[name] = []
            for n in range(start, end):
                rows.append(engine.logits(tokens[:n]))
                if n == len(tokens):
                    tokens.append(greedy(rows[-1]))
        model.expect(tokens[:-1])
        for i, n in enumerate(range(start, end)):
            logits = model.logits(tokens[:n])
            self.n_words += len(logits)
            self.n_logits += 1
            for name, rows in computed.items():
                self.differing_words[name] += _differing_words(logits, rows[i])
        self._compare_floats(tokens[:-1], start, np.array(tokens[start:]))

    def finish(self) -> None:
        """Let go of the engines, each of which holds the weights in its memory."""
        self._engines.clear()

    def _compare_floats(self, tokens: list[int], start: int, chosen: np.ndarray) -> None:
        """``chosen``: what the engines chose after tokens[:start], tokens[:start + 1], ..."""
        onnx = self._onnx.logits_of_each(tokens)
        hidden = self._numpy.forward(np.asarray(tokens)[None])
        numpy = self._numpy.classify(hidden[0])
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
