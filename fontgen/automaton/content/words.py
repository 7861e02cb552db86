"""How typed text is read: as words and punctuation, each known by its lower-case form.

The font's rules and the reference read text in the same way, so what a word is must be simple: letters
A to Z, with apostrophes between them; and seven marks of punctuation. All else (spaces,
digits, other scripts) separates words and is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)*|[.,!?;:\"\u201c\u201d]")
PUNCTUATION = {mark: mark for mark in ".,!?;:"}
"""Marks that are read, each as itself."""
QUOTES = ("\u201c", "\u201d")
"""Typed quotation marks, of whatever shape, are read as the first and the second of these in turn."""
_TYPED_QUOTES = frozenset(('"', *QUOTES))
FEMALE, MALE = ("she", "her", "hers", "herself"), ("he", "his", "him", "himself")
"""Typed words that say that a hero is a she, or a he."""
SENTENCE_END = re.compile(r"[.!?][\"']?(?= |$)")


def words_of(text: str) -> list[str]:
    """The words and marks of a text, in lower case.

    >>> words_of('The fox said, "Don\u2019t!"')
    ['the', 'fox', 'said', ',', '\u201c', "don't", '!', '\u201d']
    """
    return normalised(WORD.findall(text))


def normalised(words: Sequence[str]) -> list[str]:
    """The forms of typed words and marks by which they are known."""
    result = []
    quotes = 0
    for word in words:
        if word in _TYPED_QUOTES:
            word = QUOTES[quotes % 2]
            quotes += 1
        result.append(word.lower().replace("\u2019", "'"))
    return result


def plain(text: str) -> str:
    """A text in one line, with the quotation marks and apostrophes of a typewriter."""
    for fancy, simple in ("\u2019'", "\u2018'", '\u201c"', '\u201d"'):
        text = text.replace(fancy, simple)
    return " ".join(text.split())
