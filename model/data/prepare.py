"""Turn text into a vocabulary and token files, as a stream: the first step of training.

    python -m model.data.prepare model/recipes/train.toml

Reads ``[data]`` of a recipe (`model.recipe.Data`) and writes to its folder:

- ``tokenizer.model``: a sentencepiece BPE with byte fallback, trained on the sources, or a copy of
  the ``tokenizer`` that the recipe names (to go on from weights that use it);
- ``NAME/00000.npy``, ... for each source: token files, as ``shards.py`` describes;
- ``NAME-renamed/00000.npy``, ...: the same stories with other names, apart: a teacher judges each story once;
- ``valid/00000.npy``: one story in ``valid_every`` of the sources marked ``valid``, left out of their
  token files, to choose between checkpoints by. (A yardstick belongs in neither.)

One process reads and leaves out what came before or is held out; others turn stories to tokens. No text is
held as a whole. Interrupted, it goes on behind the last shard; a source that is finished is left as it is, as long as
its part of the recipe and the vocabulary are what they were.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.data.names import Renamer, read_names
from model.data.overlap import HeldOut, opening_of
from model.data.shards import ShardWriter, write_tokens
from model.data.sources import stories_of
from model.data.vocabulary import VOCABULARY_STORIES, encode, read_tokenizer, train_tokenizer
from model.recipe import Data, Source, read_recipe

CHUNK = 256
"""Stories that a process turns to tokens at once."""


def with_blank_lines(source: Source, stories: list[str]) -> list[str]:
    """Stories as a source has them, and, or only, with blank lines."""
    if source.blank_lines is None:
        return stories
    blank = [re.sub(r"\n+", "\n\n", each) for each in stories]
    if source.blank_lines == "only":
        return blank
    return [each for both in zip(stories, blank, strict=True) for each in both]


class Encoded(NamedTuple):
    """Tokens of stories, of the same ones with other names, and how many were left out: they are held out."""

    stories: list[np.ndarray]
    renamed: list[np.ndarray]
    left_out: int


class Worker:
    """What a process of the pool needs, made once in each."""

    def __init__(self, vocabulary: Path, vocab_size: int, leave_out: tuple[str, ...]) -> None:
        self.tokenizer = read_tokenizer(vocabulary, vocab_size)
        self.renamer = Renamer(read_names())
        texts = (Source("held out", path=path) for path in leave_out)
        self.held_out = HeldOut(itertools.chain.from_iterable(map(stories_of, texts)))

    def encode(self, source: Source, stories: list[tuple[int, str]]) -> Encoded:
        """Turn numbered stories of a source to tokens."""
        kept = [(index, story) for index, story in stories if not self.held_out.holds(story)]
        renamed = [
            variant
            for index, story in kept
            for variant in self.renamer.variants(story, source.renamed, f"{source.name} {index}")
        ]
        return Encoded(
            encode(self.tokenizer, with_blank_lines(source, [story for _, story in kept])),
            encode(self.tokenizer, with_blank_lines(source, renamed)),
            len(stories) - len(kept),
        )


_worker: Worker


def _begin(*arguments: object) -> None:
    global _worker
    _worker = Worker(*arguments)  # type: ignore[arg-type]


def _encode(source: Source, stories: list[tuple[int, str]]) -> Encoded:
    return _worker.encode(source, stories)


class Preparation:
    """One run of ``prepare``: what was seen so far, and the processes that encode."""

    def __init__(self, data: Data, vocabulary: Path, pool: ProcessPoolExecutor) -> None:
        self.data = data
        self.folder = Path(data.folder)
        self.vocabulary = vocabulary
        self.pool = pool
        self.seen: set[int] = set()
        self.valid: list[np.ndarray] = []

    def chunks(self, source: Source) -> Iterator[tuple[int, bool, list[tuple[int, str]]]]:
        """(stories used up, whether they are kept aside, numbered stories), without those that came before."""
        waiting: dict[bool, list[tuple[int, str]]] = {False: [], True: []}
        index = -1
        for index, story in enumerate(stories_of(source)):
            if self.data.deduplicate:
                opening = opening_of(story)
                if opening in self.seen:
                    continue
                self.seen.add(opening)
            aside = source.valid and index % self.data.valid_every == 0
            waiting[aside].append((index, story))
            if len(waiting[False]) == CHUNK:
                yield index + 1, False, waiting[False]
                waiting[False] = []
        yield index + 1, False, waiting[False]
        yield index + 1, True, waiting[True]

    def source(self, source: Source) -> None:
        """Write the shards of a source, and add to what is kept aside."""
        origin = {
            "source": asdict(source),
            "valid_every": self.data.valid_every,
            "deduplicate": self.data.deduplicate,
            "leave_out": self.data.leave_out,
            "vocabulary": blake2b(self.vocabulary.read_bytes(), digest_size=8).hexdigest(),
        }
        writers = [ShardWriter(self.folder / source.name, self.data.shard_tokens, origin)]
        if source.renamed:
            folder = self.folder / f"{source.name}-renamed"
            writers.append(ShardWriter(folder, self.data.shard_tokens, origin))
        waiting: deque[tuple[int, bool, Future[Encoded]]] = deque()
        left_out, used = 0, 0

        def take() -> None:
            nonlocal left_out
            upto, aside, future = waiting.popleft()
            encoded = future.result()
            left_out += encoded.left_out
            if aside:
                self.valid += encoded.stories
                return
            for writer, stories in zip(writers, encoded[:2], strict=False):
                if upto > writer.used and not writer.finished:
                    writer.add(stories, upto)

        for used, aside, stories in self.chunks(source):
            # What an earlier run has written is read again only for what was seen, and kept aside.
            if not aside and all(used <= writer.used or writer.finished for writer in writers):
                continue
            plain = Source(source.name, path="-", blank_lines=source.blank_lines and "only")
            task = self.pool.submit(_encode, plain if aside else source, stories)
            waiting.append((used, aside, task))
            if len(waiting) > 4 * self.data.processes:
                take()
        while waiting:
            take()
        for writer in writers:
            if not writer.finished:
                writer.finish(used)
        print(
            f"{source.name}: {used:,} stories, {left_out:,} of them held out, "
            f"{sum(writer.n_tokens for writer in writers):,} tokens in "
            f"{sum(writer.n_shards for writer in writers)} files",
            flush=True,
        )


def make_vocabulary(data: Data, path: Path) -> None:
    """Copy the recipe's vocabulary to ``path``, or train one on its sources."""
    if data.tokenizer:
        if Path(data.tokenizer).resolve() != path.resolve():
            shutil.copyfile(data.tokenizer, path)
        return

    def chosen() -> Iterator[str]:
        for source in data.sources:
            rng = random.Random(source.name)
            for index, story in enumerate(stories_of(source)):
                aside = source.valid and index % data.valid_every == 0
                if not aside and rng.random() < source.vocabulary_share:
                    yield story

    train_tokenizer(itertools.islice(chosen(), VOCABULARY_STORIES), data.vocab_size, path)


def prepare(data: Data) -> None:
    """Write the data folder that a recipe's ``[data]`` describes, or what is missing of it.

    ``prepared.json`` says, at the end, what it was made of; where it says just that, nothing is done.

    Raises ``FileNotFoundError`` and `FontgenError` as `stories_of` does, and `FontgenError` for a vocabulary
    of another size.
    """
    folder = Path(data.folder)
    marker, description = folder / "prepared.json", json.dumps(asdict(data), indent=1) + "\n"
    if marker.exists() and marker.read_text() == description:
        return
    folder.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    for path in [source.path for source in data.sources] + [*data.leave_out]:
        if path and "://" not in path and not Path(path).exists():
            raise FileNotFoundError(f"{path}: no such text")
    vocabulary = folder / "tokenizer.model"
    if data.tokenizer or not vocabulary.exists():
        make_vocabulary(data, vocabulary)
    read_tokenizer(vocabulary, data.vocab_size)
    begin = (vocabulary, data.vocab_size, data.leave_out)
    # Spawned, not forked: whoever calls this may have threads of PyTorch.
    context = get_context("spawn")
    with ProcessPoolExecutor(data.processes, context, _begin, begin) as pool:
        preparation = Preparation(data, vocabulary, pool)
        for source in data.sources:
            preparation.source(source)
        n_tokens = write_tokens(folder / "valid" / "00000.npy", preparation.valid)
    marker.write_text(description)
    print(f"valid: {len(preparation.valid):,} stories, {n_tokens:,} tokens", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", type=Path, help="recipe (TOML)")
    prepare(read_recipe(parser.parse_args().recipe).data)


if __name__ == "__main__":
    main()
