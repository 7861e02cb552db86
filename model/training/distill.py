"""Let several models write stories together, for one model to learn what all of them know.

    python -m model.training.distill build/model/run-1/weights build/model/run-2/weights \\
        --openings corpus/train/tinystories.txt.xz --stories 8000 --folder build/model/data

The mean of models that were trained apart is better than each, but a font has room for one. So they
write new stories, turn by turn, from a few first words of stories of the text; and all of them say of
each token in the new stories what they would have expected in its place. Written for ``train.py``:

- ``taught.npy``: the stories' tokens, BOS before each story and once more at the end;
- ``taught.likely.npy``, uint16 of shape (tokens, k): the tokens that the mean of the models holds most
  likely at each place, the first one of a story aside;
- ``taught.shares.npy``, float16 of the same shape: their probabilities, which add up to 1 at most.

With ``--judge NAME.npy`` they write nothing new, and say what they expect in an old token file:
``NAME.likely.npy`` and ``NAME.shares.npy``. Where they have seen that text, ``--share 0.6`` leaves 0.4 of each
target to the token that stands there.

Sources: Hinton et al. 2015, "Distilling the knowledge in a neural network" (arXiv:1503.02531); Kim and
Rush 2016, "Sequence-level knowledge distillation" (arXiv:1606.07947).
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from rich.progress import track

from model.data.shards import story_starts
from model.data.sources import read_stories
from model.data.vocabulary import BOS
from model.training.generation import generate
from model.training.network import Transformer
from model.training.train import keep_freed_memory
from model.training.weights import load_model

WRITTEN = 128
"""Stories that are written side by side."""
JUDGED = 16
"""Stories that are judged side by side."""
OPENING = range(1, 13)
"""Tokens of an opening."""


def draw_openings(
    stories: list[str],
    count: int,
    tokenizer: sentencepiece.SentencePieceProcessor,
    rng: random.Random,
) -> list[list[int]]:
    """BOS and the first tokens of ``count`` stories; a story may come again with another length."""
    return [
        [BOS, *tokenizer.encode(story[:200])[: rng.choice(OPENING)]]
        for story in rng.choices(stories, k=count)
    ]


def write_stories(
    teachers: list[Transformer],
    openings: list[list[int]],
    seed: int,
    path: Path,
    temperature: float,
) -> None:
    """Write the token file ``path``: the teachers continue ``openings`` turn by turn."""
    generator = torch.Generator().manual_seed(seed)
    tokens: list[int] = []
    for start in track(
        range(0, len(openings), WRITTEN), "writing stories", disable=not sys.stderr.isatty()
    ):
        teacher = teachers[start // WRITTEN % len(teachers)]
        some = openings[start : start + WRITTEN]
        told = generate(teacher, some, BOS, temperature, 1.0, generator)
        for story in told:
            tokens += story[: len(story) - (story[-1] == BOS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.array([*tokens, BOS], dtype=np.uint16))


@torch.no_grad()
def expect(
    teachers: list[Transformer], rows: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The ``count`` likeliest tokens at each place by the mean of the teachers' probabilities, and these.

    ``rows`` is int64 (batch, time). Returns int64 and float32 of shape (batch, time, count).
    """
    with torch.autocast("cpu", torch.bfloat16):
        mean = sum(teacher.logits(rows).softmax(-1) for teacher in teachers) / len(teachers)
    shares, likely = torch.as_tensor(mean).topk(count, -1)
    return likely, shares


def judge(teachers: list[Transformer], path: Path, count: int, share: float) -> None:
    """Write what the teachers expect in the token file ``path``, as far as a story fits the context."""
    length = teachers[0].config.max_seq_len + 1
    tokens = np.load(path, mmap_mode="r")
    # The BOS that ends a story begins the next one, and is judged as an end. Stories of like length
    # are judged side by side: less of a batch is empty.
    bounds = itertools.pairwise(story_starts(tokens).tolist())
    spans = [(start, min(end + 1, start + length)) for start, end in bounds]
    spans.sort(key=lambda span: span[1] - span[0])
    likely = np.zeros((len(tokens), count), dtype=np.uint16)
    shares = np.zeros((len(tokens), count), dtype=np.float16)
    for at in track(range(0, len(spans), JUDGED), "judging", disable=not sys.stderr.isatty()):
        part = spans[at : at + JUDGED]
        rows = torch.full((len(part), max(end - start for start, end in part) - 1), BOS)
        for row, (start, end) in zip(rows, part, strict=True):
            row[: end - start - 1] = torch.from_numpy(tokens[start : end - 1].astype(np.int64))
        for (start, end), tops, theirs in zip(part, *expect(teachers, rows, count), strict=True):
            likely[start + 1 : end] = tops[: end - start - 1].numpy()
            shares[start + 1 : end] = share * theirs[: end - start - 1].numpy()
    np.save(path.with_suffix(".likely.npy"), likely)
    np.save(path.with_suffix(".shares.npy"), shares)
    print(f"{path.name}: {len(spans):,} stories, {len(tokens):,} tokens")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("teachers", type=Path, nargs="+", help="folders of models, one vocabulary")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--openings", type=Path, nargs="+", help="text whose openings to continue")
    task.add_argument("--judge", type=Path, help="token file to judge, instead")
    parser.add_argument("--share", type=float, default=1.0, help="of a target, that is theirs")
    parser.add_argument(
        "--tokenizer", type=Path, help="tokenizer.model, if the last folder has none"
    )
    parser.add_argument("--stories", type=int, default=8000)
    parser.add_argument("--temperature", type=float, default=1.0, help="at which they write")
    parser.add_argument("--likely", type=int, default=32, help="tokens to keep at each place")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the new stories go")
    arguments = parser.parse_args()
    if bool(arguments.openings) != bool(arguments.folder):
        parser.error("--openings and --folder go together")
    keep_freed_memory()
    teachers = [load_model(folder) for folder in arguments.teachers]
    path = arguments.judge
    if arguments.openings:
        path = arguments.folder / "taught.npy"
        vocabulary = arguments.tokenizer or arguments.teachers[-1] / "tokenizer.model"
        tokenizer = sentencepiece.SentencePieceProcessor(str(vocabulary))
        stories = [story for text in arguments.openings for story in read_stories(text)]
        rng = random.Random(arguments.seed)
        openings = draw_openings(stories, arguments.stories, tokenizer, rng)
        write_stories(teachers, openings, arguments.seed, path, arguments.temperature)
    judge(teachers, path, arguments.likely, arguments.share)


if __name__ == "__main__":
    main()
