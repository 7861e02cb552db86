"""The content file: all that a font without Wasm can tell, as words that a person can read and edit.

JSON, plain or compressed with xz (``.xz``), of one object:

``format``, ``version``
    ``"fontgen automaton content"`` and `VERSION`.
``model``
    Name, licence, description and SHA-256 of the checkpoint that told it.
``heroes``
    Lines of four words: the word, as it is written, its kind and gender; kind ``name``, ``noun`` or ``thing``,
    gender ``m``, ``f`` or ``n`` (as the prompt's pronouns say, else a he).
``default_heroes``
    Words among the names; who a story is about where the prompt says it not.
``alone``
    Heroes who are never a friend: where they stand after the hero they say who that is ("Lily was a good girl").
``themes``
    Objects of ``name``, ``words`` (typed words that choose the theme; a word belongs to one), ``things`` (those of
    the words that fill the slots of things, the first where none is typed) and ``bodies``: texts with slots that go on
    after "One day,". ``bodies.child`` there must be; where there are ``bodies.animal``, they are told of a hero of
    gender ``n`` who is no name, and ``bodies.friends``, the only ones with a friend's slots, of a hero and a friend.
    The lists' order is of no meaning. Lists of words, here and below, are one string with spaces between.
``hero_themes``
    A hero's word to the names of three themes, one of which a prompt without a theme gets.
``ends_without_hero``, ``ends_with_hero``
    End of a prompt (one to four words between spaces, as `fontgen.automaton.content.words` reads
    them, ``<name>`` and ``<noun>`` for heroes) to how it goes on: a bridge, a text with slots that
    ends a sentence. It begins with a space where it begins a word. The longest end counts. Typed quotation
    marks are read as ``\u201c`` and ``\u201d`` in turn; a bridge closes one that its end opens.
``classes``
    Classes of similar words, a name that begins with ``~`` to its words; see `fontgen.automaton.content.similar`.
``similar_without_hero``, ``similar_with_hero``
    Ends in classes to bridges, for prompts of which no end of two words or more is known; ``~`` is a word of no class
    that is not known.
``openings``
    Whole prompts to whole stories. They have no slots.
``under_way``
    Typed words after which a body begins with ``later``, not with ``one_day``.
``phrases``
    ``one_day``, ``later``; ``introduction``: told after a bridge that names nobody, if the prompt
    does not; ``opening``: the bridge of an empty prompt; ``without_hero``, ``with_hero``: bridges
    of a prompt of which no end is known.
``known_words``
    Further words that are no names, though they stand with a capital letter.

Slots are those of `fontgen.automaton.content.slots`. `Content` is the same in memory.
"""

from __future__ import annotations

import json
import lzma
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fontgen.automaton.content.cast import CLASSES, NAME, NOUN, THING, Hero
from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.content.slots import FRIEND_FORMS, FRIEND_PRONOUNS, THINGS, story_words
from fontgen.automaton.content.words import QUOTES, WORD, words_of
from fontgen.errors import FontgenError

FORMAT, VERSION = "fontgen automaton content", 2
FILE_NAME = "content.json.xz"
LONGEST_END = 4
MOST_THEMES, MOST_DEFAULTS = 128, 24
COMPANIES = ("child", "animal", "friends")
"""Of whom bodies are told: somebody alone, an animal or a thing, and a hero with a friend."""
MOST_WORDS = 200
"""Words of a bridge, body or story: a mark's place in it is one glyph of so many."""


ENDS = ("ends_without_hero", "ends_with_hero", "similar_without_hero", "similar_with_hero")
"""Fields of ends of prompts."""


@dataclass(frozen=True)
class Theme:
    """Typed words and the bodies that they choose; texts with slots.

    ``bodies``: of each company, `COMPANIES`, that has some.
    """

    name: str
    words: tuple[str, ...]
    bodies: dict[str, tuple[str, ...]]
    things: tuple[str, ...] = ()

    def of(self, company: str) -> tuple[str, ...]:
        """Bodies of a company; those of a child where it has none."""
        return self.bodies.get(company) or self.bodies["child"]


@dataclass(frozen=True)
class Phrases:
    """What the font says whatever the model told; texts with slots."""

    one_day: str = "One day,"
    later: str = "Later on,"
    introduction: str = "There was a little {boy} named {hero}."
    opening: str = " Once upon a time, there was a little {boy} named {hero}."
    without_hero: str = "."
    with_hero: str = "."


@dataclass(frozen=True)
class Content:
    """What the content file says; see the module for each field."""

    heroes: dict[str, Hero]
    default_heroes: tuple[str, ...]
    themes: tuple[Theme, ...]
    hero_themes: dict[str, tuple[str, ...]]
    ends_without_hero: dict[tuple[str, ...], str]
    ends_with_hero: dict[tuple[str, ...], str]
    openings: dict[tuple[str, ...], str] = field(default_factory=dict)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    similar_without_hero: dict[tuple[str, ...], str] = field(default_factory=dict)
    similar_with_hero: dict[tuple[str, ...], str] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    under_way: tuple[str, ...] = ()
    phrases: Phrases = field(default_factory=Phrases)
    known_words: tuple[str, ...] = ()
    model: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `FontgenError` where the content contradicts itself or the font's limits."""
        if not self.default_heroes or not self.themes:
            raise FontgenError("the content has no default hero or no theme")
        if len(self.themes) > MOST_THEMES or len(self.default_heroes) > MOST_DEFAULTS:
            raise FontgenError(
                f"the content has {len(self.themes)} themes and {len(self.default_heroes)} default heroes; a font has "
                f"room for {MOST_THEMES} and {MOST_DEFAULTS}"
            )
        for word in self.default_heroes:
            if word not in self.heroes or self.heroes[word].kind != NAME:
                raise FontgenError(f"default_heroes: {word!r} is not among the names")
        names = {theme.name for theme in self.themes}
        owner: dict[str, str] = {}
        for theme in self.themes:
            if not theme.bodies.get("child"):
                raise FontgenError(f"themes: {theme.name!r} has no body")
            if not theme.bodies.keys() <= set(COMPANIES):
                raise FontgenError(f"themes: {theme.name!r} has bodies of {list(theme.bodies)}")
            if not set(theme.things) <= set(theme.words):
                raise FontgenError(f"themes: {theme.name!r} has things that are not its words")
            for word in theme.words:
                if owner.setdefault(word, theme.name) != theme.name:
                    raise FontgenError(f"themes: {word!r} is of {owner[word]!r} and {theme.name!r}")
        for word in self.heroes:
            if not self.hero_themes.get(word):
                raise FontgenError(f"hero_themes: {word!r} has none")
            for name in self.hero_themes[word]:
                if name not in names:
                    raise FontgenError(f"hero_themes.{word}: there is no theme {name!r}")
        self._check_texts()

    def _check_texts(self) -> None:
        tables = {name: getattr(self, name) for name in ENDS}
        for where, texts in (
            *(
                (f"themes.{theme.name}.{company}", bodies)
                for theme in self.themes
                for company, bodies in theme.bodies.items()
            ),
            *((name, table.values()) for name, table in tables.items()),
            ("openings", self.openings.values()),
            ("phrases", asdict(self.phrases).values()),
        ):
            for text in texts:
                try:
                    words = story_words(text)
                except ValueError as error:
                    raise FontgenError(f"{where}: {error}") from None
                if not 0 < len(words) <= MOST_WORDS:
                    raise FontgenError(f"{where}: {text[:40]!r} has {len(words)} words")
                slots = {word.core for word in words if word.slot}
                if not where.endswith(".friends") and slots & {*FRIEND_FORMS, *FRIEND_PRONOUNS}:
                    raise FontgenError(f"{where}: {text[:40]!r} has a friend, who may not be there")
                if not where.startswith("themes.") and slots & set(THINGS):
                    raise FontgenError(f"{where}: {text[:40]!r} has a thing, but no theme")
        for theme in self.themes:
            for text in (text for bodies in theme.bodies.values() for text in bodies):
                if not theme.things and any(f"{{{slot}}}" in text for slot in THINGS):
                    raise FontgenError(f"themes: {theme.name!r} has a slot of a thing, but none")
        for where, ends in tables.items():
            for end in ends:
                words_of_end = [w for w in end if w != CLASS and w not in self.classes]
                if not 0 < len(end) <= LONGEST_END or not all(map(_is_word, words_of_end)):
                    raise FontgenError(f"{where}: {' '.join(end)!r} is no end of a prompt")
                if not where.startswith("similar") and len(words_of_end) < len(end):
                    raise FontgenError(f"{where}: {' '.join(end)!r} has classes of words")
        members = [word for words in self.classes.values() for word in words]
        if len(members) != len(set(members)) or not set(members).isdisjoint(self.heroes):
            raise FontgenError("classes: a word is in two of them, or a hero")
        for name, some in self.classes.items():
            if not name.startswith(CLASS) or not all(map(_is_word, some)):
                raise FontgenError(f"classes: {name!r} is no class of words")
        for opening in self.openings:
            if not 0 < len(opening) <= 32 or not all(map(_is_word, opening)):
                raise FontgenError(f"openings: {' '.join(opening)!r} is no prompt")


def read_content(path: Path) -> Content:
    """Read and check a content file.

    Raises:
        FontgenError: it cannot be read, is damaged, of another version, or contradicts itself;
            names the file and the cause.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        document = json.loads(data)
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    except (lzma.LZMAError, EOFError, ValueError, RecursionError) as error:
        raise FontgenError(f"is not JSON: {error}", path=path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FontgenError("is no content of an automaton", path=path)
    if document.get("version") != VERSION:
        raise FontgenError(
            f"is version {document.get('version')!r}; this fontgen reads {VERSION}", path=path
        )
    try:
        content = _from_json(document)
        content.check()
    except FontgenError as error:
        raise FontgenError(error.cause, path=path) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FontgenError(f"is damaged: {type(error).__name__}: {error}", path=path) from error
    return content


def default_content_path() -> Path:
    """The content that fonts are built from unless another is named: in the wheel, or in the checkout."""
    packaged = Path(__file__).parents[2] / "data" / "model" / "content" / FILE_NAME
    checkout = Path(__file__).parents[3] / "model" / "content" / FILE_NAME
    return packaged if packaged.is_file() else checkout


def content_bytes(content: Content, *, compress: bool) -> bytes:
    """The content as a file: one line an entry; the same content gives the same bytes."""
    text = json.dumps(_to_json(content), ensure_ascii=False, indent=1)
    data = (text + "\n").encode()
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME) if compress else data


def _is_word(word: str) -> bool:
    """Whether it is a word as the font reads it, or a class of heroes."""
    if word in CLASSES.values() or word in QUOTES:
        return True
    return bool(WORD.fullmatch(word)) and words_of(word) == [word]


def _to_json(content: Content) -> dict[str, Any]:
    def keys(table: dict[tuple[str, ...], str]) -> dict[str, str]:
        return {" ".join(key): value for key, value in sorted(table.items())}

    return {
        "format": FORMAT,
        "version": VERSION,
        "model": content.model,
        "phrases": asdict(content.phrases),
        "heroes": [
            " ".join((hero.word, hero.written, hero.kind, hero.gender))
            for hero in content.heroes.values()
        ],
        "default_heroes": " ".join(content.default_heroes),
        "alone": " ".join(content.alone),
        "under_way": " ".join(content.under_way),
        "hero_themes": {word: " ".join(names) for word, names in content.hero_themes.items()},
        "themes": [
            {
                "name": theme.name,
                "words": " ".join(theme.words),
                "things": " ".join(theme.things),
                "bodies": {company: list(bodies) for company, bodies in theme.bodies.items()},
            }
            for theme in content.themes
        ],
        "openings": keys(content.openings),
        **{name: keys(getattr(content, name)) for name in ENDS},
        "classes": {name: " ".join(words) for name, words in content.classes.items()},
        "known_words": " ".join(content.known_words),
    }


def _from_json(document: dict[str, Any]) -> Content:
    def keys(name: str) -> dict[tuple[str, ...], str]:
        return {tuple(key.split()): _text(value) for key, value in document[name].items()}

    heroes = {}
    for line in document["heroes"]:
        word, written, kind, gender = line.split()
        if kind not in (NAME, NOUN, THING) or gender not in ("m", "f", "n"):
            raise ValueError(f"heroes: {line!r}")
        if not re.fullmatch(r"[a-z]+", word) or written.lower() != word:
            raise ValueError(f"heroes: {line!r}")
        heroes[word] = Hero(word, written, kind, gender)
    return Content(
        model={str(key): _text(value) for key, value in document["model"].items()},
        phrases=Phrases(**{key: _text(value) for key, value in document["phrases"].items()}),
        heroes=heroes,
        default_heroes=tuple(document["default_heroes"].split()),
        under_way=tuple(document["under_way"].split()),
        hero_themes={k: tuple(v.split()) for k, v in document["hero_themes"].items()},
        themes=tuple(
            Theme(
                _text(t["name"]),
                tuple(t["words"].split()),
                {company: tuple(map(_text, bodies)) for company, bodies in t["bodies"].items()},
                tuple(t["things"].split()),
            )
            for t in document["themes"]
        ),
        openings=keys("openings"),
        **{name: keys(name) for name in ENDS},
        classes={name: tuple(words.split()) for name, words in document["classes"].items()},
        alone=tuple(document["alone"].split()),
        known_words=tuple(document["known_words"].split()),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")
    return value
