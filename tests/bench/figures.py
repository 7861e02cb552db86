"""The figures themselves: probes that measure, and rows that say what the numbers mean.

Times are processor time of one thread, unless a row says otherwise. HarfBuzz is called with a
buffer that is filled before the clock starts. "In the font" is all that a program pays: HarfBuzz,
its Wasm shaper, tokenizing, the model, and OpenType shaping of what is visible.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fontgen.check.evaluation import Evaluator, total
from fontgen.font.tables import WASM_TAG
from fontgen.host.native import Host
from fontgen.llama.loss import cross_entropy
from fontgen.llama.marks import MORE
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.onnx_model import OnnxModel
from fontgen.llama.reference.sampler import greedy
from fontgen.llama.tables import MODEL_TAG, read_model
from fontgen.llama.transformer import FloatModel
from fontgen.shapers.flavours import FLAVOURS

from .measure import Probe, Samples, cpu_seconds
from .native import FAST_MATH, PLAIN, NativeModel
from .onnx_int4 import Int4OnnxModel
from .report import HIGHER, Row
from .subject import Story, Subject, Variant, table_of

SPEED_TOKENS = 96
"""Tokens over which speed is taken, where the story has so many."""
REPEATS = 5
"""Keystrokes, or shapes of a short text, whose median is one sample."""
MILLISECONDS = 1e3
CLOCK = 1e-6
"""Seconds that a difference of times is at least, in a model so small that it drowns in noise."""
FRESH_PROCESS = Path(__file__).with_name("fresh_process.py")

SENTENCES = (
    "Every morning the old baker opened her window and looked down at the quiet street.",
    "The bread was still warm, and the smell of it went from house to house like good news.",
    "\u201cTwo loaves, please,\u201d said Mr. Avery, who had come at 7:15 each day for 31 years.",
    "He paid, tipped his hat, and asked whether it would rain.",
    "It would not; the clouds were high and thin, and the swallows flew far above the roofs.",
    "Wait! Somebody had left a basket by the fountain, and something inside it moved.",
    "Nobody spoke for a while, until a small, wet nose came out from under the cloth.",
)


def paragraph(length: int, beginning_with: int = 0) -> str:
    """Plain prose of this many characters."""
    text = ""
    while len(text) <= length:
        text += SENTENCES[beginning_with % len(SENTENCES)] + " "
        beginning_with += 1
    return text[:length]


PAGE = tuple(paragraph(500, beginning_with) for beginning_with in range(6))
"""About 3,000 characters in paragraphs, as toolkits shape them."""
LONG_PARAGRAPH = paragraph(100_000)
FIRST_LINE = SENTENCES[0]


class Shaper:
    """A font open in HarfBuzz. Each has a face of its own, hence an instance of its own."""

    def __init__(self, uharfbuzz: Any, data: bytes):
        self._uharfbuzz = uharfbuzz
        self._font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob(data)))

    def seconds(self, text: str) -> float:
        """Processor time of shaping a text."""
        buffer = self._uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        return cpu_seconds(lambda: self._uharfbuzz.shape(self._font, buffer, {}))


# Tokens per second


def speed_name(bits: int, flavour: str) -> str:
    return f"in the font, {bits} bits, {flavour}"


ONNX_FLOAT32, ONNX_INT8, ONNX_INT4 = (f"onnxruntime {kind}" for kind in ("float32", "int8", "int4"))
NATIVE, NATIVE_FAST = "C loop, -O3", "C loop, -O3 -ffast-math"
NUMPY = "NumPy reference"


def font_speed(uharfbuzz: Any, variant: Variant) -> Probe:
    """Seconds per token in a fresh face: a call with many marks minus one with a single token."""
    story = variant.story
    n = speed_tokens(story)

    def probe() -> dict[str, float]:
        few, many = (Shaper(uharfbuzz, variant.data).seconds(story.typed(k)) for k in (1, 1 + n))
        return {speed_name(variant.bits, variant.flavour): max(many - few, CLOCK) / n}

    probe()  # compiles the module
    return probe


def program_speeds(model: QuantisedModel, story: Story) -> Iterator[Probe]:
    """Seconds per token of the same tokens at the same positions in programs beside the font."""
    floats = model.dequantised()
    for name, onnx in (
        (ONNX_FLOAT32, OnnxModel(floats)),
        (ONNX_INT8, OnnxModel(floats, int8=True)),
        (ONNX_INT4, Int4OnnxModel(floats)),
    ):
        yield _program_speed(name, story, _in_order(onnx), onnx.reset)
    for name, flags in ((NATIVE, PLAIN), (NATIVE_FAST, FAST_MATH)):
        yield _program_speed(name, story, NativeModel(floats, flags).forward)
    reference = ReferenceModel(model)
    read: list[int] = []

    def numpy_forward(token: int, position: int) -> Any:
        del read[position:]
        read.append(token)
        return reference.logits(read)

    yield _program_speed(NUMPY, story, numpy_forward, lambda: reference.logits(story.generated[:1]))


def _in_order(onnx: OnnxModel) -> Callable[[int, int], Any]:
    """onnxruntime's cache counts positions itself."""
    return lambda token, position: onnx.forward(token)


def _program_speed(
    name: str,
    story: Story,
    forward: Callable[[int, int], Any],
    reset: Callable[[], object] = lambda: None,
) -> Probe:
    n, start = speed_tokens(story), len(story.before)

    def generate() -> None:
        for position, token in enumerate(story.generated[:n], start):
            greedy(forward(token, position))

    def probe() -> dict[str, float]:
        reset()
        for position, token in enumerate(story.before):
            forward(token, position)
        return {name: cpu_seconds(generate) / n}

    return probe


def speed_tokens(story: Story) -> int:
    return min(SPEED_TOKENS, len(story.generated) - 1)


def speed_rows(samples: dict[str, Samples]) -> list[Row]:
    """Ratios first, then the speeds themselves."""
    simd8, portable8 = speed_name(8, "simd128"), speed_name(8, "portable")
    simd4, portable4 = speed_name(4, "simd128"), speed_name(4, "portable")
    targets: tuple[tuple[str, str, float | None, float | None], ...] = (
        (simd8, ONNX_FLOAT32, 4, 8),
        (simd8, ONNX_INT8, 1.5, 2.5),
        (simd8, NATIVE, None, None),
        (simd8, NATIVE_FAST, None, None),
        (simd8, NUMPY, None, None),
        (portable8, NATIVE, 1, 2),
        (portable8, ONNX_FLOAT32, None, None),
        (simd4, ONNX_INT4, None, None),
        (simd4, simd8, None, None),
        (portable4, NATIVE, None, None),
    )
    rows = [
        Row("Speed", a, b, samples[b] / samples[a], "x", must, aim, HIGHER)
        for a, b, must, aim in targets
        if a in samples and b in samples
    ]
    names = [simd8, portable8, simd4, portable4]
    names += [ONNX_FLOAT32, ONNX_INT8, ONNX_INT4, NATIVE, NATIVE_FAST, NUMPY]
    return rows + [
        Row("Tokens per second, one thread", name, "", samples[name].inverted(), "tok/s")
        for name in names
        if name in samples
    ]


# Typing


def keystroke_points(story: Story) -> tuple[int, ...]:
    """Numbers of generated tokens at which one more is typed."""
    last = len(story.generated) - REPEATS
    return tuple(dict.fromkeys(max(min(n, last), 1) for n in (1, 50, 200)))


def typing(uharfbuzz: Any, subject: Subject) -> Probe:
    """One more mark at several lengths, the average token, and the same text once more.

    The average is over the keystrokes that lead to the longest text, but for the first, which reads the model.
    """
    variant = subject.variants[8, "simd128"]
    story = variant.story
    *nearer, farthest = keystroke_points(story)
    unchanged = min(50, len(story.generated))
    base = Shaper(uharfbuzz, subject.base)

    def keystroke(shaper: Shaper, n: int) -> float:
        return statistics.median(shaper.seconds(story.typed(n + k)) for k in range(1, REPEATS + 1))

    def probe() -> dict[str, float]:
        result = {}
        typed = Shaper(uharfbuzz, variant.data)
        for n in nearer:
            typed.seconds(story.typed(n))
            result[f"keystroke at {n}"] = keystroke(typed, n)
        typed = Shaper(uharfbuzz, variant.data)
        one, *others = (typed.seconds(story.typed(n)) for n in range(1, farthest + REPEATS + 1))
        result["average token"] = statistics.mean(others[: farthest - 1] or [one])
        result[f"keystroke at {farthest}"] = statistics.median(others[farthest - 1 :])
        pasted = Shaper(uharfbuzz, variant.data)
        one, many = (pasted.seconds(story.typed(n)) for n in (1, farthest))
        result["average token at once"] = max(many - one, CLOCK) / max(farthest - 1, 1)
        pasted.seconds(story.typed(unchanged))
        for name, shaper, text in (
            ("unchanged", pasted, story.typed(unchanged)),
            ("unchanged, OpenType", base, story.visible(unchanged)),
        ):
            shaper.seconds(text)
            result[name] = statistics.median(shaper.seconds(text) for _ in range(REPEATS))
        return result

    return probe


def longest_call(uharfbuzz: Any, subject: Subject) -> Probe:
    """The longest call for a whole story typed at once, under the font's own bound."""
    story = subject.variants[8, "simd128"].story
    text = story.typed(len(story.generated))

    def probe() -> dict[str, float]:
        result = {}
        for flavour, data in subject.capped.items():
            shaper = Shaper(uharfbuzz, data)
            shaper.seconds(FIRST_LINE)
            result[f"longest call, {flavour}"] = max(shaper.seconds(text) for _ in range(2))
        return result

    return probe


def typing_rows(samples: dict[str, Samples], story: Story) -> list[Row]:
    points = keystroke_points(story)
    rows = [
        Row(
            "Typing",
            f"one more ! after {points[-1]} tokens",
            f"average of the {points[-1]} keystrokes before",
            samples[f"keystroke at {points[-1]}"] / samples["average token"],
            "x",
            1.5,
            1.1,
        ),
        Row(
            "Typing",
            f"unchanged text with {min(50, len(story.generated))} tokens again",
            "OpenType on the visible text",
            samples["unchanged"] / samples["unchanged, OpenType"],
            "x",
            3,
            1.5,
        ),
    ]
    at_once = samples[f"keystroke at {points[-1]}"] / samples["average token at once"]
    beside = f"average token of {points[-1]} in one call"
    rows.append(Row("Typing", f"one more ! after {points[-1]} tokens", beside, at_once, "x"))
    for n in points:
        value = samples[f"keystroke at {n}"].scaled(MILLISECONDS)
        rows.append(Row("Typing", f"one more ! after {n}", "", value, "ms"))
    rows.append(
        Row(
            "Typing",
            "average keystroke of a story",
            "",
            samples["average token"].scaled(MILLISECONDS),
            "ms",
        )
    )
    return rows


# Plain text


def plain_text(uharfbuzz: Any, subject: Subject) -> Probe:
    """A page and a very long paragraph, without a trigger and with one at the end."""
    base, shaper = (Shaper(uharfbuzz, data) for data in (subject.base, subject.shipped[8]))
    triggered = LONG_PARAGRAPH + MORE * 20

    def page(of: Shaper) -> float:
        return statistics.median(sum(map(of.seconds, PAGE)) for _ in range(REPEATS))

    def probe() -> dict[str, float]:
        return {
            "page": page(shaper),
            "page, base": page(base),
            "paragraph": shaper.seconds(LONG_PARAGRAPH),
            "paragraph, base": base.seconds(LONG_PARAGRAPH),
            "paragraph and marks": Shaper(uharfbuzz, subject.shipped[8]).seconds(triggered),
            "paragraph and marks, base": base.seconds(triggered),
        }

    page(shaper), page(base)  # compiles the module
    return probe


def plain_text_rows(samples: dict[str, Samples]) -> list[Row]:
    group, base = "Plain text", "base font, plain OpenType"
    characters = sum(map(len, PAGE))
    return [
        Row(
            group,
            f"a page of {characters:,} characters",
            base,
            samples["page"] / samples["page, base"],
            "x",
            1.5,
            1.1,
        ),
        Row(
            group,
            f"a paragraph of {len(LONG_PARAGRAPH):,} characters",
            base,
            samples["paragraph"] / samples["paragraph, base"],
            "x",
            2,
        ),
        Row(group, "the page", "", samples["page"].scaled(MILLISECONDS), "ms"),
        Row(group, "the page", base, samples["page, base"].scaled(MILLISECONDS), "ms"),
    ]


def bound_rows(samples: dict[str, Samples]) -> list[Row]:
    """What one shape call may cost at most, whatever the text."""
    group = "The longest calls, first token included"
    marks = samples["paragraph and marks"] - samples["paragraph and marks, base"]
    title = f"{len(LONG_PARAGRAPH):,} characters and 20 marks, new face"
    rows = [
        Row(group, f"a whole story typed at once, {flavour}", "", values, "ms", 100)
        for flavour in FLAVOURS
        for values in [samples[f"longest call, {flavour}"].scaled(MILLISECONDS)]
    ]
    return [*rows, Row(group, title, "above the base font", marks.scaled(MILLISECONDS), "ms", 100)]


# Fresh processes: the first shape, and memory


class FreshProcesses:
    """Runs ``fresh_process.py`` on files in a folder of its own."""

    def __init__(self, host: Host, subject: Subject):
        from fontgen.host.native import recipe
        from fontgen.host.native.platforms import here

        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name)
        self._arguments = {
            "libraries": [
                str(host.library_directory / here().library_file_name(library.name))
                for library in recipe.libraries()
            ],
            "python_directory": str(host.python_directory),
        }
        self._number = 0
        for name, data in (("base", subject.base), ("font", subject.shipped[8])):
            (self._path / name).write_bytes(data)
        self._story = subject.variants[8, "simd128"].story
        self._table_size = len(table_of(subject.shipped[8], MODEL_TAG))
        model = read_model(table_of(subject.shipped[8], MODEL_TAG))
        self._context = model.config.context_length
        self.run("font", [FIRST_LINE], "warm")  # fills the cache

    def close(self) -> None:
        self._folder.cleanup()

    def first_shape(self) -> dict[str, float]:
        """Seconds of the first shape, processor and wall time."""
        triggered = self._story.typed(1)
        result = {}
        for name, font, text, cache in (
            ("base", "base", FIRST_LINE, "warm"),
            ("plain, cold", "font", FIRST_LINE, None),
            ("plain, cached", "font", FIRST_LINE, "warm"),
            ("trigger, cold", "font", triggered, None),
            ("trigger, cached", "font", triggered, "warm"),
        ):
            figures = self.run(font, [text], cache)
            result[f"first shape, {name}"] = figures["cpu"]
            result[f"first shape, {name}, wall"] = figures["wall"]
        return result

    def memory(self) -> dict[str, float]:
        """Bytes above a process that shapes the same texts with the base font."""
        # A second run of marks goes on where the first ended, until the context is full.
        whole = self._story.typed(len(self._story.generated) + 1)
        texts = [FIRST_LINE]
        texts += [self._story.typed(n) for n in range(8, self._context, 8)]
        texts += [f"{whole} Then {MORE * n}" for n in range(8, self._context, 8)]
        base = self.run("base", texts, "warm")
        plain = self.run("font", [FIRST_LINE, *PAGE], "warm")
        full = self.run("font", texts, "warm")
        result = {
            f"memory, {kind}": (full[kind] - base[kind]) / self._table_size
            for kind in ("resident", "peak", "anonymous")
        }
        above = plain["resident"] - base["resident"]
        return result | {"memory, plain text": above / self._table_size}

    def run(self, font: str, texts: list[str], cache: str | None) -> dict[str, float]:
        """One process; ``cache`` names a folder for compiled modules, None an empty one."""
        if cache is None:
            self._number += 1
            cache = f"cold-{self._number}"
        folder = self._path / cache
        folder.mkdir(exist_ok=True)
        arguments = self._arguments | {"font": str(self._path / font), "texts": texts}
        done = subprocess.run(
            [sys.executable, "-E", "-S", str(FRESH_PROCESS)],
            input=json.dumps(arguments),
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"FONTGEN_WASM_CACHE": str(folder)},
        )
        return json.loads(done.stdout)


def first_shape_rows(samples: dict[str, Samples]) -> list[Row]:
    group, beside = "First shape in a process", "above HarfBuzz's own with the base font"
    base = samples["first shape, base"]
    rows = []
    # Once for each version of the shaper a process compiles; `fontgen run` and `fontgen editor` do it
    # before they start a program, so that the cached figure is what a person meets.
    for name, title, must, aim in (
        ("plain, cached", "no trigger, module from the cache", 10, 3),
        ("plain, cold", "no trigger, module compiled", None, None),
        ("trigger, cached", "one token, module from the cache", None, None),
        ("trigger, cold", "one token, module compiled", None, None),
    ):
        above = (samples[f"first shape, {name}"] - base).scaled(MILLISECONDS)
        rows.append(Row(group, title, beside, above, "ms", must, aim))
    # Compiling uses several threads, whose processor time adds up.
    for name, title in (("cached", "module from the cache"), ("cold", "module compiled")):
        wall = samples[f"first shape, plain, {name}, wall"] - samples["first shape, base, wall"]
        values = wall.scaled(MILLISECONDS)
        rows.append(Row(group, f"no trigger, {title}, wall time", beside, values, "ms"))
    return rows


# Sizes


def memory_rows(samples: dict[str, Samples]) -> list[Row]:
    group, beside = "Size", "bytes of the weight table, above the base font"
    return [
        Row(group, "resident memory, full context", beside, samples["memory, resident"], "x", 3, 2),
        Row(group, "its peak", beside, samples["memory, peak"], "x"),
        Row(
            group,
            "of it anonymous, the rest mapped files",
            beside,
            samples["memory, anonymous"],
            "x",
        ),
        Row(group, "with plain text alone: Wasmtime", beside, samples["memory, plain text"], "x"),
    ]


def font_size_rows(subject: Subject) -> list[Row]:
    n_parameters = subject.model.n_parameters
    targets = {8: (1.1, 1.03), 4: (0.65, 0.58)}
    return [
        Row(
            "Size",
            f"font bytes beyond the base font, {bits} bits",
            f"per parameter of {n_parameters:,}",
            Samples(((len(data) - len(subject.base)) / n_parameters,)),
            "bytes",
            *targets[bits],
        )
        for bits, data in subject.shipped.items()
    ]


# Loss


def loss_rows(subject: Subject, documents: list[str]) -> list[Row]:
    """What quantising costs on a text, by the protocol of ``fontgen eval``."""
    targets = {8: (0.5, 0.2), 4: (4.0, 2.0)}
    exact = FloatModel(subject.model)
    per_token: float | None = None
    rows = []
    for bits, data in subject.shipped.items():
        module = table_of(subject.variants[bits, "simd128"].data, WASM_TAG)
        evaluator = Evaluator(module, table_of(data, MODEL_TAG))
        score = total([evaluator.score(document) for document in documents])
        if per_token is None:
            nats = 0.0
            for tokens in map(evaluator.scored_tokens, documents):
                logits = exact.all_logits([evaluator.bos, *tokens[:-1]])
                nats += float(cross_entropy(logits, tokens).sum())
            per_token = nats / score.n_tokens
        above = 100 * (score.nats_per_token / per_token - 1)
        rows.append(
            Row(
                "Loss in nats per token by quantising",
                f"{bits} bits: {score.nats_per_token:.4f}, {score.n_tokens:,} tokens",
                f"above float32: {per_token:.4f}",
                Samples((above,)),
                "%",
                *targets[bits],
            )
        )
    return rows
