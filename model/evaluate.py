#!/usr/bin/env python3
"""Measure the model with the font's own engine and write the tables of ``model/CARD.md``.

    python model/evaluate.py --heldout heldout.txt.xz --compare stories260K.bin \\
        --training-text corpus/train/*.txt.xz

Stories on held-out text are cut at 256 tokens and each stands alone: BOS, then the story; the loss
is taken on the story's tokens and not on its end. Bits per byte divide that loss by the bytes of
the text that those tokens spell. Whatever vocabulary a model has, its 256 tokens are its own.

The story checks read continuations of 100 fixed prompts (``prompts.tsv``: a prompt and the
characters that it introduces), greedy and sampled. What is not given is not measured: without
``--heldout`` the held-out table, without ``--training-text`` the check for real words is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from prepare import read_stories
from rich.progress import track

from fontgen import checkpoints
from fontgen.engine import Engine
from fontgen.model import Model
from fontgen.quantise import quantise
from fontgen.reference.float_model import FloatModel
from fontgen.shaper import shaper_module
from fontgen.table import write_model

HERE = Path(__file__).parent
CONTEXT = 256
"""Tokens of a story that the held-out figures look at, whatever the model's own context is."""
TEMPERATURE, TOP_P = 0.8, 0.9
REAL_WORDS = 0.98
"""Share of a story's words that must be in the training text to pass."""
LEAST_SEEN = 3
"""How often a word must be there to count as one."""
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"


@dataclass
class HeldOut:
    """Losses on held-out text. ``bytes`` are those of the text that the ``tokens`` spell."""

    stories: int
    tokens: int
    bytes: int
    nats: float

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.tokens

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.bytes


@dataclass
class Story:
    """A continuation and what the checks say of it."""

    prompt: str
    text: str
    ended: bool
    no_repetition: bool = False
    characters_stay: bool = False
    real_words: bool = True

    @property
    def passes(self) -> bool:
        return self.ended and self.no_repetition and self.characters_stay and self.real_words

    @property
    def failed(self) -> list[str]:
        return [label for name, label in CHECKS.items() if not getattr(self, name)]


CHECKS = {
    "ended": "ends by itself",
    "no_repetition": "no 8 words twice in a row",
    "characters_stay": "characters stay",
    "real_words": f"at least {REAL_WORDS:.0%} real words",
}


def open_engine(model: Model) -> Engine:
    """The engine that the font would run, with 8-bit weights, one scale per row."""
    return Engine(shaper_module("simd128"), write_model(quantise(model)))


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def measure(
    model: Model, engine: Engine, logits_of: Callable[[list[int]], np.ndarray], story: str
) -> HeldOut:
    """One story's loss; ``logits_of`` gives logits (n, vocab_size) after each of n tokens."""
    targets = engine.encode(story)[:CONTEXT]
    logits = logits_of([model.vocabulary.bos or 1, *targets[:-1]])
    nats = -log_probabilities(logits)[np.arange(len(targets)), targets].sum()
    return HeldOut(1, len(targets), spelled_bytes(model, targets), float(nats))


def spelled_bytes(model: Model, tokens: Sequence[int]) -> int:
    """Bytes of the text that tokens spell, without the space put before it."""
    pieces = [model.vocabulary.pieces[token] for token in tokens]
    text = b"".join(b"?" if re.fullmatch(rb"<0x[0-9A-F]{2}>", p) else p for p in pieces)
    return len(text.removeprefix(b" ") if model.vocabulary.add_dummy_prefix else text)


def add(results: Iterable[HeldOut]) -> HeldOut:
    columns = zip(*(tuple(asdict(result).values()) for result in results), strict=True)
    return HeldOut(*(sum(column) for column in columns))  # type: ignore[arg-type]


def engine_logits(engine: Engine) -> Callable[[list[int]], np.ndarray]:
    return lambda tokens: np.stack([engine.logits(tokens[: n + 1]) for n in range(len(tokens))])


def sample(logits: np.ndarray, rng: np.random.Generator | None) -> int:
    """The most likely token, or with ``rng`` one drawn at TEMPERATURE from the TOP_P nucleus."""
    if rng is None:
        return int(np.argmax(logits))
    probabilities = np.exp(log_probabilities(logits / TEMPERATURE))
    order = np.argsort(-probabilities, kind="stable")
    cumulative = np.cumsum(probabilities[order])
    kept = order[: int(np.searchsorted(cumulative, TOP_P)) + 1]
    return int(rng.choice(kept, p=probabilities[kept] / probabilities[kept].sum()))


def continue_prompt(
    model: Model, engine: Engine, prompt: str, rng: np.random.Generator | None
) -> Story:
    """Continue as the font does, until the model ends the story or its context is full."""
    vocabulary = model.vocabulary
    tokens = [vocabulary.bos or 1, *engine.encode(prompt)]
    pieces: list[bytes] = []
    while len(tokens) <= model.config.context_length:
        token = sample(engine.logits(tokens), rng)
        if token in (vocabulary.bos, vocabulary.eos):
            break
        tokens.append(token)
        piece = vocabulary.pieces[token]
        byte = re.fullmatch(rb"<0x([0-9A-F]{2})>", piece)
        pieces.append(bytes.fromhex(byte[1].decode()) if byte else piece)
    ended = len(tokens) <= model.config.context_length
    return Story(prompt, b"".join(pieces).decode(errors="replace"), ended)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:'[a-z]+)?", text.lower())


def training_words(paths: Sequence[Path]) -> set[str]:
    counts: Counter[str] = Counter()
    for path in paths:
        for story in read_stories(path):
            counts.update(words_of(story))
    return {word for word, count in counts.items() if count >= LEAST_SEEN}


def check(story: Story, characters: list[str], known_words: set[str]) -> None:
    """Fill in the checks of a story.

    - No sequence of 8 words comes twice.
    - Every character that the prompt introduces is named in the second half of the continuation,
      or anywhere in one of less than 40 words. A name that the story gives the first character
      ("named Lily", "called Lily", "name was Lily") counts as that character.
    - At least 98 % of the words are in the training text three times or more.
    """
    words = words_of(story.text)
    grams = Counter(tuple(words[i : i + 8]) for i in range(len(words) - 7))
    story.no_repetition = bool(words) and max(grams.values(), default=0) < 2
    where = words[len(words) // 2 :] if len(words) >= 40 else words
    given = re.search(r"\b(?:named|called|name was) ([A-Z][a-z]+)", story.text)
    stays = []
    for index, character in enumerate(characters):
        names = {character.lower()}
        if given and index == 0:
            names.add(given[1].lower())
        forms = names | {name + end for name in names for end in ("s", "es", "'s")}
        stays.append(any(word in forms for word in where))
    story.characters_stay = all(stays)
    if known_words and words:
        story.real_words = sum(word in known_words for word in words) >= REAL_WORDS * len(words)


def heldout_table(
    named: list[tuple[str, Model, Engine]], stories: list[str]
) -> tuple[str, dict[str, list[float]]]:
    """The table and, by row, [nats, bits per byte] of the first 120 stories and of all."""
    table = (
        f"| model | weights | nats per token, first 120 stories | bits per byte | "
        f"nats per token, all {len(stories)} | bits per byte |\n|---|---|---|---|---|---|\n"
    )
    figures = {}
    for name, model, engine in named:
        reference = FloatModel(model)
        for weights, logits_of in (
            ("float32", reference.all_logits),
            ("8 bits per row, in the font's engine", engine_logits(engine)),
        ):
            label = f"{name}, {weights}"
            shown = track(stories, label, disable=not sys.stderr.isatty())
            results = [measure(model, engine, logits_of, story) for story in shown]
            first, every = add(results[:120]), add(results)
            figures[label] = [first.nats_per_token, first.bits_per_byte]
            figures[label] += [every.nats_per_token, every.bits_per_byte]
            table += (
                f"| {name} | {weights} | {first.nats_per_token:.3f} | {first.bits_per_byte:.3f} | "
                f"{every.nats_per_token:.3f} | {every.bits_per_byte:.3f} |\n"
            )
    return table, figures


def checks_table(runs: dict[str, list[Story]]) -> str:
    table = f"| check | {' | '.join(runs)} |\n|---|{'---|' * len(runs)}\n"
    for name, label in CHECKS.items():
        passed = (str(sum(getattr(story, name) for story in run)) for run in runs.values())
        table += f"| {label} | {' | '.join(passed)} |\n"
    passed = (f"**{sum(story.passes for story in run)}**" for run in runs.values())
    return table + f"| **all of them** | {' | '.join(passed)} |\n"


def printed(stories: list[Story], count: int = 10) -> str:
    """Up to five stories that fail, the others that pass, in the order of the prompts."""
    bad = [story for story in stories if not story.passes][: count // 2]
    good = [story for story in stories if story.passes][: count - len(bad)]
    text = ""
    for story in good + bad:
        verdict = "passes" if story.passes else f"fails: {', '.join(story.failed)}"
        body = re.sub(r"\s*\n\s*", "\n>\n> ", story.text.strip())
        space = " " if story.text[:1].isspace() else ""  # without: the word goes on
        text += f"*{verdict}*\n\n> **{story.prompt}**{space}{body}\n\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(HERE), help="checkpoint (default: this folder)")
    parser.add_argument("--compare", help="a second checkpoint on the same held-out text")
    parser.add_argument("--heldout", type=Path, help="held-out stories (text, plain or .xz)")
    parser.add_argument("--stories", type=int, help="only the first so many held-out stories")
    parser.add_argument("--training-text", type=Path, nargs="*", default=[])
    parser.add_argument("--card", type=Path, help="card whose tables are replaced; else stdout")
    parser.add_argument("--json", type=Path, help="also write every figure and story as JSON")
    arguments = parser.parse_args()

    model = checkpoints.load(arguments.model)
    engine = open_engine(model)
    text = ""
    figures: dict[str, list[float]] = {}
    if arguments.heldout:
        named = [("this model", model, engine)]
        if arguments.compare:
            other = checkpoints.load(arguments.compare)
            named.append((Path(arguments.compare).stem, other, open_engine(other)))
        stories = read_stories(arguments.heldout)[: arguments.stories]
        table, figures = heldout_table(named, stories)
        text += f"### Held-out text\n\n{table}\n"

    lines = (HERE / "prompts.tsv").read_text().splitlines()
    prompts = [(line.split("\t")[0], line.split("\t")[1].split()) for line in lines]
    known_words = training_words(arguments.training_text)
    runs: dict[str, list[Story]] = {}
    for label, seeded in (("greedy", False), (f"sampled ({TEMPERATURE}, top-p {TOP_P})", True)):
        runs[label] = []
        shown = track(prompts, label, disable=not sys.stderr.isatty())
        for index, (prompt, characters) in enumerate(shown):
            rng = np.random.default_rng(index) if seeded else None
            story = continue_prompt(model, engine, prompt, rng)
            check(story, characters, known_words)
            runs[label].append(story)
    text += f"### Story checks, of {len(prompts)} continuations\n\n{checks_table(runs)}\n"
    if not known_words:
        text += "(Real words were not checked: no training text was given.)\n\n"
    text += f"### Ten stories, greedy\n\n{printed(runs['greedy'])}"

    if arguments.json:
        every = {label: [asdict(story) for story in run] for label, run in runs.items()}
        arguments.json.write_text(json.dumps({"heldout": figures, "stories": every}, indent=1))
    if arguments.card:
        card = arguments.card.read_text()
        before, rest = card.split(BEGIN)
        arguments.card.write_text(f"{before}{BEGIN}\n\n{text}{END}{rest.split(END)[1]}")
    else:
        print(text)


if __name__ == "__main__":
    main()
