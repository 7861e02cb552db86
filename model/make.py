"""From text to weights, evaluation and card, with one command and a budget:

    python -m model.make 15                  # hours

The text is in ``corpus/`` (``recipes/train.toml`` names the files), the teacher's base is downloaded once
(``recipes/teacher.toml``). Everything goes to ``build/model``: what is done is known there, and the same command
goes on behind it. In the end the weights are in ``build/model/export``, and with ``--install`` in ``model/``, the
card's tables measured anew.

The budget is shared out so (`SHARES`): the teacher learns TinyStories; it writes stories, and keeps what passes the
checks; it says what it expects of each token of real stories; the student learns from all of that, in runs at whose
mean the next ones begin; it learns from its own stories in rounds. Each step may be left out (``--without``), to see
what it is worth.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import sentencepiece

from fontgen.errors import FontgenError
from model.data.overlap import HeldOut
from model.data.prepare import prepare
from model.data.shards import token_files
from model.data.sources import stories_of
from model.evaluation.evaluate import BEGIN, END
from model.evaluation.evaluate import main as evaluate
from model.recipe import Recipe, Source, read_recipe
from model.training.average import average
from model.training.calibrate import calibrate
from model.training.checkpoints import BEST
from model.training.distill import Author, Teachers
from model.training.export import export
from model.training.self_training import tell_round
from model.training.train import train
from model.training.weights import load_model

HERE = Path(__file__).parent
SHARES = {"teacher": 0.25, "write": 0.28, "judge": 0.07, "student": 0.32, "rounds": 0.08}
"""Of the budget; what is left out gives its share to the student."""
REAL_SHARE = 0.6
"""Of a target in real stories, that the teacher's expectation makes up; it has read them."""
GENERATIONS, TWINS = 3, 2
"""Runs of the student begin alike, with other seeds, and the next ones at their mean, which has less loss than each."""
ROUNDS = 2
ROUND_STORIES = 500
TOP_P = 0.95


class Making:
    """One run through all steps.

    Args:
        recipes: folder of ``teacher.toml``, ``student.toml`` and ``refine.toml``.
        folder: where everything goes.
        hours: the budget.
        without: steps that are left out.
    """

    def __init__(self, recipes: Path, folder: Path, hours: float, without: set[str]) -> None:
        self.recipes, self.folder = recipes, folder
        self.without = without
        shares = {name: share for name, share in SHARES.items() if name not in without}
        shares["student"] += 1 - sum(shares.values())
        self.minutes = {name: 60 * hours * share for name, share in shares.items()}
        self.journal = folder / "make.json"
        self.done: dict[str, float] = {}
        if self.journal.exists():
            self.done = json.loads(self.journal.read_text())

    def recipe(self, name: str, minutes: float, **train: object) -> Recipe:
        """A recipe with its run and its data in this folder."""
        run = str(self.folder / str(train.pop("run", name)))
        # The recipes think of torchrun, with a process for each core; here one process has them all.
        threads = os.cpu_count()
        path = self.recipes / f"{name}.toml"
        read = read_recipe(path, minutes=minutes, run=run, threads=threads, **train)
        return replace(read, data=replace(read.data, folder=str(self.folder / "data")))

    def step(self, name: str, work: Callable[[], object]) -> None:
        """Do a step, unless it is done or left out."""
        if name in self.done or name in self.without:
            return
        print(f"== {name}", flush=True)
        began = time.monotonic()
        work()
        self.done[name] = round((time.monotonic() - began) / 60, 1)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal.write_text(json.dumps(self.done, indent=1) + "\n")

    def texts(self) -> list[Path]:
        """The files that the teacher learns from."""
        recipe = self.recipe("teacher", 1.0)
        taken = {name for phase in recipe.train.phases for name in phase.mixture}
        return [
            Path(source.path)
            for source in recipe.data.sources
            if source.path and source.name in taken
        ]

    def teachers(self) -> Teachers:
        """The teacher, as it writes."""
        vocabulary = sentencepiece.SentencePieceProcessor(
            model_file=str(self.folder / "data" / "tokenizer.model")
        )
        return Teachers([load_model(self.folder / "teacher" / BEST)], vocabulary, top_p=TOP_P)

    def write(self) -> None:
        """The teacher writes stories."""
        recipe = self.recipe("student", 1.0)
        left_out = (Source("held out", path=path) for path in recipe.data.leave_out)
        held_out = HeldOut(story for source in left_out for story in stories_of(source))
        author = Author(self.teachers(), self.texts(), held_out)
        author.write(self.folder / "data", recipe.train.seed, 10**9, self.minutes["write"])

    def judge(self) -> None:
        """The teacher judges real stories, as many as the time allows, source by source."""
        teachers, began = self.teachers(), time.monotonic()
        recipe = self.recipe("teacher", 1.0)
        for name in recipe.train.phases[-1].mixture:
            for path in token_files(self.folder / "data", name):
                if time.monotonic() - began > 60 * self.minutes["judge"]:
                    return
                if not path.with_suffix(".shares.npy").exists():
                    teachers.judge(path, REAL_SHARE)

    def student(self) -> None:
        """The student learns: in each generation, runs go on from the mean of those before."""
        minutes = self.minutes["student"] / (GENERATIONS * TWINS)
        seed = self.recipe("student", minutes).train.seed
        start: dict[str, object] = {}
        for generation in range(GENERATIONS):
            parts = []
            for number in range(generation * TWINS, (generation + 1) * TWINS):
                run = f"student-{number}"
                train(self.recipe("student", minutes, run=run, seed=seed + number, **start))
                parts.append((1 / TWINS, self.folder / f"{run}-export"))
                export(self.folder / run, parts[-1][1])
            last = generation == GENERATIONS - 1
            mean = self.folder / ("student-export" if last else f"student-mean-{generation}")
            average(parts, mean)
            start = {"start": str(mean)}

    def rounds(self) -> None:
        """The student learns from its own stories; after each round, half of it is what it was."""
        weights = self.folder / "student-export"
        before: list[Path] = []
        for number in range(ROUNDS):
            told = self.folder / f"round-{number}"
            tell_round(weights, self.texts(), ROUND_STORIES, 700 + number, told, before)
            before.append(told)
            for path in told.glob("*.npy"):
                (self.folder / "data" / path.name).write_bytes(path.read_bytes())
            run = f"refined-{number}"
            minutes = 0.7 * self.minutes["rounds"] / ROUNDS
            train(self.recipe("refine", minutes, run=run, start=str(weights), seed=700 + number))
            refined = self.folder / f"refined-{number}-export"
            export(self.folder / run, refined)
            average([(0.5, weights), (0.5, refined)], self.folder / f"mean-{number}")
            weights = self.folder / f"mean-{number}"

    def finish(self) -> None:
        """Calibrate the last weights."""
        last = self.folder / f"mean-{ROUNDS - 1}"
        if "rounds" in self.without:
            last = self.folder / "student-export"
        valid = token_files(self.folder / "data", "valid")[0]
        calibrate(last, valid, self.folder / "export")

    def go(self) -> Path:
        """Do what is not done yet; return the folder of the weights."""
        self.step("prepare", lambda: prepare(self.recipe("student", 1.0).data))
        if "teacher" not in self.without:
            self.step("teacher", lambda: train(self.recipe("teacher", self.minutes["teacher"])))
        self.step("write", self.write)
        self.step("judge", self.judge)
        self.step("student", self.student)
        self.step("rounds", self.rounds)
        self.step("finish", self.finish)
        return self.folder / "export"


def install(weights: Path, recipe: Recipe, teacher: Path | None) -> None:
    """Put weights in place of the default model's, and measure the card's tables anew."""
    for path in weights.iterdir():
        (HERE / path.name).write_bytes(path.read_bytes())
    texts = [source.path for source in recipe.data.sources if source.path]
    arguments = ["--card", str(HERE / "CARD.md"), "--training-text", *texts]
    if recipe.data.leave_out:
        arguments += ["--heldout", recipe.data.leave_out[0]]
    evaluate(arguments + (["--teacher", str(teacher)] if teacher else []))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("hours", type=float, help="the budget of all steps together")
    parser.add_argument("--folder", type=Path, default=Path("build/model"))
    parser.add_argument("--recipes", type=Path, default=HERE / "recipes")
    parser.add_argument(
        "--without", nargs="*", choices=["teacher", "write", "judge", "rounds"], default=[]
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help=f"into model/, and the card between {BEGIN} and {END}",
    )
    arguments = parser.parse_args()
    without = set(arguments.without)
    if "teacher" in without:
        without |= {"write", "judge"}
    try:
        making = Making(arguments.recipes, arguments.folder, arguments.hours, without)
        weights = making.go()
        print(f"{weights}: the weights")
        if arguments.install:
            teacher = None if "teacher" in without else arguments.folder / "teacher" / BEST
            install(weights, making.recipe("student", 1.0), teacher)
    except (FontgenError, FileNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
