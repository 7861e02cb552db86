"""A grammar that tells simple stories for children, as many as you like.

    python -m model.grammar.grammar --stories 20000 --seed 1 -o stories.txt

The stories are meant to be mixed into a small model's training text: they are in the manner and
the vocabulary of TinyStories, and each holds what such a model finds hard. It ends by itself, it
follows from its opening, those whom the opening introduces are in it to the end, and no sequence
of eight words comes twice. ``prepare.py`` takes them as a source of text.

The phrases are the TOML files beside this one. ``names.toml`` has the first names;
``world.toml`` those whom a story can be about, and their things; ``phrases.toml`` the openings and
other phrases that all plots share; ``plots/*.toml`` the plots. A plot is a sequence of slots,
parted by empty lines. Each line of a slot is one way to tell that step; ``%`` and a number in
front of a slot is its chance (in percent) to be told at all. In a line,

- ``(small|tiny|)`` is one of these;
- ``<happy>`` is a line of that name in ``phrases.toml``, or in the plot's own table;
- ``$toy`` is something that stays the same through the story;
- ``@A`` is the hero, ``@he``, ``@him``, ``@his``, ``@self`` a pronoun that stands for the hero,
  ``@S`` one or the other; ``@Anew`` introduces the hero ("a fox named Max");
- ``@V`` is how the hero is spoken to ("little fox"), ``@W`` the other one;
- ``@B``, ``@bhe``, ``@bhim``, ``@bhis``, ``@bself``, ``@Bnew`` are the same for the other one;
- ``~`` in front of an opening: it tells the first slot, too (``~~``: the first two);
- ``^`` makes the next letter a capital; sentences have theirs by themselves. ``a`` becomes ``an``.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sentencepiece

from fontgen.llama.documents import SEPARATOR

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLES = Path(__file__).parent
VOCABULARY = TABLES.parent / "tokenizer.model"
MOST_TOKENS = 250
"""A story, its BOS and the BOS that ends it must fit the model's context of 256 tokens."""
WORDS = range(95, 231)
REPEATED = 8
"""No sequence of so many words may come twice."""
AS_ANIMALS = {
    "flyer": "animal",
    "bigger": "animal",
    "climber": "animal",
    "wisher": "animal",
    "small": "animal",
    "fast": "animal",
    "slow": "animal",
    "weather": "thing",
    "farmer": "animal",
    "teller": "animal",
    "visitor": "animal",
    "hunter": "animal",
    "farmanimal": "animal",
    "prey": "animal",
    "proud": "animal",
    "night": "thing",
    "snow": "being",
    "hurt": "animal",
    "pet": "animal",
}
"""Kinds whose openings are those of the animals."""

PATIENCE = 12
FLATTER = 0.6
"""The names' counts are taken to this power: a name must be carried, not known."""
SPECIES = {"Kitty", "Doggy", "Birdy", "Ducky", "Froggy", "Bunny", "Finny", "Chirpy", "Quacky"}
"""Names that only one kind of animal has."""

PRONOUNS = {
    "she": {"he": "she", "him": "her", "his": "her", "self": "herself"},
    "he": {"he": "he", "him": "him", "his": "his", "self": "himself"},
    "it": {"he": "it", "him": "it", "his": "its", "self": "itself"},
}
TOKEN = re.compile(r"\(|\)|\||<[a-z_0-9]+>|\$[a-z_0-9]+|@[A-Za-z]+|[^()|<$@]+|[<$@]")
SPEECH = re.compile(r'"([^"]*)"')
SENTENCE = re.compile(r"([^.!?]+)([.!?]|,$)")
SAID_BEFORE = re.compile(
    r"^((?:but|and|so|oh|please|then|now|hello|hey|hmm|well|mom|dad|grandma|if [a-z ]+),? )+"
)
QUESTION = re.compile(
    r"(?:what|why|who|whose|can|could|will|would|does|did|is|are|am|may|shall|should|has|was|were"
    r"|(?:do|have) (?:you|we|they|i)|(?:when|where|how) (?:is|are|was|were|do|does|did|can|could"
    r"|will|have|far|many|long|dare|about)|must i)\b"
)
QUESTION_AFTER = re.compile(r", (?:can|will|do|are|may|shall|could|would) (?:i|you|we)\b")
EXCLAMATION = re.compile(
    r"(?:what an? |how (?!are|do|did|can|could|is|was|were|many|far|long|dare|it)\w+)"
)
INTERJECTION = re.compile(r"(?:oh|ow|ouch|wow|help|yes|no|hello|hi|stop|wait|yay|hooray)\b")
NOT_SAYING = re.compile(
    r'([!?]" )the (?=(?:\w+ ){1,3}?(?:looked|was|ran|thought (?:hard|about|for)|smiled|nodded|had'
    r"|went|came|took|did|felt|held|hugged|could|jumped|sat|shook|turned|stopped|wanted|knew)\b)"
)
"""Behind a question, "the fox asked" goes on, but "the fox ran" is a new sentence."""
TAUTOLOGY = re.compile(r"\bthe (\w+) was an? (?:\w+ )?\1\b", re.IGNORECASE)
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


class GrammarError(ValueError):
    """A table says something that has no meaning."""


@dataclass
class Choice:
    """One of several sequences; a sequence is made of strings, references and choices."""

    options: list[list[str | Choice]] = field(default_factory=list)


def parse(line: str) -> list[str | Choice]:
    """Parse a line into a sequence. References stay strings; they begin with ``<``, ``$`` or ``@``.

    Raises:
        GrammarError: when a parenthesis is open or closed too often.
    """
    stack: list[Choice] = [Choice([[]])]
    for token in TOKEN.findall(line):
        if token == "(":
            stack.append(Choice([[]]))
        elif token == "|" and len(stack) > 1:
            stack[-1].options.append([])
        elif token == ")":
            choice = stack.pop()
            if not stack:
                raise GrammarError(f"closed too often: {line}")
            stack[-1].options[-1].append(choice)
        else:
            stack[-1].options[-1].append(token)
    if len(stack) != 1:
        raise GrammarError(f"open parenthesis: {line}")
    return stack[0].options[0]


parse = functools.lru_cache(maxsize=None)(parse)


def parse_lines(text: str) -> Choice:
    return Choice([parse(line.strip()) for line in text.strip().splitlines()])


@dataclass(frozen=True)
class Character:
    """Whom a story is about. ``name`` is empty where the story says "the fox"."""

    kind: str
    noun: str
    name: str
    pronoun: str
    adjective: str
    facts: dict[str, str]

    def reference(self) -> str:
        return self.name or f"the {self.noun}"

    def introduction(self, rng: random.Random) -> str:
        if self.kind == "parent":
            return self.reference()
        adjective = f"{self.adjective} " if rng.random() < 0.7 else ""
        text = f"a {adjective}{self.noun}"
        if self.name:
            text += rng.choice((" named ", " named ", " called ")) + self.name
        return text


@dataclass
class Slot:
    lines: Choice
    chance: float = 1.0


@dataclass
class Plot:
    """``heroes`` and ``others`` are kinds of characters, or ``heroes`` says both: "child+pet".
    ``bound`` names what ``$`` stands for. In a plot with ``pair`` the opening introduces both."""

    name: str
    heroes: list[str]
    others: list[str]
    weight: float
    bound: dict[str, list[str]]
    phrases: dict[str, Choice]
    openings: Choice | None
    pair: bool
    named: bool
    specific: float
    slots: list[Slot]


class Grammar:
    """The tables, read once; ``story`` draws a story from them."""

    def __init__(self, folder: Path = TABLES) -> None:
        def read(path: Path) -> dict[str, Any]:
            with path.open("rb") as file:
                return tomllib.load(file)

        self.names: dict[str, dict[str, int]] = read(folder / "names.toml")
        self.world = read(folder / "world.toml")
        self.phrases = {
            name: parse_lines(text) for name, text in read(folder / "phrases.toml").items()
        }
        self.plots: list[Plot] = []
        for path in sorted((folder / "plots").glob("*.toml")):
            for name, table in read(path).items():
                self.plots.append(self._plot(name, table))
        self.weights = [plot.weight for plot in self.plots]
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(VOCABULARY))
        self.beings: dict[str, list[tuple[str, list[str], dict[str, str]]]] = {
            kind: [self._being(line, self.world["facts"][kind]) for line in lines]
            for kind, lines in self.world["characters"].items()
        }
        for kind, line in self.world["subsets"].items():
            whole, nouns = line.split(": ")
            some = set(nouns.split(", "))
            self.beings[kind] = [being for being in self.beings[whole] if being[0] in some]
        self.drawn: dict[str, tuple[list[str], list[float]]] = {
            kind: ([name for name in names if name not in SPECIES], [])
            for kind, names in self.names.items()
        }
        for kind, (names, weights) in self.drawn.items():
            weights += [self.names[kind][name] ** FLATTER for name in names]

    @staticmethod
    def _being(line: str, fields: list[str]) -> tuple[str, list[str], dict[str, str]]:
        """Read "noun; adjective, adjective; fact; fact": the facts are named in ``fields``."""
        noun, adjectives, *facts = (part.strip() for part in line.split(";"))
        if len(facts) != len(fields):
            raise GrammarError(f"{len(fields)} facts expected: {line}")
        return noun, adjectives.split(", "), dict(zip(fields, facts, strict=True))

    @staticmethod
    def _plot(name: str, table: dict[str, Any]) -> Plot:
        slots = []
        for block in re.split(r"\n\s*\n", table["steps"].strip()):
            chance = 1.0
            if block.startswith("%"):
                first, block = block.split("\n", 1)
                chance = float(first[1:]) / 100
            slots.append(Slot(parse_lines(block), chance))
        return Plot(
            name,
            table["heroes"].split(),
            table.get("others", "").split(),
            table.get("weight", 1.0),
            {key: values for key, values in table.get("bound", {}).items()},
            {key: parse_lines(text) for key, text in table.get("phrases", {}).items()},
            parse_lines(table["openings"]) if "openings" in table else None,
            table.get("pair", False),
            table.get("named", True),
            table.get("specific", 0.5),
            slots,
        )

    def stories(self, seed: int) -> Iterator[str]:
        """Yield one story after another; the same seed gives the same ones."""
        rng = random.Random(seed)
        while True:
            yield self.story(rng)

    def story(self, rng: random.Random, plot: str | None = None) -> str:
        """Return a story that is good: drawn again until it is."""
        chosen = next((one for one in self.plots if one.name == plot), None)
        while True:
            telling = Telling(self, chosen or rng.choices(self.plots, self.weights)[0], rng)
            text = telling.tell()
            if not telling.refused and self.is_good(text, telling):
                return text

    def is_good(self, text: str, telling: Telling) -> bool:
        """Length, no repetition, and the characters of the opening in the second half."""
        words = WORD.findall(text.lower())
        if len(words) not in WORDS or TAUTOLOGY.search(text):
            return False
        told = Counter(re.split(r"(?<=[.!?]) ", finish(telling.opening)))
        if max(told.values()) > 1:
            return False
        for one in telling.introduced():
            if one.name and one.name.lower() not in telling.opening.lower():
                return False
            if one.kind not in ("child", "parent") and one.name and one.noun in words:
                if one.noun not in telling.opening:
                    return False
        grams = list(zip(*(words[start:] for start in range(REPEATED)), strict=False))
        if len(set(grams)) < len(grams):
            return False
        second = set(words[len(words) // 2 + 20 :])
        for character in telling.introduced():
            last = (character.name or character.noun).lower().split()[-1]
            if last not in second and f"{last}'s" not in second:
                return False
        return len(self.tokenizer.encode(text)) <= MOST_TOKENS

    def character(
        self, kind: str, rng: random.Random, without: Character | None = None, named: bool = True
    ) -> Character:
        """Draw a character of a kind, other in noun and name than ``without``, but from the same
        place if that is easily found."""
        for attempt in itertools.count():
            noun, adjectives, facts = rng.choice(self.beings[kind])
            if without and without.kind != "child" and kind != "parent" and attempt < PATIENCE:
                if not shared(facts["habitat"], without.facts["habitat"]):
                    continue
            adjective, name = rng.choice(adjectives), ""
            pronoun = facts.get("pronoun") or self.world["pronouns"].get(noun)
            pronoun = pronoun or rng.choice(("he", "she", "he", "she", "it"))
            if kind == "parent":
                name = noun.capitalize()
            elif kind == "child":
                names, weights = self.drawn["girls" if pronoun == "she" else "boys"]
                if rng.random() < 0.08:
                    names, weights = self.drawn["either"]
                if rng.random() < 0.9 and named:
                    name = rng.choices(names, weights)[0]
            elif (
                named
                and kind != "pet"
                and rng.random()
                < (
                    0.15
                    if kind in ("person", "being", "thing", "weather", "snow", "night")
                    else 0.3
                )
            ):
                table = rng.choice(("girls" if pronoun == "she" else "boys", "pets"))
                if kind == "person":
                    table = "girls" if pronoun == "she" else "boys"
                names, weights = self.drawn[table]
                name = rng.choices(names, weights)[0]
                if pronoun == "it":
                    pronoun = "he"
            if without is None or (
                without.noun != noun or (kind == "child" and name and without.name)
            ):
                if without is None or not name or without.name[:2] != name[:2]:
                    return Character(kind, noun, name, pronoun, adjective, facts)
        raise AssertionError("the loop has no end")


class Telling:
    """One telling of a plot: who is in it, and what its ``$`` stand for."""

    def __init__(self, grammar: Grammar, plot: Plot, rng: random.Random) -> None:
        self.grammar, self.plot, self.rng = grammar, plot, rng
        hero, _, other = rng.choice(plot.heroes).partition("+")
        other = other or rng.choice(plot.others or [""])
        self.hero = grammar.character(hero, rng, None, plot.named)
        self.other = grammar.character(other, rng, self.hero, plot.named) if other else None
        kinds = {self.hero.kind, self.other.kind if self.other else ""}
        self.day_told = False
        self.refused = kinds == {"child"} and not (
            self.hero.name and self.other and self.other.name
        )
        self.opening = ""
        self.bound: dict[str, str] = {}
        self._bind()

    def _bind(self) -> None:
        rng, world = self.rng, self.grammar.world
        facts = self.hero.facts
        self.bound.update(facts)
        self.bound["mood"] = rng.choice(world["moods"])
        self.bound["noun"], self.bound["adj"] = self.hero.noun, self.hero.adjective
        if self.other:
            self.bound.update(
                {f"b{key}": value.replace("@", "@b") for key, value in self.other.facts.items()}
            )
            self.bound["bnoun"], self.bound["badj"] = self.other.noun, self.other.adjective
        go = rng.choice(facts["move"].split(", ")).split("/")
        self.bound["go"], self.bound["went"] = go
        if self.other:
            self.bound["bgo"], self.bound["bwent"] = rng.choice(
                self.other.facts["move"].split(", ")
            ).split("/")
        habitat = world["habitats"][rng.choice(facts["habitat"].split(", "))]
        self.bound["region"] = rng.choice(habitat["region"])
        spots = rng.sample(habitat["spots"], 3)
        self.bound.update({f"spot{number}": spot for number, spot in enumerate(spots, 1)})
        self.bound["grownup"] = rng.choice(world["grownups"][self.hero.kind])
        for key, values in self.plot.bound.items():
            drawn = rng.choice(values if isinstance(values, list) else world["things"][values])
            parts = [part.strip() for part in drawn.split(";")]
            self.bound[key] = parts[0].replace("~", '"')
            if len(parts) > 1:
                self.bound[f"{key}_adj"] = rng.choice(parts[1].split(", "))
            for number, part in enumerate(parts[2:], 1):
                self.bound[f"{key}_{number}"] = part.replace("~", '"')

        for key, value in self.bound.items():  # alternatives are chosen once
            if "(" in value or "@" in value:
                self.bound[key] = "".join(map(self.expand, parse(value)))

    def introduced(self) -> list[Character]:
        """Those whom the opening introduces, and who must stay."""
        return [self.hero, self.other] if self.plot.pair and self.other else [self.hero]

    def tell(self) -> str:
        rng = self.rng
        opening: list[str] = []
        skipped = 0
        specific = self.plot.openings is not None and rng.random() < self.plot.specific
        if specific and self.plot.openings:
            opening.append(self.expand_choice(self.plot.openings))
            skipped = len(opening[0]) - len(opening[0].lstrip("~"))
            opening[0] = opening[0].lstrip("~")
        else:
            opening.append(self.special("pair_opening" if self.plot.pair else "opening"))
            if not self.day_told and not self.plot.pair and rng.random() < 0.75:
                opening.append(self.special("trait"))
        self.opening = " ".join(opening)
        parts = [self.opening]
        for slot in self.plot.slots[skipped:]:
            if rng.random() < slot.chance:
                parts.append(self.expand_choice(slot.lines))
        parts = [part.strip() for part in parts]
        parts = [part[0].upper() + part[1:] for part in parts if part]
        self.refused |= not all(part.endswith((".", "!", "?", '"')) for part in parts)
        return finish(self._layout(parts))

    def _layout(self, parts: list[str]) -> str:
        """Join the sentences to paragraphs: blank lines, as GPT-3.5 did, or new lines, as GPT-4."""
        rng = self.rng
        style = rng.choices(("\n\n", "\n", " "), (0.2, 0.72, 0.08))[0]
        text, sentences = parts[0], parts[0].count(".")
        for part in parts[1:]:
            broken = rng.random() < (0.1 if sentences < 3 else 0.5)
            text += (style if broken else " ") + part
            sentences = part.count(".") if broken else sentences + part.count(".")
        return text

    def phrase(self, name: str) -> str:
        return self.expand_choice(self._lines(name))

    def _lines(self, name: str) -> Choice:
        found = self.plot.phrases.get(name) or self.grammar.phrases.get(name)
        if found is None:
            raise GrammarError(f"{self.plot.name}: no phrase <{name}>")
        return found

    def expand_choice(self, choice: Choice) -> str:
        return "".join(map(self.expand, self.rng.choice(choice.options)))

    def expand(self, item: str | Choice) -> str:
        if isinstance(item, Choice):
            return self.expand_choice(item)
        if item[0] == "<":
            return self.special(item[1:-1])
        if item[0] == "$" and len(item) > 1:
            if item[1:] not in self.bound:
                raise GrammarError(f"{self.plot.name}: nothing is bound to {item}")
            return self.bound[item[1:]]
        if item[0] == "@" and len(item) > 1:
            return self.reference(item[1:])
        return item

    def special(self, name: str) -> str:
        """Phrases that depend on what has been told, or on the kind of the hero."""
        if name == "day":
            told, self.day_told = self.day_told, True
            return self.phrase("day_told" if told else "day_new")
        if name == "told":
            self.day_told = True
            return ""
        if name in ("named", "unnamed"):
            some = [one.name for one in self.introduced()]
            self.refused |= not all(some) if name == "named" else any(some)
            return ""
        if name == "bnamed":
            self.refused |= not (self.other and self.other.name)
            return ""
        if name == "nameis":
            if not self.hero.name:
                return ""
            return f" {PRONOUNS[self.hero.pronoun]['his']} name was {self.hero.name}."
        if name == "today":
            self.day_told = True
            return self.phrase("day_new")
        if name in ("opening", "trait", "pair_opening"):
            kind = AS_ANIMALS.get(self.hero.kind, self.hero.kind)
            if name == "pair_opening":
                other = self.other.kind if self.other else ""
                return self.phrase(f"{name}_{other}" if other in ("pet", "parent") else name)
            return self.phrase(f"{name}_{kind}")
        return self.phrase(name)

    def reference(self, word: str) -> str:
        if word in ("A", "Anew", "S", "Afull"):
            who = self.hero
            if word == "S":
                return PRONOUNS[who.pronoun]["he"] if self.rng.random() < 0.45 else who.reference()
            if word == "Anew":
                return who.introduction(self.rng)
            if word == "A" and not who.name and self.rng.random() < 0.12:
                return f"the {who.adjective} {who.noun}"
            return who.reference()
        if word.lower() in PRONOUNS["he"]:
            return PRONOUNS[self.hero.pronoun][word.lower()]
        if word in ("V", "W"):
            spoken_to = self.hero if word == "V" else self.other
            if spoken_to and spoken_to.name:
                return spoken_to.name
            young = spoken_to and spoken_to.kind not in ("person", "bigger", "parent")
            return f"little {spoken_to.noun}" if young and spoken_to else "my friend"
        other = self.other
        if other is None:
            raise GrammarError(f"{self.plot.name}: no other for @{word}")
        if word == "B":
            return other.reference()
        if word == "Bnew":
            return other.introduction(self.rng)
        if word == "Bfriend":
            return other.name or f"the {other.noun}"
        if word[0] == "b" and word[1:].lower() in PRONOUNS["he"]:
            return PRONOUNS[other.pronoun][word[1:].lower()]
        raise GrammarError(f"{self.plot.name}: nobody is @{word}")


def shared(some: str, others: str) -> bool:
    return not set(some.split(", ")).isdisjoint(others.split(", "))


def punctuate(match: re.Match[str]) -> str:
    """End questions with a question mark, and nothing else: in the tables, a mark behind
    alternatives is that of only some of them."""
    sentence, mark = match[1], match[2]
    words = SAID_BEFORE.sub("", sentence.lower().strip() + " ").strip()
    if EXCLAMATION.match(words):
        return sentence + ("!" if mark == "?" else mark)
    if QUESTION.match(words) or QUESTION_AFTER.search(words):
        return sentence + ("?" if mark in ".," else mark)
    if (
        mark == "?"
        and (len(words.split()) > 2 or INTERJECTION.match(words))
        and not words.endswith(("right", "again", "too"))
    ):
        return sentence + "!"
    return sentence + mark


def finish(text: str) -> str:
    """Capital letters at the beginning of sentences, ``an`` before vowels, single spaces."""
    text = re.sub(r" +", " ", text).strip()
    text = re.sub(r" ([.,!?])", r"\1", text)
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU](?!ne\b|ni))", r"\1n ", text)

    text = re.sub(r"\bin (the (?:sandy )?(?:beach|shore|(?:big )?playground))", r"at \1", text)
    text = text.replace("in the farm", "on the farm")

    text = SPEECH.sub(lambda speech: f'"{SENTENCE.sub(punctuate, speech[1])}"', text)

    def capital(match: re.Match[str]) -> str:
        return match[1] + match[2].upper()

    text = re.sub(r'(^|[.!?] |\n|\." |(?:^|(?<!,)\s)")([a-z])', capital, text)
    text = NOT_SAYING.sub(r"\1The ", text)
    return re.sub(r"()\^([a-zA-Z])", capital, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stories", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="other seed, other stories")
    parser.add_argument("--plot", help="only stories of this plot")
    parser.add_argument("-o", "--output", type=Path, help="file to write (default: stdout)")
    arguments = parser.parse_args()
    grammar = Grammar()
    names = [plot.name for plot in grammar.plots]
    if arguments.plot and arguments.plot not in names:
        parser.error(f"no plot {arguments.plot}; there are {', '.join(names)}")
    rng = random.Random(arguments.seed)
    stream = (
        arguments.output.open("w", encoding="utf-8")
        if arguments.output
        else nullcontext(sys.stdout)
    )
    with stream as file:
        for _ in range(arguments.stories):
            file.write(f"{grammar.story(rng, arguments.plot)}\n{SEPARATOR}\n")


if __name__ == "__main__":
    main()
