"""Measure the model with the font's own engine and write the tables of ``model/CARD.md``.

    python -m model.evaluation.evaluate --heldout heldout.txt.xz --compare stories260K.bin \\
        --training-text corpus/train/*.txt.xz --teacher build/model/teacher/best --quantisers --card model/CARD.md

Stories on held-out text are cut at 256 tokens and each stands alone: BOS, then the story; the loss
is taken on the story's tokens and not on its end. Bits per byte divide that loss by the bytes of
the text that those tokens spell. Whatever vocabulary a model has, its 256 tokens are its own.

Continuations of 100 fixed prompts (``prompts.tsv``: a prompt and the characters that it introduces) are read three
times: greedy; sampled at temperature 0.8 with top-p 0.9, one seed for each prompt, as in earlier cards; and as the
default font samples, three seeds for each. No sequence of eight tokens comes twice in them, as in the font. Of each
are told the checks (``model/stories/checks.py``), the variety (``variety.py``), and sense: by rules (``sense.py``)
and, with ``--teacher``, by a larger model's likelihood (``judge.py``). What is not given is not measured: without
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

from fontgen.check.evaluation import total
from fontgen.config import read_config
from fontgen.llama.reference.sampler import SAMPLING, Options
from model.data.sources import read_stories
from model.evaluation.quantisers import markdown, read_text, report
from model.evaluation.sense import JUDGED_AFTER, Sense, agreement, sense
from model.evaluation.storyteller import Storyteller
from model.evaluation.variety import variety
from model.stories.checks import CHECKS, Story, check, read_prompts, training_words

HERE = Path(__file__).parent
ELSEWHERE = HERE / "elsewhere.txt"
"""Beginnings that are none of a children's story."""
FIRST = 120
"""The held-out figures are given for so many stories, and for all."""
QUANTISER_STORIES = 60
DEFAULT_FONT = HERE.parents[1] / "fonts" / "llama.toml"
SEEDS = 3
"""Continuations of each prompt, as the default font samples."""
SENSE = {
    "hero_acts": "the hero does something",
    "nobody_addresses_itself": "nobody speaks to themselves",
    "things_keep_their_names": "things keep their names",
}
BEGIN, END = "<!-- evaluation: begin -->", "<!-- evaluation: end -->"


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


def share(count: float, total: int) -> str:
    """``count`` of ``total`` as a percentage, or as it is where the total is a hundred."""
    return f"{count:.0f}" if total == 100 else f"{100 * count / max(total, 1):.1f} %"


def checks_table(runs: dict[str, list[Story]]) -> str:
    """The checks of every run: of a hundred, or in per cent."""
    heads = (f"{name}, {len(run)}" for name, run in runs.items())
    table = f"| check | {' | '.join(heads)} |\n|---|{'---|' * len(runs)}\n"
    for name, label in CHECKS.items():
        passed = (
            share(sum(getattr(story, name) for story in run), len(run)) for run in runs.values()
        )
        table += f"| {label} | {' | '.join(passed)} |\n"
    passed = (f"**{share(sum(story.passes for story in run), len(run))}**" for run in runs.values())
    return table + f"| **all of them** | {' | '.join(passed)} |\n"


def variety_table(runs: dict[str, list[Story]]) -> str:
    """Different words, and sequences that another continuation has, too."""
    table = "| continuations | words | different words | six-word sequences shared |\n|---|---|---|---|\n"
    some = {f"{name}, {len(run)}": run for name, run in runs.items()}
    # The more texts, the more they share: the first hundred may be held against the others.
    some |= {f"{name}, the first 100": run[:100] for name, run in runs.items() if len(run) > 100}
    for name, run in some.items():
        figures = variety([story.text for story in run])
        table += (
            f"| {name} | {figures.n_words:,} | {figures.n_distinct:,} "
            f"| {100 * figures.shared:.1f} % |\n"
        )
    return table


def sense_table(
    runs: dict[str, list[Story]], characters: dict[str, list[str]]
) -> tuple[str, dict[str, list[Sense]]]:
    """What the rules say of every run, how they agree with a reader, and every single finding."""
    found = {
        name: [sense(story.prompt, story.text, characters[story.prompt]) for story in run]
        for name, run in runs.items()
    }
    table = f"| rule | {' | '.join(found)} | agrees with a reader | faults found | wrongly found | on 25 others |\n"
    table += f"|---|{'---|' * (len(found) + 4)}\n"
    after = agreement(JUDGED_AFTER)
    for name, agreed in agreement().items():
        good = (share(sum(getattr(each, name) for each in run), len(run)) for run in found.values())
        table += (
            f"| {SENSE[name]} | {' | '.join(good)} | {agreed.alike} of 100 "
            f"| {agreed.found} of {agreed.faults} | {agreed.wrongly} | {after[name].alike} |\n"
        )
    return table, found


def likelihood_table(
    teacher: Path, vocabulary: Path, runs: dict[str, list[Story]], heldout: Sequence[str]
) -> str:
    """What a teacher thinks of every run, and of stories that people's models wrote for TinyStories."""
    from model.evaluation.judge import Judge, real_continuations  # PyTorch is not needed otherwise

    judge = Judge(teacher, vocabulary)
    table = "| continuations | the teacher's nats per token | bits per byte |\n|---|---|---|\n"
    some = {name: run[:100] for name, run in runs.items()}
    if heldout:
        some["held-out stories"] = real_continuations(heldout, 100)
    for name, run in some.items():
        judged = judge.judge(run)
        table += f"| {name} | {judged.nats_per_token:.3f} | {judged.bits_per_byte:.3f} |\n"
    return table


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


def sampled_as(font: Path) -> Options:
    """How the font of a configuration chooses its tokens."""
    settings = read_config(font).settings()
    return Options(**{name: getattr(settings, name) for name in SAMPLING})


def told_elsewhere(teller: Storyteller, options: Options) -> str:
    """What comes of beginnings that are none of a children's story."""
    text = ""
    for prompt in ELSEWHERE.read_text().splitlines():
        told = teller.continue_prompt(prompt, options).text
        shown = re.sub(r"\s+", " ", told)[:200].replace("|", "\\|")
        text += f"| {prompt} | {shown.strip()} |\n"
    return f"| beginning | how it goes on |\n|---|---|\n{text}"


def continue_prompts(
    teller: Storyteller, default: Options, known_words: set[str]
) -> dict[str, list[Story]]:
    """The prompts continued greedily, sampled as in earlier cards, and as the default font samples: checked."""
    prompts = read_prompts()
    ways = {
        "greedy": (Options(), 1),
        "sampled, 0.8": (Options(temperature=80, top_p=90), 1),
        "default": (default, SEEDS),
    }
    runs: dict[str, list[Story]] = {}
    for name, (options, seeds) in ways.items():
        runs[name] = []
        each = [(prompt, seed) for seed in range(seeds) for prompt in enumerate(prompts)]
        for (number, (prompt, characters)), seed in track(
            each, name, disable=not sys.stderr.isatty()
        ):
            drawn = replace(options, seed=number + 1000 * seed)
            story = teller.continue_prompt(prompt, drawn)
            check(story, characters, known_words)
            runs[name].append(story)
    return runs


def heldout_sections(
    tellers: list[Storyteller], heldout: Path, stories: list[str], quantisers: bool
) -> tuple[str, dict[str, dict[str, float]]]:
    """The held-out table and those of the quantisers, and the figures of the first."""
    table, figures = heldout_table(tellers, stories)
    text = f"### Held-out text\n\n{table}\n"
    for teller in tellers if quantisers else []:
        some = read_text(teller.model, heldout, QUANTISER_STORIES)
        rows = markdown(list(report(teller.model, some)))
        title = f"### What quantising costs: {teller.name}, {QUANTISER_STORIES} stories"
        text += f"{title}\n\n{rows}\n\n"
    return text, figures


def evaluate(arguments: argparse.Namespace) -> tuple[str, dict[str, object]]:
    """The card's text, and everything in it as JSON would have it."""
    this = Storyteller("this model", arguments.model, arguments.tokenizer)
    heldout = read_stories(arguments.heldout)[: arguments.stories] if arguments.heldout else []
    text = ""
    figures: dict[str, dict[str, float]] = {}
    if heldout:
        tellers = [this]
        if arguments.compare:
            tellers.append(Storyteller(Path(arguments.compare).stem, arguments.compare))
        text, figures = heldout_sections(tellers, arguments.heldout, heldout, arguments.quantisers)
    known_words = training_words(arguments.training_text)
    default = sampled_as(arguments.font)
    runs = continue_prompts(this, default, known_words)
    text += f"### Story checks\n\n{checks_table(runs)}\n"
    if not known_words:
        text += "(Real words were not checked: no training text was given.)\n\n"
    text += f"### Variety\n\n{variety_table(runs)}\n"
    table, found = sense_table(runs, dict(read_prompts()))
    text += f"### Sense, by rules\n\n{table}\n"
    if arguments.teacher:
        vocabulary = arguments.tokenizer or HERE.parent / "tokenizer.model"
        table = likelihood_table(arguments.teacher, Path(vocabulary), runs, heldout)
        text += f"### Sense, by a teacher\n\n{table}\n"
    text += f"### Other beginnings\n\n{told_elsewhere(this, default)}\n"
    text += f"### Ten stories, as the default font tells them\n\n{printed(runs['default'])}"
    stories = {
        name: [asdict(story) | asdict(each) for story, each in zip(run, found[name], strict=True)]
        for name, run in runs.items()
    }
    return text, {"heldout": figures, "stories": stories}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--model", default=str(HERE.parent), help="checkpoint (default: the one in model/)"
    )
    parser.add_argument("--tokenizer", help="where none lies beside the checkpoint")
    parser.add_argument(
        "--font",
        type=Path,
        default=DEFAULT_FONT,
        help="configuration whose [sampling] is the default",
    )
    parser.add_argument("--compare", help="a second checkpoint on the same held-out text")
    parser.add_argument("--heldout", type=Path, help="held-out stories (text, plain or .xz)")
    parser.add_argument("--stories", type=int, help="only the first so many held-out stories")
    parser.add_argument(
        "--quantisers", action="store_true", help="also what each quantiser costs (slow)"
    )
    parser.add_argument("--training-text", type=Path, nargs="*", default=[])
    parser.add_argument("--card", type=Path, help="card whose tables are replaced; else stdout")
    parser.add_argument("--json", type=Path, help="also write every figure and story as JSON")
    parser.add_argument(
        "--teacher", type=Path, help="weights of a teacher, which judges the stories"
    )
    arguments = parser.parse_args(given)
    text, everything = evaluate(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))
    if arguments.card:
        card = arguments.card.read_text()
        before, rest = card.split(BEGIN)
        arguments.card.write_text(f"{before}{BEGIN}\n\n{text}{END}{rest.split(END)[1]}")
    else:
        print(text)


if __name__ == "__main__":
    main()
