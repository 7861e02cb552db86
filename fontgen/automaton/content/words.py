"""How typed text is read: as words and punctuation, each known by its lower-case form.

The font's rules and the reference read text in the same way, so what a word is must be simple: letters
A to Z, with apostrophes between them; and seven marks of punctuation. All else (spaces,
digits, other scripts) separates words and is not seen.
"""

from __future__ import annotations

import re

WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)*|[.,!?;:\"\u201c\u201d]")
PUNCTUATION = {mark: mark for mark in '.,!?;:"'} | {"\u201c": '"', "\u201d": '"'}
"""Typed character to the mark that it counts as."""
FEMALE, MALE = ("she", "her", "hers", "herself"), ("he", "his", "him", "himself")
"""Typed words that say that a hero is a she, or a he."""
SENTENCE_END = re.compile(r"[.!?][\"']?(?= |$)")


def words_of(text: str) -> list[str]:
    """The words and marks of a text, in lower case.

    >>> words_of('The fox said, "Don\u2019t!"')
    ['the', 'fox', 'said', ',', '"', "don't", '!', '"']
    """
    return [normalise(word) for word in WORD.findall(text)]


def normalise(word: str) -> str:
    """The form of a typed word, or of a mark, by which it is known."""
    return PUNCTUATION.get(word) or word.lower().replace("\u2019", "'")


def plain(text: str) -> str:
    """A text in one line, with the quotation marks and apostrophes of a typewriter."""
    for fancy, simple in ("\u2019'", "\u2018'", '\u201c"', '\u201d"'):
        text = text.replace(fancy, simple)
    return " ".join(text.split())
