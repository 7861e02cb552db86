"""Token files to the rows of a training step: the same ones, however many processes share them.

What a step is drawn from depends on the seed, the step and the rows that were taken before, and on nothing
else: each process of a team draws the same batch and makes only its own rows of it, and a run that goes on
from a checkpoint goes on with the next story.
"""

from __future__ import annotations

import itertools
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fontgen.errors import FontgenError
from model.data.shards import has_stories, story_starts, token_files
from model.data.vocabulary import BOS

MASKED = -1
"""A target that no loss is taken on."""
AVOIDED = -2
"""A target of ``AVOIDED - token`` says that the token should not come."""
WINDOW = 8192
"""Stories that are packed into rows together: enough to fill them, few enough to begin at once."""
LEAST_CUT = 32
"""Fewer tokens at the end of a row stay empty rather than take the beginning of a story."""

Piece = tuple[int, int, int]
"""(tokens, file, first token) of a story, or of as much of it as a row holds."""


@dataclass
class Row:
    """int64 (length,) inputs, targets and where in file ``file`` each target stands (0: nowhere)."""

    inputs: np.ndarray
    targets: np.ndarray
    places: np.ndarray
    files: np.ndarray


def pack(pieces: list[Piece], length: int, rng: np.random.Generator) -> list[list[Piece]]:
    """Put pieces of stories into rows of ``length`` tokens, each beginning with a story where it can.

    A story is cut only where it is longer than a row, or where none fits in what is left of one.
    """
    pool = sorted(pieces, key=lambda piece: piece[0])  # stable: equal lengths stay shuffled
    rows = []
    while pool:
        row = [pool.pop(int(rng.integers(len(pool))))]
        left = length - row[0][0]
        while left and pool:
            at = bisect_right(pool, left, key=lambda piece: piece[0]) - 1
            if at >= 0:
                piece = pool.pop(at)
            elif left < LEAST_CUT:
                break
            else:
                size, file, first = pool.pop(int(rng.integers(len(pool))))
                piece = (left, file, first)
                rest = (size - left, file, first + left)
                pool.insert(bisect_right(pool, rest[0], key=lambda each: each[0]), rest)
            row.append(piece)
            left -= piece[0]
        rows.append(row)
    return [rows[index] for index in rng.permutation(len(rows))]


class Stories:
    """An endless supply of training rows from the token files of one source, shuffled each epoch."""

    def __init__(self, files: list[Path], length: int, seed: int) -> None:
        self.files = files
        self.tokens = [np.load(path, mmap_mode="r") for path in files]
        self.avoid = [_beside(path, "avoid") for path in files]
        self.likely = [_beside(path, "likely") for path in files]
        self.shares = [_beside(path, "shares") for path in files]
        self.length = length
        self.seed = seed
        bounds = [story_starts(tokens) for tokens in self.tokens]
        self.starts = np.concatenate([each[:-1] for each in bounds])
        self.ends = np.concatenate([each[1:] for each in bounds])
        self.file = np.repeat(np.arange(len(files)), [len(each) - 1 for each in bounds])
        self.epoch, self.taken = 0, 0
        self._rows = self.rows(0)

    @property
    def likely_per_token(self) -> int:
        """How many tokens teachers hold likely at each place; 0 where nobody taught."""
        return max((each.shape[1] for each in self.likely if each is not None), default=0)

    def spans(self) -> Iterator[np.ndarray]:
        """Each story's tokens, BOS first, and the BOS that ends it."""
        for start, end, file in zip(self.starts, self.ends, self.file, strict=True):
            yield self.tokens[file][start : end + 1]

    def rows(self, epoch: int) -> Iterator[list[Piece]]:
        """The rows of an epoch in random order."""
        rng = np.random.default_rng((self.seed, epoch))
        order = rng.permutation(len(self.starts))
        for window in range(0, len(order), WINDOW):
            pieces = []
            for index in order[window : window + WINDOW].tolist():
                start, end, file = (
                    int(self.starts[index]),
                    int(self.ends[index]),
                    int(self.file[index]),
                )
                for first in range(start, end, self.length):
                    pieces.append((min(self.length, end - first), file, first))
            yield from pack(pieces, self.length, rng)

    def take(self) -> list[Piece]:
        """The next row. Raises `FontgenError` where there is no story at all."""
        if not len(self.starts):
            raise FontgenError(f"{self.files[0]}: no story")
        row = next(self._rows, None)
        if row is None:
            self.epoch, self.taken = self.epoch + 1, 0
            self._rows = self.rows(self.epoch)
            row = next(self._rows)
        self.taken += 1
        return row

    def go_to(self, epoch: int, taken: int) -> None:
        """Go on behind the first ``taken`` rows of an epoch."""
        self.epoch, self.taken = epoch, taken
        self._rows = itertools.islice(self.rows(epoch), taken, None)

    def fill(self, pieces: list[Piece]) -> Row:
        """A row's tokens."""
        row = Row(*(np.full(self.length, value) for value in (BOS, MASKED, 0, 0)))
        at = 0
        for size, file, first in pieces:
            here = slice(at, at + size)
            row.places[here] = np.arange(first + 1, first + size + 1)
            row.files[here] = file
            row.inputs[here] = self.tokens[file][first : first + size]
            following = self.tokens[file][first + 1 : first + size + 1].astype(np.int64)
            avoid = self.avoid[file]
            if avoid is not None:
                marked = avoid[first + 1 : first + size + 1]
                following = np.where(marked, AVOIDED - following, MASKED)
            row.targets[here] = following
            at += size
        return row

    def taught(self, row: Row, likely: np.ndarray, shares: np.ndarray) -> None:
        """Write what teachers expected in a row to ``likely`` and ``shares``, both (length, k)."""
        for file, (tokens, parts) in enumerate(zip(self.likely, self.shares, strict=True)):
            if tokens is None or parts is None:
                continue
            here = (row.files == file) & (row.targets != MASKED)
            likely[here, : tokens.shape[1]] = tokens[row.places[here]]
            shares[here, : parts.shape[1]] = parts[row.places[here]]


def _beside(path: Path, kind: str) -> np.ndarray | None:
    other = path.with_suffix(f".{kind}.npy")
    return np.load(other, mmap_mode="r") if other.exists() else None


@dataclass
class Batch:
    """One process's rows of a step.

    Attributes:
        inputs, targets: int64 (rows, length).
        likely, shares: int64 and float32 (rows, length, k), what teachers expect; None where nobody taught.
        position: where the data stands behind this step, for `Batches.go_to`.
        first: which row of the whole team's batch the first one here is.
        sources: of the rows.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    likely: torch.Tensor | None
    shares: torch.Tensor | None
    position: dict[str, list[int]]
    first: int
    sources: list[str]


class Batches:
    """Draws each row of a batch from one of the sources, as the mixture of the moment says."""

    def __init__(self, folder: Path, seed: int, rank: int = 0, size: int = 1) -> None:
        self.folder = folder
        self.seed = seed
        self.rank, self.size = rank, size
        self.sources: dict[tuple[str, int], Stories] = {}
        self._waiting: dict[str, list[int]] = {}  # positions of sources that are not open yet

    def draw(
        self, step: int, mixture: Mapping[str, float], rows: int, length: int, noise: float = 0.0
    ) -> Batch:
        """This process's part of the ``rows`` rows of a step; steps are drawn in their order.

        ``noise`` is the share of the inputs that give way to other tokens of the same row, so that a
        text that comes again is not quite the same; the targets stay. That is unigram noising (Xie et
        al. 2017, arXiv:1703.02573).
        """
        rng = np.random.default_rng((self.seed, step))
        parts = self.present(mixture)
        chosen = rng.choice(
            list(parts), size=rows, p=np.array(list(parts.values())) / sum(parts.values())
        )
        sources = {name: self.source(name, length) for name in parts}
        picked = [(sources[str(name)], sources[str(name)].take()) for name in chosen]
        own = range(self.rank * rows // self.size, (self.rank + 1) * rows // self.size)
        filled = [picked[index][0].fill(picked[index][1]) for index in own]
        for index, row in zip(own, filled, strict=True):
            if noise:
                _add_noise(row.inputs, noise, np.random.default_rng((self.seed, step, index)))
        inputs, targets = (
            np.stack([getattr(row, name) for row in filled]) for name in ("inputs", "targets")
        )
        count = max(source.likely_per_token for source in sources.values())
        likely = shares = None
        if count:
            shape = (len(filled), length, count)
            likely, shares = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
            for at, index in enumerate(own):
                picked[index][0].taught(filled[at], likely[at], shares[at])
        return Batch(
            torch.from_numpy(inputs),
            torch.from_numpy(targets),
            None if likely is None else torch.from_numpy(likely),
            None if shares is None else torch.from_numpy(shares),
            self.position(),
            own.start,
            [str(chosen[index]) for index in own],
        )

    def present(self, mixture: Mapping[str, float]) -> dict[str, float]:
        """The mixture without the names that may be missing (they end in ``?``) and are, or have no story."""
        parts = {}
        for name, share in mixture.items():
            source = name.removesuffix("?")
            if source == name:
                token_files(self.folder, name)
            elif not has_stories(self.folder, source):
                continue
            parts[source] = share
        return parts

    def source(self, name: str, length: int) -> Stories:
        """The source of that name for rows of that length, opened when it is first needed."""
        if (name, length) not in self.sources:
            seed = zlib.crc32(f"{self.seed} {name}".encode())
            stories = Stories(token_files(self.folder, name), length, seed)
            if f"{name} {length}" in self._waiting:
                stories.go_to(*self._waiting.pop(f"{name} {length}"))
            self.sources[name, length] = stories
        return self.sources[name, length]

    def position(self) -> dict[str, list[int]]:
        """Where each source stands: its epoch, and the rows of it that were taken."""
        here = {
            f"{name} {length}": [each.epoch, each.taken]
            for (name, length), each in self.sources.items()
        }
        return self._waiting | here

    def go_to(self, position: dict[str, list[int]]) -> None:
        """Go on from a `position`."""
        self.sources.clear()
        self._waiting = dict(position)


def _add_noise(inputs: np.ndarray, noise: float, rng: np.random.Generator) -> None:
    noisy = (rng.random(inputs.shape) < noise) & (inputs != BOS)
    inputs[noisy] = rng.choice(inputs[inputs != BOS], noisy.sum())


class Prefetcher:
    """Draws the next batch while the present one is trained on.

    ``arguments(step)`` gives those of `Batches.draw` behind the step. A budget in minutes may move from one
    phase to the next between the two: then the batch drawn beforehand is trained on all the same.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[Batch] | None = None

    def draw(self, step: int, *arguments: object, ahead: tuple[object, ...] | None = None) -> Batch:
        """The batch of ``step``; meanwhile draw the next one, by the arguments ``ahead``."""
        batch = self._next.result() if self._next else self.batches.draw(step, *arguments)  # type: ignore[arg-type]
        self._next = self._pool.submit(self.batches.draw, step + 1, *ahead) if ahead else None  # type: ignore[arg-type]
        return batch

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown(cancel_futures=True)
