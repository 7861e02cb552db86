"""``fontgen verify``: proves a finished font against the references, from its own tables and glyphs alone.

1. The engine in the font, and the other flavour of the same shaper, give the logits of the NumPy reference,
   bit for bit.
2. HarfBuzz, shaping with the font, gives the glyphs of the reference's tokens, chosen as the font's settings
   and the caller's features say; both flavours outside HarfBuzz give its text and the trace of each token.
3. onnxruntime, which shares no code with either, agrees with a float NumPy run to rounding; how often its
   most likely token is that of the 8-bit engine is reported.

Each claim is a function that returns its `Check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fontgen.check.comparison import Check, GuidedContinuer, LogitComparison, Subject, engines_of
from fontgen.check.prompts import LINE, PROMPTS, STEERED
from fontgen.errors import FontgenError, naming
from fontgen.font.tables import WASM_TAG
from fontgen.llama.marks import ELLIPSIS, MORE
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import MODEL_TAG, SETTINGS_TAG, newest_table, read_model, read_settings
from fontgen.llama.tracing import TracingShaper
from fontgen.progress import Reporter, Steps
from fontgen.shapers.flavours import FLAVOURS
from fontgen.text.options import Features
from fontgen.text.shape import ShapingFont

ROUNDING = 1e-3
"""How far apart two float32 programs may put a logit, relative to the largest."""
TIMES_A_CALL = 8
"""How much longer than ``--tokens`` the story is that the calls of one text are followed through."""
N_TOKENS = 64
"""After each prompt, unless somebody asks for another number."""
LARGE_PARAMETERS = 1 << 25
"""A model of more parameters is large: some of what is tried says all, and the whole would take most of an hour."""
LARGE_N_TOKENS, LARGE_N_PROMPTS = 16, 8
"""The same, and the first so many prompts, for a large model."""


def verify_font(
    path: Path,
    *,
    n_tokens: int | None = None,
    prompts: tuple[str, ...] | None = None,
    reporter: Reporter | None = None,
) -> list[Check]:
    """Compare a font with the references over ``n_tokens`` tokens after each prompt.

    n_tokens: None stands for `N_TOKENS`, or for fewer where the model is large.
    prompts: None stands for those of `fontgen.check.prompts` that leave room in the context; for some of them where
        the model is large.

    Raises:
        FontgenError: the font cannot be read, or is none of ours, or its tables are damaged; or a prompt is
            too long for the context.
    """
    subject = _open(path)
    is_large = subject.model.n_parameters > LARGE_PARAMETERS
    n_tokens = n_tokens or (LARGE_N_TOKENS if is_large else N_TOKENS)
    fitting = tuple(prompt for prompt in prompts or PROMPTS if _has_room(subject, prompt))
    if is_large and not prompts:
        fitting = fitting[:LARGE_N_PROMPTS]
    if prompts and fitting != prompts:
        prompt = next(prompt for prompt in prompts if prompt not in fitting)
        raise FontgenError(
            f"the prompt {prompt!r} is too long for a context of {subject.context_length}"
        )
    with naming(path):
        module, table = subject.tables[WASM_TAG], subject.tables[MODEL_TAG]
        engines = dict(engines_of(module, table, newest_table(table, subject.model)))
    comparison = LogitComparison(subject, engines)
    del engines
    with (reporter or Reporter(quiet=True)).steps(total=2 * len(fitting) + 4) as steps:
        for prompt in fitting:
            steps.begin(f"computing logits after {prompt!r}")
            comparison.add(prompt, n_tokens)
        comparison.finish()
        return [
            *engines_compute_the_reference(comparison),
            glyphs_are_the_tokens(subject, fitting, n_tokens, steps),
            features_and_marks_choose(subject, steps),
            both_flavours_tell_the_same(subject, fitting, n_tokens, steps),
            lines_show_their_parts(subject, n_tokens, steps),
            short_calls_show_the_story(subject, n_tokens, steps),
            float_programs_agree(comparison),
            likeliest_tokens(comparison),
        ]


def _open(path: Path) -> Subject:
    font = ShapingFont.open(path)
    tables = {tag: _table(font, tag) for tag in (WASM_TAG, MODEL_TAG, SETTINGS_TAG)}
    with naming(path):
        model = read_model(tables[MODEL_TAG])
        settings = read_settings(tables[SETTINGS_TAG])
        newest = tables | {MODEL_TAG: newest_table(tables[MODEL_TAG], model)}
        shapers = {flavour: TracingShaper(shaper_module(flavour), newest) for flavour in FLAVOURS}
        continuer = GuidedContinuer(model, settings, shapers)
    return Subject(font, model, continuer, tables)


def _table(font: ShapingFont, tag: str) -> bytes:
    data = font.face.reference_table(tag).data
    if not data:
        raise FontgenError(f"has no table {tag}: it was not made by fontgen", path=font.path)
    return bytes(data)


def _has_room(subject: Subject, prompt: str) -> bool:
    return len(subject.tokens(prompt)) <= subject.context_length // 2


def engines_compute_the_reference(comparison: LogitComparison) -> list[Check]:
    """A check for each engine."""
    return [
        Check(
            f"logits of {name} = logits of the NumPy reference",
            count == 0,
            f"{count} differing words of {comparison.n_words:,}, the logits after {comparison.n_logits:,} tokens",
        )
        for name, count in comparison.differing_words.items()
    ]


def glyphs_are_the_tokens(
    subject: Subject, prompts: Sequence[str], n_tokens: int, steps: Steps
) -> Check:
    """A run of marks after each prompt shows the reference's tokens, glyph for glyph."""
    unlike = []
    for prompt in prompts:
        steps.begin(f"shaping {prompt!r}")
        if not subject.shows(prompt + MORE * (subject.kept_marks + n_tokens)):
            unlike.append(repr(prompt))
    detail = f"{len(prompts)} prompts, {n_tokens} tokens each"
    detail = f"not so for {', '.join(unlike)}" if unlike else detail
    return Check("glyphs of HarfBuzz = tokens of the NumPy reference", not unlike, detail)


def features_and_marks_choose(subject: Subject, steps: Steps) -> Check:
    """The same of texts with sampling, question marks and replaced words."""
    steps.begin("shaping with features")
    replacements = subject.continuer.settings.replacements
    words = "".join(word + " " for word, _ in replacements) + MORE * 12
    steered = [*STEERED, (words, {})]
    unlike = [repr(text) for text, features in steered if not subject.shows(text, features)]
    detail = f"{len(steered)} texts with sampling, question marks and replaced words"
    detail = f"not so for {', '.join(unlike)}" if unlike else detail
    return Check(
        "the same where features and typed marks choose the tokens", not unlike, detail
    )  # fmt: skip


def both_flavours_tell_the_same(
    subject: Subject, prompts: Sequence[str], n_tokens: int, steps: Steps
) -> Check:
    """This version's shapers, outside HarfBuzz: visible text, and the trace of every token."""
    steps.begin("shaping with both flavours")
    runs = [prompt + MORE * (subject.kept_marks + n_tokens) for prompt in prompts[:4]]
    texts: list[tuple[str, Features]] = [(typed, {}) for typed in runs]
    unlike = []
    for typed, features in [*texts, *STEERED]:
        expected = subject.continuer.continue_text(typed, features)
        for flavour, shaper in subject.continuer.shapers.items():
            shown = shaper.shape(typed, features)
            if (shown, shaper.tokens()) != (expected.characters, expected.trace):
                unlike.append(f"{typed!r} ({flavour})")
    detail = f"{len(texts) + len(STEERED)} texts in {len(FLAVOURS)} flavours"
    detail = f"not so for {', '.join(unlike)}" if unlike else detail
    return Check("tokens and text of both flavours = those of the reference", not unlike, detail)


def lines_show_their_parts(subject: Subject, n_tokens: int, steps: Steps) -> Check:
    """Each line that a paragraph is wrapped into shows the part that it has in the paragraph."""
    steps.begin("shaping the lines of a paragraph")
    run = MORE * (subject.kept_marks + n_tokens)
    paragraph = f"{PROMPTS[0]}{run} {PROMPTS[1]}{run}"
    starts = range(0, len(paragraph), LINE)
    lines = [(start, min(start + LINE, len(paragraph))) for start in starts]
    wrong = next((line for line in lines if not subject.shows(paragraph, part=line)), None)
    detail = f"{len(lines)} lines of {LINE} typed characters"
    if wrong:
        detail = f"the line from {wrong[0]} to {wrong[1]} shows something else"
    return Check("lines of a wrapped paragraph show its parts", wrong is None, detail)


def short_calls_show_the_story(subject: Subject, n_tokens: int, steps: Steps) -> Check:
    """Each of the calls that a long run takes shows the beginning of the story, then an ellipsis."""
    steps.begin("shaping in short calls")
    length = min(subject.context_length, TIMES_A_CALL * n_tokens)
    agree, detail = _short_calls_agree(subject, length)
    return Check("calls that are cut short show the same story", agree, detail)


def _short_calls_agree(subject: Subject, n_tokens: int) -> tuple[bool, str]:
    typed = PROMPTS[0] + MORE * (subject.kept_marks + n_tokens)
    if not subject.shows(typed):
        return False, "in the end it shows something else"
    font = subject.font
    story = font.shape(typed).visible
    fresh = ShapingFont(font.uharfbuzz, font.data, font.path, index=font.index)
    for call in range(1, len(typed) + 1):
        shown = fresh.shape(typed, settle=False)
        if shown.visible == story and shown.finished:
            return True, f"{call} of them for {n_tokens} tokens at once"
        beginning = shown.visible.removesuffix(ELLIPSIS)
        if shown.finished or beginning == shown.visible or not story.startswith(beginning):
            why = f": {shown.reason}" if shown.reason else ""
            return False, f"call {call} shows {shown.visible!r}{why}"
    return False, "the story never ends"


def float_programs_agree(comparison: LogitComparison) -> Check:
    """onnxruntime and float NumPy, on the weights that the font's integers stand for."""
    difference = comparison.largest_difference
    return Check(
        "float32 onnxruntime = float32 NumPy, to rounding",
        difference <= ROUNDING,
        f"largest difference {difference:.1e} of the largest logit",
    )


def likeliest_tokens(comparison: LogitComparison) -> Check:
    """How much of what is chosen the quantised arithmetic changes: a note, neither right nor wrong."""
    share = comparison.agreeing / max(comparison.compared, 1)
    return Check(
        "onnxruntime's most likely token = the engine's, whose activations are of 8 bits",
        None,
        f"{share:.1%} of {comparison.compared} tokens",
    )
