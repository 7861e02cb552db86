"""``fontgen verify``: proves a finished font against the references, from its own tables and glyphs alone.

1. The engine in the font, and the other flavour of the same shaper, give the logits of the NumPy reference,
   bit for bit.
2. HarfBuzz, shaping with the font, gives the glyphs of the reference's tokens.
3. onnxruntime, which shares no code with either, agrees with a float NumPy run to rounding; how often its
   most likely token is that of the 8-bit engine is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fontgen.check.comparison import Check
from fontgen.errors import FontgenError, naming
from fontgen.llama.marks import ELLIPSIS, MORE, TAGS
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.continuation import Features, ReferenceContinuer
from fontgen.llama.reference.sampler import greedy
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import MODEL_TAG, SETTINGS_TAG, read_model, read_settings
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine
from fontgen.progress import Reporter
from fontgen.shapers.binary import without_custom_section
from fontgen.shapers.flavours import FLAVOURS, SIMD_SECTION
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapeFailed, ShapingFont

PROMPTS = (
    "The little fox",
    "Once upon a time",
    "Tom's café was closed",
    "",
    "Жила-была лиса",
    "One day, a girl named Lily",
    "The sun was",
    "The dragon said, \"",
    "Mom and Dad",
    "In the forest there lived a bear. The bear",
    "It was raining, so Ben",
    "She opened the door and saw",
    "The cat and the dog  played",
    "\"Can I have a cookie?\" asked Tim.",
    "At the bottom of the sea",
    "12 birds sat on 3 trees",
    "Wow! Look!! A rainbow!!!",
    "The end.",
    "Sam's boat 🚣 was",
    "A very old tree told the children",
    "The moon",
    "שלום",
)  # fmt: skip
_ALL = (0, 0xFFFFFFFF)
STEERED: tuple[tuple[str, Features], ...] = (
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 80)], "SEED": [(*_ALL, 7)]}),
    ("The little fox" + MORE * 24, {"TEMP": [(*_ALL, 120)], "TOPK": [(*_ALL, 40)]}),
    (
        "The little fox" + MORE * 24,
        {"TOPP": [(*_ALL, 90)], "SEED": [(*_ALL, 1)], "kern": [(*_ALL, 0)]},
    ),
    ("Once upon a time!!!!!!!!!!!!?!! and then!!!!!!!?!!??!!", {"TOKN": [(*_ALL, 1)]}),
    ("Tom!!!!!!!!!! and Lily!!!!!!!!!!", {"TEMP": [(14, 100, 90)], "SEED": [(14, 100, 3)]}),
)
"""Typed texts with question marks and with features, on the whole text or on a part of it."""
LINE = 23
"""Typed characters to a line, where a paragraph is wrapped: lines that begin in a prompt, in a run and between."""
ROUNDING = 1e-3
"""How far apart two float32 programs may put a logit, relative to the largest."""


def verify_font(
    path: Path,
    *,
    n_tokens: int = 64,
    prompts: tuple[str, ...] = PROMPTS,
    reporter: Reporter | None = None,
) -> list[Check]:
    """Compare a font with the references over ``n_tokens`` tokens after each prompt.

    Raises:
        FontgenError: the font cannot be read, or is none of ours, or its tables are damaged.
    """
    font = ShapingFont.open(path)
    tables = {tag: _table(font, tag) for tag in ("Wasm", MODEL_TAG, SETTINGS_TAG)}
    with naming(path):
        model = read_model(tables[MODEL_TAG])
        continuer = ReferenceContinuer(model, read_settings(tables[SETTINGS_TAG]))
        engines = dict(_engines(tables))
    floats = _FloatComparison(model)
    context = model.config.context_length
    differing = dict.fromkeys(engines, 0)
    n_words = 0
    unlike: list[str] = []
    with (reporter or Reporter(quiet=True)).steps(total=len(prompts) + 1) as steps:
        for prompt in prompts:
            steps.begin(f"verifying {prompt!r}")
            tokens: list = [model.vocabulary.bos, *continuer.tokenizer.encode(prompt)]
            start = len(tokens)
            if start > context // 2:
                raise FontgenError(f"the prompt {prompt!r} is too long for a context of {context}")
            for _ in range(min(n_tokens, context - start + 1)):
                logits = continuer.model.logits(tokens)
                n_words += len(logits)
                for name, engine in engines.items():
                    differing[name] += _differing_words(logits, engine.logits(tokens))
                tokens.append(greedy(logits))
            floats.compare(tokens[:-1], start, np.array(tokens[start:]))
            typed = prompt + MORE * (continuer.settings.kept_marks + n_tokens)
            unlike += [repr(prompt)] * (not same_glyphs(font, continuer, typed))
        steps.begin("verifying sampling and replacement")
        words = "".join(word + " " for word, _ in continuer.settings.replacements) + MORE * 12
        steered = [*STEERED, (words, {})]
        unlike_steered = [
            text for text, features in steered if not same_glyphs(font, continuer, text, features)
        ]
    checks = [
        Check(
            f"logits of {name} = logits of the NumPy reference",
            count == 0,
            f"{count} differing words of {n_words}",
        )
        for name, count in differing.items()
    ]
    detail = f"{len(prompts)} prompts, {n_tokens} tokens each"
    detail = detail if not unlike else f"not so for {', '.join(unlike)}"
    checks.append(Check("glyphs of HarfBuzz = tokens of the NumPy reference", not unlike, detail))
    detail = f"{len(steered)} texts with sampling, question marks and replaced words"
    detail = detail if not unlike_steered else f"not so for {', '.join(map(repr, unlike_steered))}"
    checks.append(
        Check(
            "the same where features and typed marks choose the tokens", not unlike_steered, detail
        )
    )
    agree, detail = _lines_agree(font, continuer, n_tokens)
    checks.append(Check("lines of a wrapped paragraph show its parts", agree, detail))
    agree, detail = _bounded_calls_agree(font, continuer, context)
    checks.append(Check("calls that are cut short show the same story", agree, detail))
    return checks + floats.checks()


def _bounded_calls_agree(
    font: ShapingFont, continuer: ReferenceContinuer, n_tokens: int
) -> tuple[bool, str]:
    """Whether each of the calls that a long run takes shows the beginning of the story, then an ellipsis."""
    typed = PROMPTS[0] + MORE * (continuer.settings.kept_marks + n_tokens)
    if not same_glyphs(font, continuer, typed):
        return False, "in the end it shows something else"
    story = font.shape(typed).visible
    fresh = ShapingFont(font.uharfbuzz, font.data, font.path)
    for call in range(1, len(typed) + 1):
        shown = fresh.shape(typed, settle=False).visible
        if shown == story:
            return True, f"{call} of them for {n_tokens} tokens at once"
        if not shown.endswith(ELLIPSIS) or not story.startswith(shown.removesuffix(ELLIPSIS)):
            return False, f"call {call} shows {shown!r}"
    return False, "the story never ends"


def _lines_agree(
    font: ShapingFont, continuer: ReferenceContinuer, n_tokens: int
) -> tuple[bool, str]:
    """Whether each line that a paragraph is wrapped into shows the part that it has in the paragraph."""
    run = MORE * (continuer.settings.kept_marks + n_tokens)
    paragraph = f"{PROMPTS[0]}{run} {PROMPTS[1]}{run}"
    starts = range(0, len(paragraph), LINE)
    for start in starts:
        end = min(start + LINE, len(paragraph))
        if not same_glyphs(font, continuer, paragraph, part=(start, end)):
            return False, f"the line from {start} to {end} shows something else"
    return True, f"{len(starts)} lines of {LINE} typed characters"


def _table(font: ShapingFont, tag: str) -> bytes:
    data = font.face.reference_table(tag).data
    if not data:
        raise FontgenError(f"has no table {tag}: it was not made by fontgen", path=font.path)
    return bytes(data)


def _engines(tables: dict[str, bytes]) -> Iterator[tuple[str, Engine]]:
    """The font's own engines, one or two, and those of this version's flavours that it does not have."""
    outer, inner = without_custom_section(tables["Wasm"], SIMD_SECTION)
    own = [outer] if inner is None else [outer, inner]
    flavours = {shaper_module(flavour): flavour for flavour in FLAVOURS}
    for module in own:
        flavour = flavours.pop(module, "another version")
        yield f"the font's engine ({flavour})", Engine(module, tables[MODEL_TAG])
    for module, flavour in flavours.items():
        yield f"the {flavour} engine", Engine(module, tables[MODEL_TAG])


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


class _FloatComparison:
    """onnxruntime against float NumPy, both on the weights that the font's integers stand for."""

    def __init__(self, model: QuantisedModel):
        from fontgen.llama.reference.onnx_model import OnnxModel

        dequantised = model.dequantised()
        self._onnx, self._numpy = OnnxModel(dequantised), FloatModel(dequantised)
        self._largest = 0.0
        self._agreeing = self._compared = 0

    def compare(self, tokens: list[int], start: int, chosen: np.ndarray) -> None:
        """``chosen``: what the 8-bit engine chose after tokens[:start], tokens[:start + 1], ..."""
        onnx, numpy = self._onnx.logits_of_each(tokens), self._numpy.all_logits(tokens)
        self._largest = max(self._largest, float(np.abs(onnx - numpy).max() / np.abs(numpy).max()))
        self._agreeing += int((onnx[start - 1 :].argmax(axis=-1) == chosen).sum())
        self._compared += len(chosen)

    def checks(self) -> list[Check]:
        share = self._agreeing / max(self._compared, 1)
        return [
            Check(
                "float32 onnxruntime = float32 NumPy, to rounding",
                self._largest <= ROUNDING,
                f"largest difference {self._largest:.1e} of the largest logit",
            ),
            Check(
                "onnxruntime's most likely token = the 8-bit engine's",
                None,
                f"{share:.1%} of {self._compared} tokens",
            ),
        ]
