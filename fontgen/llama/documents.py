"""Where one document of a text ends and the next begins: the one rule of ``eval``, quantiser and training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SEPARATOR = "<|endoftext|>"
"""Stands alone on the line between two documents, as in the TinyStories files."""


def documents_in(lines: Iterable[str]) -> Iterator[str]:
    """The documents between lines `SEPARATOR`, stripped of white space; empty ones are left out.

    ``lines`` may end with their line breaks or not, and may be an open file: one document is held at a time.
    """
    document: list[str] = []
    for line in lines:
        if line.strip() == SEPARATOR:
            text = "\n".join(document).strip()
            if text:
                yield text
            document = []
        else:
            document.append(line.removesuffix("\n"))
    text = "\n".join(document).strip()
    if text:
        yield text


def split_documents(text: str) -> list[str]:
    """The documents of a text, as `documents_in` finds them.

    >>> split_documents("One.\\n<|endoftext|>\\nTwo.\\n")
    ['One.', 'Two.']
    """
    return list(documents_in(text.split("\n")))
