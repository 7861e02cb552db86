"""Token files: uint16 tokens on disk, mapped into memory, so that a text may be larger than that.

A source NAME is one file ``NAME.npy``, or a folder ``NAME/`` of shards ``00000.npy``, ``00001.npy``, ... Each
file begins with BOS and ends with one; whatever stands between two of them is a story. Beside a file there
may be others with an entry for each of its tokens:

- ``.avoid.npy``, bool: the marked tokens are to be avoided where they stand, and nothing is learned of the others;
- ``.likely.npy`` and ``.shares.npy``, (tokens, k): what teachers expected in place of each token.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from model.data.vocabulary import BOS


def token_files(folder: Path, name: str) -> list[Path]:
    """The files of a source in their order. Raises ``FileNotFoundError`` where there is none."""
    alone = folder / f"{name}.npy"
    files = [alone] if alone.exists() else sorted((folder / name).glob("[0-9]*[0-9].npy"))
    if not files:
        raise FileNotFoundError(f"{folder}: no token files of {name}")
    return files


def has_stories(folder: Path, name: str) -> bool:
    """Whether there are files of a source, and more in them than the BOS at the end."""
    try:
        files = token_files(folder, name)
    except FileNotFoundError:
        return False
    return any(len(np.load(path, mmap_mode="r")) > 1 for path in files)


def story_starts(tokens: np.ndarray) -> np.ndarray:
    """int64: where the BOS of each story of a token file stands, and the one that ends the last."""
    return np.flatnonzero(np.asarray(tokens) == BOS)


def stories_in(tokens: np.ndarray) -> Iterator[np.ndarray]:
    """The stories of a token file, each with its BOS, and without the one that ends it."""
    for start, end in itertools.pairwise(story_starts(tokens).tolist()):
        yield tokens[start:end]


def write_tokens(path: Path, stories: Iterable[np.ndarray]) -> int:
    """Write a token file of stories (uint16, BOS first), all or nothing; return how many tokens."""
    tokens = np.concatenate([*stories, np.array([BOS], dtype=np.uint16)])
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, tokens)
    os.replace(unfinished, path)
    return len(tokens)


class ShardWriter:
    """Writes the shards of one source, and goes on where an earlier one was interrupted.

    ``progress.json`` says, after every shard, which ``origin`` (any JSON value: the source's part of the
    recipe) it comes from and how many stories of the source were used up. Another origin begins anew.
    """

    def __init__(self, folder: Path, shard_tokens: int, origin: object) -> None:
        self.folder = folder
        self.shard_tokens = shard_tokens
        self.origin = json.loads(json.dumps(origin))
        self.journal = folder / "progress.json"
        self.n_shards, self.used, self.n_tokens, self.finished = 0, 0, 0, False
        self._waiting: list[np.ndarray] = []
        self._n_waiting = 0
        if self.journal.exists():
            saved = json.loads(self.journal.read_text())
            if saved.pop("origin") == self.origin:
                self.n_shards, self.used = saved["shards"], saved["used"]
                self.n_tokens, self.finished = saved["tokens"], saved["finished"]
        for path in folder.glob("[0-9]*.npy"):
            if int(path.name.split(".")[0]) >= self.n_shards:
                path.unlink()

    def add(self, stories: Iterable[np.ndarray], used: int) -> None:
        """Take stories; with them, the first ``used`` stories of the source are used up."""
        for story in stories:
            self._waiting.append(story)
            self._n_waiting += len(story)
        if self._n_waiting >= self.shard_tokens:
            self._write(used)

    def finish(self, used: int) -> None:
        """Write what waits: the source has no more."""
        self.finished = True
        self._write(used)

    def _write(self, used: int) -> None:
        if self._waiting or not self.n_shards:
            path = self.folder / f"{self.n_shards:05}.npy"
            self.n_tokens += write_tokens(path, self._waiting)
            self.n_shards += 1
        self.used, self._waiting, self._n_waiting = used, [], 0
        state = {
            "origin": self.origin,
            "shards": self.n_shards,
            "used": used,
            "tokens": self.n_tokens,
            "finished": self.finished,
        }
        self.journal.write_text(json.dumps(state, indent=1) + "\n")
