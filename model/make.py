"""From text to weights, evaluation and card, with one command and a budget:

    python -m model.make 15                  # hours

The text is in ``corpus/`` (``recipes/train.toml`` names the files), the teacher's base is downloaded once
(``recipes/teacher.toml``). Everything goes to ``build/model``: what is done is known there, and the same command
goes on behind it. In the end the weights are in ``build/model/export``, and with ``--install`` in ``model/``, the
card's tables measured anew.

``make.toml`` beside the recipes shares the budget out: the teacher learns TinyStories; it writes stories, and keeps
what passes the checks; it says what it expects of each token of real stories; the student learns from all of that, in
runs at whose mean the next ones begin; it learns from its own stories in rounds. Each step may be left out
(``--without``), to see what it is worth.

Where there is a GPU, ``--recipes model/recipes/gpu`` has the teacher beside the student, which it tells at each token
what it expects, and a quarter of an hour is enough:

    python -m model.make 0.2 --recipes model/recipes/gpu
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import sentencepiece

from fontgen.errors import FontgenError
from fontgen.typed_toml import read_toml
from model.data.batches import Stories
from model.data.overlap import HeldOut
from model.data.prepare import prepare
from model.data.shards import has_stories, token_files
from model.data.sources import stories_of
from model.evaluation.evaluate import BEGIN, END
from model.evaluation.evaluate import main as evaluate
from model.recipe import Recipe, Source, read_recipe
from model.training.average import average
from model.training.calibrate import calibrate
from model.training.distill import TAUGHT, Author, Teachers
from model.training.export import export
from model.training.selection import select
from model.training.self_training import tell_round
from model.training.team import Team, own_device
from model.training.train import train
from model.training.validation import validation_loss
from model.training.weights import load_model

HERE = Path(__file__).parent
REAL_SHARE = 0.6
"""Of a target in real stories, that the teacher's expectation makes up; it has read them."""
TOP_P = 0.95
SHARED = {"teacher", "write", "judge", "student", "rounds"}
"""The steps that take their time from the budget."""


@dataclass(frozen=True)
class Runs:
    """How often a model is trained: runs begin alike, with other seeds, and the next ones at their mean, which has
    less loss than each.

    Attributes:
        generations: of runs.
        twins: runs of a generation.
    """

    generations: int = 1
    twins: int = 1

    def __post_init__(self) -> None:
        if self.generations < 1 or self.twins < 1:
            raise FontgenError("a model is trained once at least: generations and twins")


@dataclass(frozen=True)
class Rounds:
    """How the student learns from its own stories.

    Attributes:
        rounds: so often.
        stories: that it tells in a round.
        share: of the weights after a round, that are the round's; the others are those before.
    """

    rounds: int = 2
    stories: int = 500
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 0 < self.share <= 1:
            raise FontgenError("[rounds]: one at least, of a share between 0 and 1")


@dataclass(frozen=True)
class Plan:
    """``make.toml``: what each step is.

    Attributes:
        shares: of the budget, by step; what is left out gives its share to the student.
        teacher, student, rounds: how often they are trained.
    """

    shares: dict[str, float]
    teacher: Runs = field(default_factory=Runs)
    student: Runs = field(default_factory=Runs)
    rounds: Rounds = field(default_factory=Rounds)

    def __post_init__(self) -> None:
        if self.shares.keys() != SHARED:
            raise FontgenError(f"[shares]: are of {', '.join(sorted(SHARED))}")


class Making:
    """One run through all steps.

    Args:
        recipes: folder of ``make.toml``, ``teacher.toml``, ``student.toml`` and ``refine.toml``.
        folder: where everything goes.
        hours: the budget.
        without: steps that are left out.

    Raises `FontgenError` for a plan that is none.
    """

    def __init__(self, recipes: Path, folder: Path, hours: float, without: set[str]) -> None:
        self.recipes, self.folder = recipes, folder
        self.without = without
        self.plan = read_toml(recipes / "make.toml", Plan)
        shares = {name: share for name, share in self.plan.shares.items() if name not in without}
        shares["student"] += 1 - sum(shares.values())
        self.minutes = {name: 60 * hours * share for name, share in shares.items()}
        self.journal = folder / "make.json"
        self.done: dict[str, float] = {}
        if self.journal.exists():
            self.done = json.loads(self.journal.read_text())

    def recipe(self, name: str, minutes: float, **train: object) -> Recipe:
        """A recipe with its run, its data and its teacher in this folder."""
        run = str(self.folder / str(train.pop("run", name)))
        # The recipes think of torchrun, with a process for each core; here one process has them all.
        threads = os.cpu_count()
        path = self.recipes / f"{name}.toml"
        read = read_recipe(path, minutes=minutes, run=run, threads=threads, **train)
        if read.train.teacher:
            teacher = None if "teacher" in self.without else str(self.teacher_weights)
            read = replace(read, train=replace(read.train, teacher=teacher))
        return replace(read, data=replace(read.data, folder=str(self.folder / "data")))

    @property
    def teacher_weights(self) -> Path:
        """Where the teacher is, once it is."""
        return self.folder / "teacher-export"

    def averaged(self, name: str, runs: Runs) -> None:
        """Train a recipe as often as that; the last mean is in ``NAME-export`` then.

        Runs that have gone too far apart have no good mean: then the best of them takes its place.
        """
        minutes = self.minutes[name] / (runs.generations * runs.twins)
        seed = self.recipe(name, minutes).train.seed
        start: dict[str, object] = {}
        for generation in range(runs.generations):
            parts = []
            for number in range(generation * runs.twins, (generation + 1) * runs.twins):
                run = f"{name}-{number}"
                train(self.recipe(name, minutes, run=run, seed=seed + number, **start))
                parts.append((1 / runs.twins, self.folder / f"{run}-export"))
                export(self.folder / run, parts[-1][1])
            last = generation == runs.generations - 1
            mean = self.folder / (f"{name}-export" if last else f"{name}-mean-{generation}")
            average(parts, mean)
            losses = {
                folder: self.validation_loss(folder) for folder in [mean, *(p for _, p in parts)]
            }
            best = min(losses, key=lambda folder: losses[folder])
            if best != mean:
                average([(1.0, best)], mean)
            print(f"{name}: {losses[mean]:.4f} the mean, {losses[best]:.4f} the best", flush=True)
            start = {"start": str(mean)}

    def validation_loss(self, weights: Path) -> float:
        """Nats per token of the stories that were kept aside."""
        model = load_model(weights).to(own_device())
        stories = Stories(token_files(self.folder / "data", "valid"), model.config.max_seq_len, 0)
        return validation_loss(model, stories, Team())

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
        # Two sources may be parts of one file.
        return [
            Path(path)
            for path in dict.fromkeys(
                source.path for source in recipe.data.sources if source.name in taken
            )
            if path
        ]

    def teachers(self) -> Teachers:
        """The teacher, as it writes."""
        vocabulary = sentencepiece.SentencePieceProcessor(
            model_file=str(self.folder / "data" / "tokenizer.model")
        )
        return Teachers([load_model(self.teacher_weights)], vocabulary, top_p=TOP_P)

    def write(self) -> None:
        """The teacher writes stories."""
        recipe = self.recipe("student", 1.0)
        left_out = (Source("held out", path=path) for path in recipe.data.leave_out)
        held_out = HeldOut(story for source in left_out for story in stories_of(source))
        judging = not recipe.train.teacher
        author = Author(self.teachers(), self.texts(), held_out, judging=judging)
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

    def rounds(self) -> None:
        """The student learns from its own stories; after each round, a part of it is what it was.

        It is calibrated before: what it tells is drawn from what it says.
        """
        weights = self.folder / "student-calibrated"
        self.calibrate(self.folder / "student-export", weights)
        if has_stories(self.folder / "data", TAUGHT):
            select(self.folder / "data", self.texts())
        plan, before = self.plan.rounds, list[Path]()
        for number in range(plan.rounds):
            told = self.folder / f"round-{number}"
            tell_round(weights, self.texts(), plan.stories, 700 + number, told, before)
            before.append(told)
            for path in told.glob("*.npy"):
                (self.folder / "data" / path.name).write_bytes(path.read_bytes())
            run = f"refined-{number}"
            minutes = 0.7 * self.minutes["rounds"] / plan.rounds
            train(self.recipe("refine", minutes, run=run, start=str(weights), seed=700 + number))
            refined = self.folder / f"refined-{number}-export"
            export(self.folder / run, refined)
            parts = [(1 - plan.share, weights), (plan.share, refined)]
            average(parts, self.folder / f"mean-{number}")
            weights = self.folder / f"mean-{number}"

    def finish(self) -> None:
        """Calibrate the last weights."""
        last = self.folder / f"mean-{self.plan.rounds.rounds - 1}"
        if "rounds" in self.without:
            last = self.folder / "student-export"
        self.calibrate(last, self.folder / "export")

    def calibrate(self, weights: Path, output: Path) -> None:
        """Weights at the temperature that suits the stories that were kept aside."""
        calibrate(weights, token_files(self.folder / "data", "valid")[0], output)

    def go(self, until: str | None = None) -> Path:
        steps: dict[str, Callable[[], object]] = {
            "prepare": lambda: prepare(self.recipe("student", 1.0).data),
            "teacher": lambda: self.averaged("teacher", self.plan.teacher),
            "write": self.write,
            "judge": self.judge,
            "student": lambda: self.averaged("student", self.plan.student),
            "rounds": self.rounds,
            "finish": self.finish,
        }
        if self.recipe("student", 1.0).train.teacher:
            del steps["judge"]  # it does when the student learns
        for name, work in steps.items():
            self.step(name, work)
            if name == until:
                break
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
    parser.add_argument("--until", choices=["teacher", "write", "student"], help="stop behind it")
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
        weights = making.go(arguments.until)
        if arguments.until:
            return
        print(f"{weights}: the weights")
        if arguments.install:
            teacher = None if "teacher" in without else making.teacher_weights
            install(weights, making.recipe("student", 1.0), teacher)
    except (FontgenError, FileNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
