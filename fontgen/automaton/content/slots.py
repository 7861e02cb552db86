"""Words with slots: places in a story where a name, a pronoun or a thing goes.

A text of the content is words between spaces, and a word may hold one slot in braces, with
punctuation around it: ``"{Hero}'s`` or ``{him}.`` What a slot shows depends on who the story is
about, who is with them, and about what; the tables here say how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fontgen.automaton.content.cast import NAME, Hero

FORMS = ("hero", "Hero", "fox", "Fox")
"""Slots filled by the hero: in a sentence, at its beginning, and without the article (``fox`` as ``Lily``)."""
FRIEND_FORMS = ("friend", "Friend", "pal", "Pal")
"""The same for the friend, whom the prompt names after the hero."""
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
FRIEND = "friend_"
FRIEND_PRONOUNS = {
    FRIEND + name: shown for name, shown in PRONOUNS.items() if name not in ("boy", "name")
}
"""Slots filled by the friend's gender."""
THINGS = ("thing", "things")
"""Slots filled by the typed word of the theme that is a thing, or else by the theme's own: one, and more."""
SLOTS = (*FORMS, *FRIEND_FORMS, *PRONOUNS, *FRIEND_PRONOUNS, *THINGS)
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

    def filled(self, players: Players) -> str:
        """What is shown of it."""
        return self.before + (players.shown(self.core) if self.slot else self.core) + self.after


@dataclass(frozen=True)
class Players:
    """Who and what a story is about; ``gender`` ``f`` is a she, all else a he."""

    hero: Hero
    gender: str
    friend: Hero | None = None
    thing: str = ""

    def shown(self, slot: str) -> str:
        """The word of a slot."""
        if slot in FORMS:
            return hero_forms(self.hero)[FORMS.index(slot)]
        if slot in PRONOUNS:
            return PRONOUNS[slot][self.gender == "f"]
        if slot in THINGS:
            return plural(self.thing) if slot == "things" else self.thing
        assert self.friend is not None
        if slot in FRIEND_FORMS:
            return hero_forms(self.friend)[FRIEND_FORMS.index(slot)]
        return FRIEND_PRONOUNS[slot][self.friend.gender == "f"]


def plural(thing: str) -> str:
    """More than one of a thing.

    >>> plural("box"), plural("daisy"), plural("toy")
    ('boxes', 'daisies', 'toys')
    """
    if re.search(r"(?:s|x|sh|ch)$", thing):
        return thing + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", thing) + "s"


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


def filled(text: str, players: Players) -> str:
    """A text of the content, told of somebody."""
    return " ".join(word.filled(players) for word in story_words(text))
