"""What a text of the content is, which says what may follow it."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

from fontgen.automaton.content.slots import FORMS, story_words
from fontgen.automaton.content.words import words_of


class Kind(enum.Enum):
    """What a row is, which says what follows it."""

    BODY = "body"
    GO = "go"
    """A bridge after which the body may begin."""
    PLAIN = "plain"
    """A bridge of nobody: the hero is introduced, if the prompt did not do so."""
    DAY = "day"
    """A bridge that says "one day" itself."""
    INTRODUCTION = "introduction"
    PHRASE = "phrase"
    """"One day," or the like, before a body."""
    WHOLE = "whole"
    """A whole story, told without slots."""
    END = "end"


def bridge_kind(text: str, with_hero: bool) -> Kind:
    """What a bridge is, by its words.

    >>> bridge_kind(", there was a big tree.", False)
    <Kind.PLAIN: 'plain'>
    """
    if "one day" in text.lower():
        return Kind.DAY
    names_hero = any(word.slot and word.core in (*FORMS, "boy") for word in story_words(text))
    return Kind.GO if with_hero or names_hero else Kind.PLAIN


def theme_of(text: str, themes: Mapping[str, int]) -> int | None:
    """The theme of a bridge: that of its last word that has one."""
    said = re.sub(r"\{\w+\}", "", text)  # the name of a slot is not said
    found = [themes[word] for word in words_of(said) if word in themes]
    return found[-1] if found else None
