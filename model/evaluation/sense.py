"""Whether a story makes sense, as far as that can be computed without understanding it.

Three things that go wrong in stories of small models, each found by a rule that a reader can follow:

- nobody does what the story is about: the hero that the prompt states is never the subject of a sentence;
- a speaker addresses itself: ``"Thank you, Max," said Max.``;
- a thing changes its name: ``Max had a red ball. He kicked his kite.`` The rule looks at things of one kind (the
  toys, say) and asks for one that comes with *the* or *his* and never came with *a*, after another one did.

``judged.jsonl`` has a hundred sampled continuations of an earlier model that were read and judged, one by one, before
these rules were finished; `agreement` says how often they agree with that. The rules were made with all hundred in
view; ``judged_after.jsonl`` has twenty-five others, which were judged when the rules were done, and before what these
say of them was looked at. A rule that finds nothing proves nothing.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

JUDGED = Path(__file__).parent / "judged.jsonl"
JUDGED_AFTER = JUDGED.with_name("judged_after.jsonl")
KINDS = (
    "ball kite doll car truck train boat drum bike puzzle balloon block robot plane",
    "apple banana orange pear cake cookie candy pie bread carrot egg berry sandwich pizza soup honey cheese",
    "hat shirt dress coat shoe sock scarf ring crown necklace bag box basket key cup book pencil",
    "bird cat dog fish frog rabbit bunny mouse squirrel bear fox duck bee butterfly pig cow horse sheep",
)
"""Words that take each other's place where a story has lost its thread, by kind."""
IRREGULAR = frozenset(
    "was were had did went came saw said told ran sat stood found got gave took made knew thought felt left kept "
    "began ate drank slept woke flew swam sang fell held heard hid let lost met put read rode sent shook spoke "
    "threw wore won wrote built bought brought caught chose cut drew drove fed fought forgot grew hurt laid led "
    "lay paid rang rose sold shone shut slid spent split spread stuck swept swung taught tore understood could "
    "would is has does goes comes sees says".split()
)
"""Verb forms of stories that do not end in -ed."""
ADVERBS = frozenset(
    "then also quickly slowly always never still just soon finally really even suddenly happily".split()
)
WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
NAMED = re.compile(r"\b(?:named|called|name was) ([A-Z][a-z]+)")
QUOTE = re.compile(r'"([^"]*)"')
SAID = r"(?:said|says|asked|asks|replied|shouted|cried|yelled|answered|whispered|called|told)"
ADJECTIVES = r"(?:(?:little|big|old|small|brave|kind|wise|funny|lazy|tiny) )*"
WHO = rf"(?:(?:[Tt]he )?[A-Za-z]+'s |[Tt]he |[Hh]is |[Hh]er |[Aa]n? )?{ADJECTIVES}"
BEFORE = re.compile(rf"\b{SAID}\b[^.!?]*[,:] ?$")
"""What leads to a quotation: whoever its sentence is about says it."""
CLAUSE = re.compile(rf"\b(?:but|and|so) {WHO}([A-Za-z]+) {SAID}\b[^.!?]*[,:] ?$")
"""The same, where a clause of the sentence has its own speaker."""
AFTER = re.compile(rf"^ ?(?:{SAID} {WHO}([A-Za-z]+)|{WHO}([A-Za-z]+) {SAID}\b(?![^.!?]*, ?$))")
SUBJECT = re.compile(rf"^\W*(?:[A-Z][a-z ]+, )?{WHO}([A-Za-z]+)")
PRONOUNS = frozenset("he she it".split())
NO_SUBJECTS = PRONOUNS | frozenset("they then but one at when as said asked cried called".split())
DEFINITE = frozenset("the his her their its that this".split())
INDEFINITE = frozenset("a an some many more two another".split())
ANSWER = re.compile(r"(?:Yes|No|Okay|My|It|I)\b")
ATTRIBUTION_LETTERS = 40
"""``said the little puppy.`` has so many letters at most."""
YES_OR_NO = re.compile(r"(?:Yes|No)\b")


@dataclass(frozen=True)
class Sense:
    """What was found; True is good."""

    hero_acts: bool
    nobody_addresses_itself: bool
    things_keep_their_names: bool


def names_of(hero: str, text: str) -> set[str]:
    """The hero's word in small letters, and the name that the story gives."""
    given = NAMED.search(text)
    return {hero.lower()} | ({given[1].lower()} if given else set())


def hero_acts(prompt: str, text: str, hero: str) -> bool:
    """Whether the hero is followed by a verb somewhere in the continuation, or begins it."""
    names = names_of(hero, f"{prompt}{text}")
    words = WORD.findall(text)
    ends_with_hero = bool(words) and (WORD.findall(prompt) or [""])[-1].lower() in names
    for at, word in enumerate([prompt.split()[-1], *words] if ends_with_hero else words):
        rest = words[at:] if ends_with_hero else words[at + 1 :]
        if word.lower() in names and _begins_with_verb(rest):
            return True
    return False


def _begins_with_verb(words: Sequence[str]) -> bool:
    for word in words[:4]:
        if word.lower() in IRREGULAR or (word.endswith("ed") and word.islower()):
            return True
        # "Max and his friends played": the hero is one of those who do it.
        if word.lower() not in ADVERBS | {
            "and",
            "his",
            "her",
            "the",
            "their",
            "mom",
            "friends",
            "who",
        }:
            return False
    return False


@dataclass(frozen=True)
class Turn:
    """A quotation: its ``speaker`` in small letters ("" where nobody is named), its ``words``, and how many
    letters are told between the one before and this one."""

    speaker: str
    words: str
    gap: int


def turns(text: str) -> list[Turn]:
    """Who says what.

    A pronoun stands for whom the last sentence with a name was about.
    """
    told: list[Turn] = []
    about, end = "", 0
    quotes = list(QUOTE.finditer(text))
    for quote, following in itertools.zip_longest(quotes, quotes[1:]):
        between = text[end : quote.start()]
        for sentence in re.split(r"(?<=[.!?])\s+", between.strip()):
            subject = SUBJECT.match(sentence)
            if subject and subject[1] == "They":
                about = ""
            elif subject and subject[1].lower() not in NO_SUBJECTS and sentence[:1].isupper():
                about = subject[1].lower()
        clause = CLAUSE.search(between)
        if clause and clause[1].lower() not in NO_SUBJECTS:
            about = clause[1].lower()
        speaker = about if BEFORE.search(between) else ""
        after = AFTER.match(text[quote.end() : following.start() if following else len(text)])
        if not speaker and after and quote[1].rstrip().endswith((",", "!", "?")):
            named = (after[1] or after[2]).lower()
            speaker = about if named in PRONOUNS else named
            about = speaker
        told.append(Turn(speaker, quote[1], quote.start() - end))
        end = quote.end()
    return told


def addresses_itself(text: str) -> bool:
    """Whether somebody's own name stands in what they say as that of whom they speak to, or somebody
    answers what they said themselves."""
    before = Turn("", "", 0)
    for turn in turns(text):
        name = re.escape(turn.speaker)
        # Not "I am Max," nor "It's me, Max."
        calls = rf"(?<!am)(?<!me)(?<!is), {WHO}{name}[,.!?]|^{name},"
        if turn.speaker and re.search(calls, turn.words, re.IGNORECASE):
            return True
        asked = before.words.rstrip().endswith("?")
        answers = ANSWER if asked else YES_OR_NO
        if turn.speaker and turn.speaker == before.speaker and answers.match(turn.words):
            if asked or turn.gap <= ATTRIBUTION_LETTERS:
                return True
        before = turn
    return False


def things_change(prompt: str, text: str) -> bool:
    """Whether a thing of a kind comes up as if it were known, after another one of the kind was introduced."""
    words = [word.lower() for word in WORD.findall(text)]
    for kind in KINDS:
        things = {
            form: thing for thing in kind.split() for form in (thing, f"{thing}s", f"{thing}es")
        }
        introduced = {
            things[word.lower()] for word in WORD.findall(prompt) if word.lower() in things
        }
        for at, word in enumerate(words):
            thing = things.get(word)
            if thing is None or thing in introduced:
                continue
            before = words[max(0, at - 3) : at]
            known = DEFINITE.intersection(before)
            new = not known or INDEFINITE.intersection(before)
            if not new and introduced:
                return True
            introduced.add(thing)
    return False


def sense(prompt: str, text: str, characters: Sequence[str]) -> Sense:
    """Look at a continuation of ``prompt``, which introduces ``characters``."""
    acts = not characters or hero_acts(prompt, text, characters[0])
    return Sense(acts, not addresses_itself(text), not things_change(prompt, text))


@dataclass(frozen=True)
class Agreement:
    """Of judged stories: how many a rule judges alike, and the faults that are there, found, and wrongly found."""

    alike: int
    faults: int
    found: int
    wrongly: int


def agreement(path: Path = JUDGED) -> dict[str, Agreement]:
    """How the rules agree with the judgement in ``path``: by the name of `Sense`'s field."""
    stories = [json.loads(line) for line in path.read_text().splitlines()]
    ruled = [sense(story["prompt"], story["text"], story["characters"]) for story in stories]
    result = {}
    for each in fields(Sense):
        both = [
            (story[each.name], getattr(rule, each.name))
            for story, rule in zip(stories, ruled, strict=True)
        ]
        result[each.name] = Agreement(
            alike=sum(judged == rule for judged, rule in both),
            faults=sum(not judged for judged, _ in both),
            found=both.count((False, False)),
            wrongly=both.count((True, False)),
        )
    return result
