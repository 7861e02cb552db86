"""Texts whose beginnings say how prompts end: files of stories, as the model was trained on."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fontgen.automaton.content.words import plain
from fontgen.errors import FontgenError
from fontgen.llama.documents import split_documents

LONG = 1000
"""Words of a text of which every paragraph is a beginning."""
SHORTEST, MOST = 15, 40
"""Words of such a paragraph, and how many of a text."""


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


@dataclass(frozen=True)
class TextSource:
    """A file of stories. ``half``: leave out those of which `is_held_out` says so."""

    path: Path
    half: bool = False

    def beginnings(self) -> Iterator[str]:
        """Texts, each in one line: stories, and of long ones the paragraphs."""
        for story in read_stories(self.path):
            if self.half and is_held_out(story):
                continue
            if len(story.split()) < LONG:
                yield plain(story)
                continue
            paragraphs = [part for part in story.split("\n") if len(part.split()) > SHORTEST]
            yield from map(plain, paragraphs[:MOST])
