"""Stories from where they are: local files, the Hugging Face hub, the story grammar. One at a time.

Parquet, JSON lines and the hub are read by ``datasets`` (the extra ``hub``), as streams: nothing is
downloaded before it is read, and nothing of it is kept.
"""

from __future__ import annotations

import gzip
import itertools
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from fontgen.errors import FontgenError
from fontgen.llama.documents import documents_in
from model.grammar.grammar import Grammar
from model.recipe import Source

ROWS = {".parquet": "parquet", ".jsonl": "json"}
"""Files with a story in each row, and the name that ``datasets`` has for the kind."""
OPENERS: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open}


def read_stories(path: Path) -> list[str]:
    """All stories of a text file (plain, ``.xz`` or ``.gz``), stripped, without empty ones."""
    return list(stories_of_text(path))


def stories_of_text(path: Path) -> Iterator[str]:
    """The same, one at a time. Raises ``OSError``, ``UnicodeDecodeError`` and ``lzma.LZMAError``."""
    opener: Callable[..., TextIO] = OPENERS.get(path.suffix, open)
    with opener(path, "rt", encoding="utf-8") as file:
        yield from documents_in(file)


def stories_of_rows(source: Source) -> Iterator[str]:
    """The column of a data set's rows, of the hub or of one file.

    Raises `FontgenError` naming the source where ``datasets`` is not installed, and for a column that
    is not there or holds no text.
    """
    try:
        import datasets
    except ImportError as error:
        raise FontgenError(
            f"source {source.name}: needs the package datasets (pip install 'fontgen[hub]')"
        ) from error
    if source.hub:
        rows = datasets.load_dataset(
            source.hub, split=source.split, revision=source.revision, streaming=True
        )
    else:
        assert source.path
        kind = ROWS[Path(source.path).suffix]
        rows = datasets.load_dataset(kind, data_files=source.path, split="train", streaming=True)
    for row in rows:
        text = row.get(source.column)
        if not isinstance(text, str):
            raise FontgenError(
                f"source {source.name}: no text in the column {source.column} (there are {', '.join(row)})"
            )
        if text.strip():
            yield text.strip()


def stories_of(source: Source) -> Iterator[str]:
    """The stories of a source, as far as it takes them, always in the same order.

    Raises ``FileNotFoundError`` and what the functions above do.
    """
    stories: Iterator[str]
    if source.grammar is not None:
        stories = itertools.islice(Grammar().stories(source.seed), source.grammar)
    elif source.hub or Path(source.path or "").suffix in ROWS:
        stories = stories_of_rows(source)
    else:
        stories = stories_of_text(Path(source.path or ""))
    taken = (
        story
        for story in stories
        if (source.containing or "") in story
        and (source.without is None or source.without not in story)
    )
    return itertools.islice(taken, source.most)
