"""Measure the model with the font's own engine and write the tables of ``model/CARD.md``.

    python -m model.evaluation.evaluate --heldout heldout.txt.xz --compare stories260K.bin \\
        --training-text corpus/train/*.txt.xz --quantisers --card model/CARD.md

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
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.progress import track

from fontgen.check.evaluation import Evaluator, Score, total
from fontgen.llama import checkpoints
from fontgen.llama.loss import cross_entropy
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.sampler import Options, sample
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine
from model.data.sources import read_stories
from model.evaluation.quantisers import markdown, read_text, report
from model.evaluation.story_checks import CHECKS, Story, check, read_prompts, training_words

HERE = Path(__file__).parent
CONTEXT = 256
"""Tokens of a story that the held-out figures look at, whatever the model's own context is."""
FIRST = 120
"""The held-out figures are given for so many stories, and for all."""
QUANTISER_STORIES = 60
GREEDY, SAMPLED = Options(), Options(temperature=80, top_p=90)
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"


class Storyteller:
    """A checkpoint and the engine that a font runs it with: 8-bit weights, a scale per row."""

    def __init__(self, name: str, checkpoint: str, tokenizer: str | None = None) -> None:
        self.name = name
        self.model = checkpoints.load(checkpoint, tokenizer=tokenizer)
        module, table = shaper_module("simd128"), write_model(quantise(self.model))
        self.engine = Engine(module, table)
        self.evaluator = Evaluator(module, table)
        self.evaluator.context_length = CONTEXT
        self.decode = ReferenceTokenizer(self.model.vocabulary).decode

    def continue_prompt(self, prompt: str, options: Options) -> Story:
        """Continue as the font does, until the model ends the story or its context is full."""
        vocabulary = self.model.vocabulary
        tokens = [vocabulary.bos or 1, *self.engine.encode(prompt)]
        told, ended = b"", False
        while not ended and len(tokens) <= self.model.config.context_length:
            token = sample(self.engine.logits(tokens), tokens, options)
            ended = token in (vocabulary.bos, vocabulary.eos)
            tokens.append(token)
            told += self.decode(token)
        return Story(prompt, told.decode(errors="replace"), ended)

    def scores(self, stories: Sequence[str]) -> tuple[list[Score], list[Score]]:
        """Each story's score by the float32 weights, and by the engine, over the same tokens."""
        reference = FloatModel(self.model)
        by_weights, by_engine = [], []
        for story in track(stories, self.name, disable=not sys.stderr.isatty()):
            score = self.evaluator.score(story)
            tokens = self.evaluator.scored_tokens(story)
            logits = reference.all_logits([self.evaluator.bos, *tokens[:-1]])
            by_engine.append(score)
            nats = float(cross_entropy(logits, tokens).sum())
            by_weights.append(replace(score, nats=nats))
        return by_weights, by_engine


def heldout_table(
    storytellers: list[Storyteller], stories: list[str]
) -> tuple[str, dict[str, dict[str, float]]]:
    """The table, and the figures in it by row and text."""
    lines = [
        "| model | arithmetic | text | tokens | bytes | nats per token | bits per byte |",
        "|---|---|---|---|---|---|---|",
    ]
    figures = {}
    for teller in storytellers:
        by_weights, by_engine = teller.scores(stories)
        for way, scores in (("float32", by_weights), ("the font's engine, 8 bits", by_engine)):
            for count in sorted({min(FIRST, len(stories)), len(stories)}):
                result = total(scores[:count])
                figures[f"{teller.name}, {way}, first {count}"] = result.as_dict()
                lines.append(
                    f"| {teller.name} | {way} | first {count} stories | {result.n_tokens:,} | "
                    f"{result.n_bytes:,} | {result.nats_per_token:.4f} | "
                    f"{result.bits_per_byte:.4f} |"
                )
    return "\n".join(lines) + "\n", figures


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
    parser.add_argument(
        "--model", default=str(HERE.parent), help="checkpoint (default: the one in model/)"
    )
    parser.add_argument("--tokenizer", help="where none lies beside the checkpoint")
    parser.add_argument("--compare", help="a second checkpoint on the same held-out text")
    parser.add_argument("--heldout", type=Path, help="held-out stories (text, plain or .xz)")
    parser.add_argument("--stories", type=int, help="only the first so many held-out stories")
    parser.add_argument(
        "--quantisers", action="store_true", help="also what each quantiser costs (slow)"
    )
    parser.add_argument("--training-text", type=Path, nargs="*", default=[])
    parser.add_argument("--card", type=Path, help="card whose tables are replaced; else stdout")
    parser.add_argument("--json", type=Path, help="also write every figure and story as JSON")
    arguments = parser.parse_args()

    this = Storyteller("this model", arguments.model, arguments.tokenizer)
    text = ""
    figures: dict[str, dict[str, float]] = {}
    if arguments.heldout:
        tellers = [this]
        if arguments.compare:
            tellers.append(Storyteller(Path(arguments.compare).stem, arguments.compare))
        stories = read_stories(arguments.heldout)[: arguments.stories]
        table, figures = heldout_table(tellers, stories)
        text += f"### Held-out text\n\n{table}\n"
        for teller in tellers if arguments.quantisers else []:
            some = read_text(teller.model, arguments.heldout, QUANTISER_STORIES)
            rows = markdown(list(report(teller.model, some)))
            title = f"### What quantising costs: {teller.name}, {QUANTISER_STORIES} stories"
            text += f"{title}\n\n{rows}\n"

    prompts = read_prompts()
    known_words = training_words(arguments.training_text)
    runs: dict[str, list[Story]] = {}
    for label, options in (("greedy", GREEDY), ("sampled", SAMPLED)):
        runs[label] = []
        shown = track(prompts, label, disable=not sys.stderr.isatty())
        for seed, (prompt, characters) in enumerate(shown):
            story = this.continue_prompt(prompt, replace(options, seed=seed))
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
