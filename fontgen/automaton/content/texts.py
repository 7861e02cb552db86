"""Texts whose beginnings say how prompts end: files of stories, as the model was trained on."""

from __future__ import annotations

import hashlib
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fontgen.automaton.content.words import SENTENCE_END, plain
from fontgen.errors import FontgenError
from fontgen.llama.documents import split_documents

LONG = 1000
"""Words of a text of which every paragraph is a beginning."""
SHORTEST, MOST = 15, 40
"""Words of such a paragraph, and how many of a text."""
NEXT = 3
"""Words of the next sentence that are taken with a sentence."""
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St)\.$")


def read_stories(path: Path) -> list[str]:
    """The documents of a text file, plain or ``.xz``, between lines ``<|endoftext|>``.

    Raises:
        FontgenError: it cannot be read.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        return split_documents(data.decode("utf-8"))
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise FontgenError(f"is damaged: {error}", path=path) from error


def is_held_out(story: str) -> bool:
    """Whether a story belongs to the half that is kept to measure by: decided by a hash of its beginning."""
    return int(hashlib.sha256(story[:200].encode()).hexdigest(), 16) % 2 == 1


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text of one line that begin outside of a quotation, each with the first words of the next.

    >>> list(sentences('It rained. "Oh no!" said the old king. Then he fell asleep.'))
    ['It rained. "Oh no!" said', '"Oh no!" said the old king. Then he fell', 'Then he fell asleep.']
    """
    stops = [
        found.end()
        for found in SENTENCE_END.finditer(text)
        if not _ABBREVIATION.search(text[: found.end()])
        and not text[found.end() + 1 : found.end() + 2].islower()
    ]
    start = 0
    for stop in [*stops, len(text)]:
        if start < stop and text.count('"', 0, start) % 2 == 0:
            following = " ".join(text[stop : stop + 80].split()[:NEXT])
            yield f"{text[start:stop]} {following}".strip()
        start = stop + 1


@dataclass(frozen=True)
class TextSource:
    """A file of stories. ``half``: leave out those of which `is_held_out` says so. ``sentences``: every sentence is a
    beginning, too."""

    path: Path
    half: bool = False
    sentences: bool = False

    def beginnings(self) -> Iterator[str]:
        """Texts, each in one line: stories, and of long ones the paragraphs."""
        for story in read_stories(self.path):
            if self.half and is_held_out(story):
                continue
            paragraphs = [plain(story)]
            if len(story.split()) >= LONG:
                paragraphs = [plain(part) for part in story.split("\n")]
                yield from [part for part in paragraphs if len(part.split()) > SHORTEST][:MOST]
            else:
                yield from paragraphs
            if self.sentences:
                for paragraph in paragraphs:
                    yield from islice(sentences(paragraph), 1, None)
