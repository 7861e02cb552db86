"""Of a teacher's stories, those that pass the checks with room to spare.

    python -m model.training.selection build/model/data --text corpus/train/tinystories*.txt.xz

A student falls short of what it learns from: of stories that just end within the context, it learns to end just
behind it. So these are stricter than ``model/stories/checks.py``. From ``taught`` comes ``strict.npy``, for the
last phase of ``train.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sentencepiece

from model.data.shards import stories_in, token_files, write_tokens
from model.data.sources import read_stories
from model.stories.checks import are_real, is_named, says_twice, training_words, words_of
from model.stories.openings import Openings
from model.training.distill import TAUGHT

STRICT = "strict"
MOST_TOKENS = 215
"""Of a story; the context has 256."""
REPEATED_WORDS = 6
"""So many words may not come twice in a row."""
FIRST_WORDS = 14
"""Whom these introduce has to be named near the end."""
END = 0.28
"""Share of the words that is the end."""
REAL_WORDS = 0.99


class Strict:
    """Says which stories are kept.

    Args:
        texts: training text, which says what words are real, and which are nobody's name.
    """

    def __init__(self, texts: Sequence[Path]) -> None:
        self.openings = Openings([story for text in texts for story in read_stories(text)])
        self.known = training_words(texts)

    def keeps(self, story: str) -> bool:
        """Whether a story, whole, passes with room to spare (its length aside)."""
        words = words_of(story)
        if not words or says_twice(words, REPEATED_WORDS):
            return False
        if not are_real(words, self.known, REAL_WORDS):
            return False
        end = words[int((1 - END) * len(words)) :]
        heroes = self.openings.characters(" ".join(words[:FIRST_WORDS]), story)
        return all(is_named({hero}, end) for hero in heroes)


def select(folder: Path, texts: Sequence[Path]) -> int:
    """Write ``strict.npy`` beside ``taught``; return how many stories it has."""
    strict = Strict(texts)
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    kept = []
    for path in token_files(folder, TAUGHT):
        for story in stories_in(np.load(path)):
            if len(story) <= MOST_TOKENS and strict.keeps(vocabulary.decode(story[1:].tolist())):
                kept.append(story)
    n_tokens = write_tokens(folder / f"{STRICT}.npy", kept)
    print(f"{len(kept):,} stories with room to spare, {n_tokens:,} tokens", flush=True)
    return len(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of token files")
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="training text")
    arguments = parser.parse_args()
    try:
        select(arguments.folder, arguments.text)
    except FileNotFoundError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
