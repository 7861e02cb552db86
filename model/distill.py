#!/usr/bin/env python3
"""Let several models write stories together, for one model to learn what all of them know.

    python model/distill.py build/model/run-1/weights build/model/run-2/weights \\
        --openings corpus/train/tinystories.txt.xz --stories 8000 --folder build/model/data

The mean of models that were trained apart is better than each, but a font has room for one. So they
write new stories, turn by turn, from a few first words of stories of the text; and all of them say of
each token in the new stories what they would have expected in its place. Written for ``train.py``:

- ``taught.npy``: the stories' tokens, BOS before each story and once more at the end;
- ``taught.likely.npy``, uint16 of shape (tokens, k): the tokens that the mean of the models holds most
  likely at each place, the first one of a story aside;
- ``taught.shares.npy``, float16 of the same shape: their probabilities, which add up to 1 at most.

With ``--judge NAME.npy`` they write nothing new, and say what they expect in an old token file:
``NAME.likely.npy`` and ``NAME.shares.npy``. They have seen that text; ``--share 0.6`` leaves 0.4 of each
target to the token that stands there.

Sources: Hinton et al. 2015, "Distilling the knowledge in a neural network" (arXiv:1503.02531); Kim and
Rush 2016, "Sequence-level knowledge distillation" (arXiv:1606.07947).
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from prepare import BOS, read_stories
from rich.progress import track
from train import keep_freed_memory

from model import Transformer, load_model

BATCH = 128
"""Stories that are written, or judged, side by side."""
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


@torch.no_grad()
def expect(teachers: list[Transformer], rows: torch.Tensor, count: int) -> list[torch.Tensor]:
    """The ``count`` likeliest tokens at each place by the mean of the teachers' probabilities, and these.

    ``rows`` is int64 (batch, time). Returns int64 and float32 of shape (batch, time, count).
    """
    with torch.autocast("cpu", torch.bfloat16):
        mean = sum(teacher.logits(rows).softmax(-1) for teacher in teachers) / len(teachers)
    shares, likely = torch.as_tensor(mean).topk(count, -1)
    return [likely, shares]


def judge(
    teachers: list[Transformer], stories: list[list[int]], count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """What the teachers expect at each token of ``stories``, which begin with BOS and may end with it.

    Returns uint16 and float16 of shape (tokens, count) for each; of the first BOS, nothing (0).
    """
    length = max(map(len, stories))
    rows = torch.full((len(stories), length - 1), BOS)
    for row, story in zip(rows, stories, strict=True):
        row[: len(story) - 1] = torch.tensor(story[:-1])
    likely, shares = expect(teachers, rows, count)
    judged = []
    for index, story in enumerate(stories):
        size = len(story)
        arrays = np.zeros((size, count), dtype=np.uint16), np.zeros((size, count), np.float16)
        arrays[0][1:] = likely[index, : size - 1].numpy()
        arrays[1][1:] = shares[index, : size - 1].numpy()
        judged.append(arrays)
    return judged


def distill(
    teachers: list[Transformer], openings: list[list[int]], count: int, seed: int, folder: Path
) -> None:
    """Write the three arrays: the teachers continue ``openings`` turn by turn, and judge what came."""
    generator = torch.Generator().manual_seed(seed)
    tokens: list[int] = []
    likely: list[np.ndarray] = []
    shares: list[np.ndarray] = []
    # Stories of like length are judged side by side: less of a batch is empty.
    for start in track(
        range(0, len(openings), BATCH), "writing stories", disable=not sys.stderr.isatty()
    ):
        teacher = teachers[start // BATCH % len(teachers)]
        told = teacher.generate(openings[start : start + BATCH], BOS, 1.0, 1.0, generator)
        told.sort(key=len)
        for at in range(0, len(told), BATCH // 8):
            part = told[at : at + BATCH // 8]
            for story, (tops, theirs) in zip(part, judge(teachers, part, count), strict=True):
                # The BOS that ends a story begins the next one, and is judged as an end.
                ended = story[-1] == BOS
                tokens += story[: len(story) - ended]
                likely += [tops[1:] if likely else tops]
                shares += [theirs[1:] if shares else theirs]
                if not ended:  # nobody knows what comes after a full context
                    likely.append(np.zeros((1, count), dtype=np.uint16))
                    shares.append(np.zeros((1, count), dtype=np.float16))
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "taught.npy", np.array([*tokens, BOS], dtype=np.uint16))
    np.save(folder / "taught.likely.npy", np.concatenate(likely))
    np.save(folder / "taught.shares.npy", np.concatenate(shares))
    print(f"{len(openings):,} stories, {len(tokens):,} tokens")


def judge_file(teachers: list[Transformer], path: Path, count: int, share: float) -> None:
    """Write what the teachers expect in the token file ``path``, as far as a story fits the context."""
    tokens = np.load(path)
    starts = np.flatnonzero(tokens == BOS)
    length = teachers[0].config.max_seq_len + 1
    spans = [
        (start, min(end + 1, start + length))
        for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
    spans.sort(key=lambda span: span[1] - span[0])
    likely = np.zeros((len(tokens), count), dtype=np.uint16)
    shares = np.zeros((len(tokens), count), dtype=np.float16)
    batch = BATCH // 8
    for at in track(range(0, len(spans), batch), "judging", disable=not sys.stderr.isatty()):
        part = spans[at : at + batch]
        judged = judge(teachers, [tokens[start:end].tolist() for start, end in part], count)
        for (start, end), (tops, theirs) in zip(part, judged, strict=True):
            likely[start + 1 : end] = tops[1:]
            shares[start + 1 : end] = share * theirs[1:]
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
    parser.add_argument("--likely", type=int, default=32, help="tokens to keep at each place")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the new stories go")
    arguments = parser.parse_args()
    if bool(arguments.openings) != bool(arguments.folder):
        parser.error("--openings and --folder go together")
    keep_freed_memory()
    teachers = [load_model(folder) for folder in arguments.teachers]
    if arguments.judge:
        judge_file(teachers, arguments.judge, arguments.likely, arguments.share)
        return
    vocabulary = arguments.tokenizer or arguments.teachers[-1] / "tokenizer.model"
    tokenizer = sentencepiece.SentencePieceProcessor(str(vocabulary))
    stories = [story for path in arguments.openings for story in read_stories(path)]
    rng = random.Random(arguments.seed)
    openings = draw_openings(stories, arguments.stories, tokenizer, rng)
    distill(teachers, openings, arguments.likely, arguments.seed, arguments.folder)


if __name__ == "__main__":
    main()
