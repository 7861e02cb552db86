"""Who a story may be about, and what: the cast, a TOML file that a person writes.

It is of these sections::

    [names]                  # first names, as they are written
    f = ["Lily", ...]
    m = ["Tim", ...]
    [nouns]                  # other heroes: "the fox"; n: he or she as the prompt has it, else he
    f = ["girl", ...]
    m = ["boy", ...]
    n = ["fox", ...]
    [things]                 # heroes where there is no other: "the train"
    n = ["boat", ...]
    [heroes]
    default = ["Lily", ...]                    # of prompts that name nobody
    [[groups]]                                 # what stories are about where the prompt does not say
    words = ["fish", ...]                      # these heroes, or kind = "noun", all others of a kind
    themes = ["sea", "river"]
    [words]
    capital = ["Monday", ...]                  # words with a capital letter that are nobody
    under_way = ["suddenly", ...]              # after these no "One day," follows
    alone = ["girl", ...]                      # heroes who are never somebody's friend: they say who the hero is
    [bridges]                                  # optional: how prompts with a hero go on that end so, whatever stands
    "<noun> named" = " {name}."                # before; instead of what the model says
    [[themes]]
    name = "ball"
    words = ["ball", "balls"]                  # typed words that choose the theme
    introductions = ["{Hero} had a red ball."] # sentences after which the model tells its bodies
    things = ["ball", "football"]              # optional: what may stand for each other, the first in the introductions
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME, NOUN, THING = "name", "noun", "thing"
KINDS = {"names": NAME, "nouns": NOUN, "things": THING}
CLASSES = {NAME: "<name>", NOUN: "<noun>"}
"""What an end of a prompt has in place of a hero, so that it serves for all of the kind."""


@dataclass(frozen=True)
class Hero:
    """A word that a story may be about.

    word: in lower case. written: as it stands in a text. kind: `NAME`, `NOUN` or `THING`.
    gender: ``m``, ``f``, or ``n`` where the prompt's pronouns say.
    """

    word: str
    written: str
    kind: str
    gender: str


@dataclass(frozen=True)
class Theme:
    """What a story may be about: typed words that choose it, sentences that open a story about it, and things that
    may stand for each other in it."""

    name: str
    words: tuple[str, ...]
    introductions: tuple[str, ...]
    things: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Heroes, by their words or all of a kind, and names of themes that suit them."""

    words: tuple[str, ...]
    kind: str | None
    themes: tuple[str, ...]


@dataclass(frozen=True)
class Cast:
    """Heroes by word, themes in order, capitalised words that are nobody, words of a story under way."""

    heroes: dict[str, Hero]
    themes: tuple[Theme, ...]
    groups: tuple[Group, ...] = ()
    default: tuple[str, ...] = ()
    capital: frozenset[str] = frozenset()
    under_way: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    bridges: dict[str, str] = field(default_factory=dict)

    def hero_of(self, words: list[str]) -> Hero | None:
        """Who a text is about: the first name in it, else the first noun, else the first thing."""
        found = [self.heroes[word] for word in words if word in self.heroes]
        for kind in (NAME, NOUN, THING):
            for hero in found:
                if hero.kind == kind:
                    return hero
        return None

    def themes_of_heroes(self) -> dict[str, tuple[str, ...]]:
        """Three themes for each hero, of its group's: the first that names it, or its kind."""
        result = {}
        for number, hero in enumerate(self.heroes.values()):
            group = next(
                group
                for group in self.groups
                if hero.word in group.words or group.kind == hero.kind
            )
            themes = group.themes
            chosen = [themes[(3 * number + 6 * i) % len(themes)] for i in range(3)]
            result[hero.word] = tuple(dict.fromkeys(chosen))
        return result

    def abstract(self, word: str) -> str:
        """The class that stands for a word in the ends of prompts, or the word itself."""
        hero = self.heroes.get(word)
        return CLASSES.get(hero.kind, word) if hero else word


def read_cast(path: Path) -> Cast:
    """Read a cast.

    Raises:
        FontgenError: the file cannot be read or is no cast; names file and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FontgenError(f"is not TOML: {error}", path=path) from error
    heroes: dict[str, Hero] = {}
    for section, kind in KINDS.items():
        for gender, words in document.get(section, {}).items():
            if gender not in ("f", "m", "n") or not _strings(words):
                raise FontgenError(
                    f"{section}.{gender} must be f, m or n, a list of words", path=path
                )
            for word in words:
                heroes.setdefault(word.lower(), Hero(word.lower(), word, kind, gender))
    themes = []
    for number, theme in enumerate(document.get("themes", [])):
        parts = theme.get("words"), theme.get("introductions"), theme.get("things", [])
        if not isinstance(theme.get("name"), str) or not all(map(_strings, parts)):
            raise FontgenError(f"themes[{number}] needs name, words and introductions", path=path)
        words, introductions, things = map(tuple, parts)
        if len({thing[:1] in "aeiou" for thing in things}) > 1:
            raise FontgenError(f"themes[{number}].things: some have a, some an", path=path)
        themes.append(Theme(theme["name"], words, introductions, things))
    if not heroes or not themes:
        raise FontgenError("names no heroes or no themes", path=path)
    words = document.get("words", {})
    lists = [words.get(key, []) for key in ("capital", "under_way", "alone")]
    if not all(map(_strings, lists)):
        raise FontgenError("words: capital, under_way and alone must be lists of words", path=path)
    capital, under_way, alone = lists
    bridges = document.get("bridges", {})
    if not isinstance(bridges, dict) or not _strings(list(bridges.values())):
        raise FontgenError("bridges: must be texts", path=path)
    groups = _groups(document, {theme.name for theme in themes}, path)
    default = document.get("heroes", {}).get("default", [])
    if not _strings(default) or not all(
        heroes.get(word.lower(), _NOBODY).kind == NAME for word in default
    ):
        raise FontgenError("heroes.default must be a list of first names", path=path)
    return Cast(
        heroes,
        tuple(themes),
        groups,
        tuple(map(str.lower, default)),
        frozenset(map(str.lower, capital)),
        tuple(under_way),
        tuple(alone),
        bridges,
    )


_NOBODY = Hero("", "", "", "n")


def _groups(document: dict[str, Any], themes: set[str], path: Path) -> tuple[Group, ...]:
    groups = []
    for number, group in enumerate(document.get("groups", [])):
        words, kind, chosen = group.get("words", []), group.get("kind"), group.get("themes")
        if not _strings(words) or not _strings(chosen) or not chosen:
            raise FontgenError(f"groups[{number}] needs words or a kind, and themes", path=path)
        for name in chosen:
            if name not in themes:
                raise FontgenError(f"groups[{number}]: there is no theme {name!r}", path=path)
        groups.append(Group(tuple(words), kind, tuple(chosen)))
    for kind in (NAME, NOUN, THING):
        if not any(group.kind == kind for group in groups):
            raise FontgenError(f"groups: none is of the kind {kind!r}", path=path)
    return tuple(groups)


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
