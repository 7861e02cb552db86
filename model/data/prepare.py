"""Turn text into a vocabulary and token files: the first step of training.

    python -m model.data.prepare model/recipes/train.toml

Reads the ``[data]`` table of a training configuration. Every source is UTF-8 text, plain or
compressed with xz, its stories separated by a line ``<|endoftext|>``; or so many stories of the
grammar in ``model/grammar``, by ``grammar = 20000, seed = 1`` in place of ``path``. Written to the data folder:

- ``tokenizer.model``: a sentencepiece BPE with byte fallback, trained on the sources, or a copy of
  the ``tokenizer`` that the configuration names (to go on from weights that use it);
- ``NAME.npy`` for each source: uint16 tokens, BOS (1) before each story and once more at the end.
  ``containing`` or ``without`` takes only the stories with, or without, a string of characters;
  ``renamed = 3`` adds three variants of each story whose characters have other names, so that a
  model learns to carry a name through a story instead of knowing who is usually in it;
  ``blank_lines = true`` adds each of them with a blank line between its paragraphs, too;
- ``valid.npy``: every ``valid_every``-th story of the sources marked ``valid = true``, left out of
  their token files, to choose between checkpoints by. (A yardstick belongs in neither.)
"""

from __future__ import annotations

import argparse
import itertools
import lzma
import random
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SEPARATOR = "<|endoftext|>"
BOS = 1
NAMES = Path(__file__).parents[1] / "grammar" / "names.toml"
WORD = re.compile(r"[A-Za-z]+")


def read_config(path: Path) -> dict[str, Any]:
    """Read a training configuration; relative paths in it are relative to the current folder.

    ``extends = "train.toml"`` names another one, in the same folder: what the tables of this one do
    not say, that one's do.
    """
    with path.open("rb") as file:
        config = tomllib.load(file)
    if "extends" not in config:
        return config
    extended = read_config(path.parent / config.pop("extends"))
    return extended | {name: extended.get(name, {}) | table for name, table in config.items()}


def read_stories(path: Path) -> list[str]:
    """Return the stories of a text file (plain or ``.xz``), stripped, without empty ones."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        stories = file.read().split(SEPARATOR)
    return [story.strip() for story in stories if story.strip()]


class Renamer:
    """Gives the characters of a story other first names, each one of the same kind.

    The kinds, their names and how often these are drawn are in ``model/grammar/names.toml``. Names
    that girls and boys share (Sam, Max) count as what the story's pronouns say that they are.
    """

    def __init__(self, names: dict[str, dict[str, int]]) -> None:
        self.names = names
        self.kind = {name: kind for kind, weights in names.items() for name in weights}

    def kind_in(self, name: str, words: set[str]) -> str:
        girl, boy = not words.isdisjoint({"she", "her"}), not words.isdisjoint({"he", "his"})
        if self.kind[name] != "either" or girl == boy:
            return self.kind[name]
        return "girls" if girl else "boys"

    def rename(self, story: str, rng: random.Random) -> str:
        """Return the story with every name replaced, or the story itself if it has none.

        A name stays where it may be a common word (the story has it in small letters, too), or
        where a second one is a form of it (Tim and Timmy): the story may play with the two.
        """
        words = set(WORD.findall(story))
        taken = words | {word.capitalize() for word in words}
        found = [name for name in sorted(words & self.kind.keys()) if name.lower() not in words]
        found = [
            name
            for name in found
            if not any(name != other and name[:3] == other[:3] for other in found)
        ]
        new = {}
        for name in found:
            weights = self.names[self.kind_in(name, words)]
            free = [other for other in weights if other not in taken]
            new[name] = rng.choices(free, [weights[other] for other in free])[0]
            taken.add(new[name])
        return WORD.sub(lambda match: new.get(match[0], match[0]), story)

    def variants(self, stories: Sequence[str], count: int, seed: str) -> list[str]:
        """Return each story and ``count`` variants of it; one without names is only repeated,
        which leaves its share in the text as it was."""
        rng = random.Random(seed)
        return [
            story if copy == 0 else self.rename(story, rng)
            for story in stories
            for copy in range(count + 1)
        ]


def read_source(source: dict[str, Any]) -> list[str]:
    """Return the stories of an entry of ``sources``: from its file, or from the grammar."""
    if "grammar" in source:
        from model.grammar.grammar import Grammar

        return list(itertools.islice(Grammar().stories(source.get("seed", 1)), source["grammar"]))
    return [
        story
        for story in read_stories(Path(source["path"]))
        if source.get("containing", "") in story
        and ("without" not in source or source["without"] not in story)
    ]


def train_tokenizer(stories: Sequence[str], vocab_size: int, path: Path) -> None:
    """Train llama2.c's kind of vocabulary: BPE, single digits, unknown characters as bytes."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_lines(stories)),
        model_prefix=str(path.with_suffix("")),
        model_type="bpe",
        vocab_size=vocab_size,
        byte_fallback=True,
        split_digits=True,
        allow_whitespace_only_pieces=True,
        normalization_rule_name="identity",
        character_coverage=1.0,
        input_sentence_size=200_000,
        shuffle_input_sentence=True,
        num_threads=2,
        minloglevel=1,
    )
    path.with_suffix(".vocab").unlink()


def _lines(stories: Sequence[str]) -> Iterator[str]:
    for story in stories:
        yield from (line for line in story.splitlines() if line)


def encode(tokenizer: sentencepiece.SentencePieceProcessor, stories: list[str]) -> np.ndarray:
    """Return uint16 tokens: BOS before each story, and one BOS that ends the last."""
    tokens: list[int] = []
    for story in tokenizer.encode(stories):
        tokens += [BOS, *story]
    return np.array([*tokens, BOS], dtype=np.uint16)


def story_spans(tokens: np.ndarray) -> list[tuple[int, int]]:
    """Where each story of a token file's ``tokens`` (n,) begins, with its BOS, and the next one does."""
    starts = np.flatnonzero(tokens == BOS).tolist()
    return list(itertools.pairwise(starts))


def prepare(data: dict[str, Any]) -> None:
    """Write the data folder that the ``[data]`` table describes, replacing what it holds."""
    folder = Path(data["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    every = data.get("valid_every", 100)
    stories: dict[str, list[str]] = {}
    valid: list[str] = []
    renamer = Renamer(read_config(NAMES))
    for source in data["sources"]:
        read = read_source(source)
        if source.get("valid", False):
            valid += read[::every]
            read = [story for index, story in enumerate(read) if index % every]
        read = renamer.variants(read, source.get("renamed", 0), source["name"])
        if source.get("blank_lines", False):
            read += [re.sub(r"\n+", "\n\n", story) for story in read]
        stories[source["name"]] = read

    vocabulary = folder / "tokenizer.model"
    if "tokenizer" in data:
        shutil.copyfile(data["tokenizer"], vocabulary)
    else:
        chosen: list[str] = []
        for source in data["sources"]:
            share = source.get("vocabulary_share", 1.0)
            rng = random.Random(source["name"])
            chosen += [story for story in stories[source["name"]] if rng.random() < share]
        train_tokenizer(chosen, data["vocab_size"], vocabulary)

    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    if tokenizer.vocab_size() != data["vocab_size"]:
        raise ValueError(f"{vocabulary}: {tokenizer.vocab_size()} entries")
    for name, texts in {**stories, "valid": valid}.items():
        tokens = encode(tokenizer, texts)
        np.save(folder / f"{name}.npy", tokens)
        size = sum(len(text.encode()) for text in texts)
        print(f"{name}: {len(texts):,} stories, {size:,} bytes, {len(tokens):,} tokens", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path, help="training configuration (TOML)")
    prepare(read_config(parser.parse_args().config)["data"])


if __name__ == "__main__":
    main()
