"""Let teachers write stories, and say of each token what they would have expected in its place.

    python -m model.training.distill build/model/teacher/best --tokenizer model/tokenizer.model \\
        --openings corpus/train/tinystories*.txt.xz --minutes 240 --folder build/model/data

One teacher or several, which share a vocabulary with whoever learns from them; the mean of models that were trained
apart is better than each, but a font has room for one. They write new stories, turn by turn, from a few first words
of stories of the text. What passes the story checks and is neither held out nor told before is kept. Written for
``train.py``, a shard for every 128 openings:

- ``taught/00000.npy``: the stories' tokens, BOS before each story and once more at the end;
- ``taught/00000.likely.npy``, uint16 of shape (tokens, k): the tokens that the mean of the teachers holds most
  likely at each place, the first one of a story aside;
- ``taught/00000.shares.npy``, float16 of the same shape: their probabilities, which add up to 1 at most.

Interrupted, the same command goes on behind the last shard. With ``--judge NAME.npy`` they write nothing new, and say
what they expect in an old token file: ``NAME.likely.npy`` and ``NAME.shares.npy``. Where they have seen that text,
``--share 0.6`` leaves 0.4 of each target to the token that stands there.

Sources: Hinton et al. 2015, "Distilling the knowledge in a neural network" (arXiv:1503.02531); Kim and
Rush 2016, "Sequence-level knowledge distillation" (arXiv:1606.07947).
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from rich.progress import track

from model.data.overlap import HeldOut, opening_of
from model.data.shards import ShardWriter, stories_in, story_starts
from model.data.sources import read_stories
from model.data.vocabulary import BOS
from model.stories.checks import Story, check, training_words
from model.stories.openings import Opening, Openings
from model.training.generation import generate
from model.training.memory import keep_freed_memory
from model.training.network import Transformer
from model.training.team import own_device
from model.training.weights import load_model

WRITTEN = {"cpu": 128, "cuda": 4096}
"""Stories that are written side by side, and one shard of those that are kept, by the kind of device."""
JUDGED = {"cpu": 16, "cuda": 128}
"""Stories that are judged side by side."""
NO_REPEAT = 8
TAUGHT = "taught"


class Teachers:
    """Models that share a vocabulary, and how they write.

    Args:
        models: who write, turn by turn, and judge together.
        tokenizer: their vocabulary.
        likely: how many tokens are kept at each place.
        temperature, top_p: at which they write.
    """

    def __init__(
        self,
        models: Sequence[Transformer],
        tokenizer: sentencepiece.SentencePieceProcessor,
        likely: int = 32,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> None:
        self.device = torch.device(own_device())
        self.models = [model.to(self.device) for model in models]
        self.tokenizer = tokenizer
        self.likely = likely
        self.temperature, self.top_p = temperature, top_p

    def tell(self, openings: list[Opening], turn: int, seed: int) -> list[tuple[Story, list[int]]]:
        """The continuations of openings, and their tokens, BOS first and not last."""
        prompts = [[BOS, *self.tokenizer.encode(opening.text)] for opening in openings]
        generator = torch.Generator().manual_seed(1_000_003 * seed + turn)
        teacher = self.models[turn % len(self.models)]
        with torch.autocast(self.device.type, torch.bfloat16):
            told = generate(
                teacher, prompts, BOS, self.temperature, self.top_p, generator, NO_REPEAT
            )
        stories = []
        for opening, prompt, tokens in zip(openings, prompts, told, strict=True):
            ended = tokens[-1] == BOS
            tokens = tokens[: len(tokens) - ended]
            begun = len(self.tokenizer.decode(prompt[1:]))
            text = self.tokenizer.decode(tokens[1:])[begun:]
            stories.append((Story(opening.text, text, ended), tokens))
        return stories

    @torch.no_grad()
    def expect(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The likeliest tokens at each place by the mean of the teachers' probabilities, and these.

        ``rows`` is int64 (batch, time). Returns int64 and float32 of shape (batch, time, likely), on the processor.
        """
        rows = rows.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            mean = sum(each.logits(rows).softmax(-1) for each in self.models) / len(self.models)
        shares, likely = torch.as_tensor(mean).topk(self.likely, -1)
        return likely.cpu(), shares.cpu()

    def judge(self, path: Path, share: float = 1.0) -> int:
        """Write what they expect in a token file beside it, as far as a story fits the context.

        Returns how many stories the file has.
        """
        length = self.models[0].config.max_seq_len + 1
        tokens = np.load(path, mmap_mode="r")
        # The BOS that ends a story begins the next one, and is judged as an end. Stories of like length
        # are judged side by side: less of a batch is empty.
        bounds = itertools.pairwise(story_starts(tokens).tolist())
        spans = [(start, min(end + 1, start + length)) for start, end in bounds]
        spans.sort(key=lambda span: span[1] - span[0])
        likely = np.zeros((len(tokens), self.likely), dtype=np.uint16)
        shares = np.zeros((len(tokens), self.likely), dtype=np.float16)
        side_by_side = JUDGED[self.device.type]
        starts = range(0, len(spans), side_by_side)
        for at in track(starts, path.name, disable=not sys.stderr.isatty()):
            part = spans[at : at + side_by_side]
            rows = torch.full((len(part), max(end - start for start, end in part) - 1), BOS)
            for row, (start, end) in zip(rows, part, strict=True):
                row[: end - start - 1] = torch.from_numpy(tokens[start : end - 1].astype(np.int64))
            for (start, end), tops, theirs in zip(part, *self.expect(rows), strict=True):
                likely[start + 1 : end] = tops[: end - start - 1].numpy()
                shares[start + 1 : end] = share * theirs[: end - start - 1].numpy()
        np.save(path.with_suffix(".likely.npy"), likely)
        np.save(path.with_suffix(".shares.npy"), shares)
        return len(spans)


class Author:
    """Has teachers write shard after shard, and keeps what is good.

    Args:
        teachers: who write.
        texts: whose openings are continued, and whose words are real ones.
        held_out: what may not be told.
        checked: whether what fails the story checks is left out.
        judging: whether they also say what they expect of what they write.
    """

    def __init__(
        self,
        teachers: Teachers,
        texts: Sequence[Path],
        held_out: HeldOut,
        checked: bool = True,
        judging: bool = True,
    ) -> None:
        self.teachers = teachers
        self.openings = Openings([story for text in texts for story in read_stories(text)])
        self.words = training_words(texts) if checked else set()
        self.held_out = held_out
        self.checked = checked
        self.judging = judging
        self.seen: set[int] = set()

    def is_good(self, story: Story, opening: Opening) -> bool:
        """Whether a story is kept; one that is will not be a second time."""
        whole = story.prompt + story.text
        number = opening_of(whole)
        if number in self.seen or self.held_out.holds(whole):
            return False
        check(story, opening.characters, self.words)
        if self.checked and not story.passes:
            return False
        self.seen.add(number)
        return True

    def write(self, folder: Path, seed: int, stories: int, minutes: float | None) -> int:
        """Write shards of ``taught`` until so many stories are kept or the time is over; return how many are."""
        began = time.monotonic()
        writer = ShardWriter(folder / TAUGHT, 1, [seed, self.teachers.temperature])
        kept = self.recall(folder / TAUGHT, writer.n_shards)
        side_by_side = WRITTEN[self.teachers.device.type]
        while kept < stories and (minutes is None or time.monotonic() - began < 60 * minutes):
            turn = writer.used
            openings = self.openings.draw(side_by_side, f"{seed} {turn}")
            told = self.teachers.tell(openings, turn, seed)
            good = [
                np.array(tokens, dtype=np.uint16)
                for opening, (story, tokens) in zip(openings, told, strict=True)
                if self.is_good(story, opening)
            ]
            writer.add(good or [np.array([BOS], dtype=np.uint16)], turn + 1)
            if self.judging:
                self.teachers.judge(folder / TAUGHT / f"{writer.n_shards - 1:05}.npy")
            kept += len(good)
            print(f"{kept:,} stories kept of {side_by_side * (turn + 1):,}", flush=True)
        return kept

    def recall(self, folder: Path, n_shards: int) -> int:
        """Know again what an earlier run has written; return how many stories that is."""
        count = 0
        for index in range(n_shards):
            path = folder / f"{index:05}.npy"
            for story in stories_in(np.load(path)):
                text = self.teachers.tokenizer.decode(story[1:].tolist())
                self.seen.add(opening_of(text))
                count += 1
            if self.judging and not path.with_suffix(".shares.npy").exists():
                self.teachers.judge(path)
        return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("teachers", type=Path, nargs="+", help="folders of models, one vocabulary")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--openings", type=Path, nargs="+", help="text whose openings to continue")
    task.add_argument("--judge", type=Path, nargs="+", help="token files to judge, instead")
    parser.add_argument("--share", type=float, default=1.0, help="of a target, that is theirs")
    parser.add_argument(
        "--tokenizer", type=Path, help="tokenizer.model, if the last folder has none"
    )
    parser.add_argument("--stories", type=int, default=50_000, help="that are kept, at most")
    parser.add_argument("--minutes", type=float, help="in which they write")
    parser.add_argument("--temperature", type=float, default=1.0, help="at which they write")
    parser.add_argument("--top-p", type=float, default=1.0, help="of the probability, drawn from")
    parser.add_argument("--likely", type=int, default=32, help="tokens to keep at each place")
    parser.add_argument("--leave-out", type=Path, nargs="*", default=[], help="held-out text")
    parser.add_argument("--unchecked", action="store_true", help="keep what fails the checks, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the new stories go")
    arguments = parser.parse_args()
    if bool(arguments.openings) != bool(arguments.folder):
        parser.error("--openings and --folder go together")
    keep_freed_memory()
    vocabulary = arguments.tokenizer or arguments.teachers[-1] / "tokenizer.model"
    teachers = Teachers(
        [load_model(folder) for folder in arguments.teachers],
        sentencepiece.SentencePieceProcessor(model_file=str(vocabulary)),
        arguments.likely,
        arguments.temperature,
        arguments.top_p,
    )
    for path in arguments.judge or ():
        print(f"{path}: {teachers.judge(path, arguments.share):,} stories judged", flush=True)
    if arguments.openings:
        held_out = HeldOut(story for path in arguments.leave_out for story in read_stories(path))
        author = Author(teachers, arguments.openings, held_out, not arguments.unchecked)
        author.write(arguments.folder, arguments.seed, arguments.stories, arguments.minutes)


if __name__ == "__main__":
    main()
