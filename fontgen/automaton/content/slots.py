"""Words with slots: places in a story where the hero's name or pronoun goes.

A text of the content is words between spaces, and a word may hold one slot in braces, with
punctuation around it: ``"{Hero}'s`` or ``{him}.`` What a slot shows depends on who the story is
about; the table `SLOTS` says how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fontgen.automaton.content.cast import NAME, Hero

FORMS = ("hero", "Hero", "fox", "Fox")
"""Slots filled by the hero: in a sentence, at its beginning, and without the article (``fox`` as ``Lily``)."""
PRONOUNS: dict[str, tuple[str, str]] = {
    "he": ("he", "she"),
    "He": ("He", "She"),
    "him": ("him", "her"),
    "his": ("his", "her"),
    "His": ("His", "Her"),
    "himself": ("himself", "herself"),
    "boy": ("boy", "girl"),
    "name": ("Max", "Lily"),
}
"""Slots filled by the hero's gender: what a he and what a she has there. ``name``: given to a hero without one."""
SLOTS = (*FORMS, *PRONOUNS)
FAMILY = frozenset(("mom", "mommy", "mama", "dad", "daddy", "papa", "grandma", "granny", "grandpa"))
"""Nouns that are called by as names are: Mom, not the mom."""

_PARTS = re.compile(r"^([\"'(]*)(.*?)((?:'s)?[.,!?;:\"')-]*)$")


@dataclass(frozen=True)
class StoryWord:
    """A word between two spaces: punctuation before, its letters or a slot, what comes after.

    ``core`` is the name of a slot where ``slot`` is true.
    """

    before: str
    core: str
    after: str
    slot: bool = False

    def filled(self, forms: tuple[str, str, str, str], gender: int) -> str:
        """What is shown of it for a hero of these `hero_forms` and gender (0 he, 1 she)."""
        core = self.core
        if self.slot:
            core = forms[FORMS.index(core)] if core in FORMS else PRONOUNS[core][gender]
        return self.before + core + self.after


def story_words(text: str) -> list[StoryWord]:
    """The words of a text of the content.

    Raises:
        ValueError: a brace that belongs to no slot.

    >>> story_words('"{Hero}\\'s hat,"')[0]
    StoryWord(before='"', core='Hero', after="'s", slot=True)
    """
    return [_story_word(word) for word in text.split()]


def _story_word(word: str) -> StoryWord:
    before, core, after = _PARTS.match(word).groups()  # type: ignore[union-attr]
    if core.startswith("{") and core.endswith("}") and core[1:-1] in SLOTS:
        return StoryWord(before, core[1:-1], after, True)
    if "{" in word or "}" in word:
        raise ValueError(f"{word!r} holds no slot that there is: {', '.join(SLOTS)}")
    return StoryWord(before, core, after)


def hero_forms(hero: Hero) -> tuple[str, str, str, str]:
    """How a hero is called, in the order of `FORMS`.

    >>> hero_forms(Hero("fox", "fox", "noun", "n"))
    ('the fox', 'The fox', 'fox', 'Fox')
    """
    if hero.kind == NAME:
        return (hero.written,) * 4
    if hero.word in FAMILY:
        return (hero.word.capitalize(),) * 4
    return ("the " + hero.word, "The " + hero.word, hero.word, hero.word.capitalize())


def filled(text: str, hero: Hero, gender: str) -> str:
    """A text of the content, told of a hero; ``gender`` ``f`` is a she, all else a he."""
    forms, number = hero_forms(hero), int(gender == "f")
    return " ".join(word.filled(forms, number) for word in story_words(text))
