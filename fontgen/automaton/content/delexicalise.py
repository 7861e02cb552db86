"""Puts slots where a text of the model has its hero and the hero's pronouns."""

from __future__ import annotations

import re

from fontgen.automaton.content.cast import NAME, Hero
from fontgen.automaton.content.slots import _PARTS, FORMS, FRIEND, FRIEND_FORMS

_NO_POSSESSION = frozenset(
    "to and in on at for with up that the a an if so but how when what not about by from as too "
    "very again all home out away down off into back who why because then while until or".split()
)
"""After these, ``her`` was no possessive: "gave her to"."""
_SENTENCE_END = re.compile(r"[.!?][\"']?$")
_PRONOUNS = {"m": ("he", "him", "his", "himself"), "f": ("she", "her", "her", "herself")}


def delexicalise(
    text: str, hero: Hero | None, gender: str, before: str = "", *, friend: bool = False
) -> str:
    """A text with slots for a hero and for pronouns of a gender; in speech pronouns stay.

    Args:
        text: of one line.
        hero: whose name to look for; None leaves names alone.
        gender: ``f`` takes she and her, ``m`` and ``n`` he and him, all else no pronoun.
        before: the text before, for open quotations and ends of sentences.
        friend: the slots are the friend's, not the hero's.
    """
    return _Delexicaliser(hero, gender, before, friend).run(text)


class _Delexicaliser:
    def __init__(self, hero: Hero | None, gender: str, before: str, friend: bool):
        self.friend = friend
        self.hero = hero
        self.pronouns = _PRONOUNS.get("m" if gender == "n" else gender)
        self.in_speech = before.count('"') % 2 == 1
        self.at_start = not before.strip() or bool(_SENTENCE_END.search(before.strip()))
        self.after_comma = before.rstrip().endswith(",")

    def run(self, text: str) -> str:
        parts = [list(_PARTS.match(word).groups()) for word in text.split()]  # type: ignore[union-attr]
        result = []
        i = 0
        while i < len(parts):
            before, core, after = parts[i]
            if '"' in before:
                self.in_speech = True
            capital = self.at_start or '"' in before
            following = parts[i + 1] if i + 1 < len(parts) else None
            length = self._noun_phrase(parts, i)
            if length:
                after = parts[i + length - 1][2]
                core = self._slot("Hero" if core[0] == "T" else "hero")
                i += length - 1
            elif self.hero and core.lower() == self.hero.word:
                core = self._called(core, before, after, capital)
            elif self.pronouns and not self.in_speech:
                core = self._pronoun(core, after, following)
            result.append(before + core + after)
            if '"' in after:
                self.in_speech = False
            self.at_start = bool(_SENTENCE_END.search(after))
            self.after_comma = after.endswith(",")
            i += 1
        return " ".join(result)

    def _noun_phrase(self, parts: list[list[str]], i: int) -> int:
        """Words of ``the fox`` or ``the little fox`` at a place; 0 where there is none."""
        _, core, after = parts[i]
        if not self.hero or self.hero.kind == NAME or core.lower() != "the" or after:
            return 0
        for j in (i + 1, i + 2):
            if j >= len(parts) or parts[j][0]:
                return 0
            if parts[j][1].lower() == self.hero.word:
                return j - i + 1
            if not parts[j][1].islower() or parts[j][2]:
                return 0
        return 0

    def _called(self, core: str, before: str, after: str, capital: bool) -> str:
        """The hero without an article: a name in a text, or somebody spoken to."""
        if not self.hero or self.hero.kind != NAME:
            return self._slot("Fox" if core[0].isupper() else "fox")
        spoken_to = self.in_speech and (
            (self.after_comma and after[:1] in tuple(",.!?"))
            or ('"' in before and after.startswith(","))
        )
        name = "fox" if spoken_to else "hero"
        return self._slot(name.capitalize() if capital else name)

    def _slot(self, name: str) -> str:
        if self.friend:
            name = FRIEND_FORMS[FORMS.index(name)] if name in FORMS else FRIEND + name
        return "{" + name + "}"

    def _pronoun(self, core: str, after: str, following: list[str] | None) -> str:
        assert self.pronouns is not None
        he, him, his, himself = self.pronouns
        low, capital = core.lower(), core[:1].isupper()
        if low == he:
            return self._slot("He" if capital else "he")
        if low == himself:
            return self._slot("himself")
        if him == his:  # her
            if low != his:
                return core
            next_word = following[1].lower() if following else ""
            possessive = not after and next_word and next_word not in _NO_POSSESSION
        else:
            if low not in (him, his):
                return core
            possessive = low == his
        if not possessive:
            return self._slot("him")
        return self._slot("His" if capital else "his")
