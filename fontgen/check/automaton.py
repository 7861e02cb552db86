"""``fontgen verify`` for fonts of an automaton: HarfBuzz's glyphs against the reference that reads the content.

The reference says what a typed text must show; HarfBuzz, shaping that with the same font, says with which glyphs: a
text without a run is shaped as in the base font. Typed and expected text must give the same glyphs, of the same
clusters; the automaton's own glyphs show nothing, and its space is the font's.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from fontgen.automaton.content.cast import CLASSES
from fontgen.automaton.content.format import (
    ENDS,
    Content,
    content_bytes,
    default_content_path,
    read_content,
)
from fontgen.automaton.content.similar import CLASS
from fontgen.automaton.content.words import QUOTES
from fontgen.automaton.reference import RUN, Reference
from fontgen.check.comparison import Check
from fontgen.errors import FontgenError
from fontgen.font.tale import TALE_TAG, Tale, read_tale
from fontgen.progress import Reporter
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

PIECES = (
    "!!!!!!!!",
    "!!!",
    "!",
    "?",
    "!!!?!!!!!",
    "Zorblax",
    "Quillo's",
    ". ",
    ", ",
    '"',
    " \u4e2d ",
    "\u00e9 ",
    "12 ",
    "\n",
)
"""What random texts are made of, besides words of the content."""
RANDOM_TEXTS = 2000


def verify_automaton_font(
    font: ShapingFont,
    *,
    content: Path | None = None,
    prompts: Sequence[str] = (),
    marks: int = 64,
    texts: int = RANDOM_TEXTS,
    reporter: Reporter | None = None,
) -> list[Check]:
    """Compare a font with the reference.

    Args:
        content: the file that it was built from; fontgen's own by default.
        prompts: each is continued by so many ``marks``; by default the content's openings.
        texts: so many random texts, with runs and without.

    Raises:
        FontgenError: the font has no automaton, or the content is not the one that it was built from.
    """
    tale = tale_of(font)
    path = content or default_content_path()
    told = read_content(path)
    if hashlib.sha256(content_bytes(told, compress=False)).hexdigest() != tale.content:
        raise FontgenError(
            "is not what the font was built from: name that with --content", path=path
        )
    reference = Reference(told)
    openings = list(prompts) or [" ".join(opening) for opening in told.openings]
    rng = random.Random(1)
    plain = [t for t in random_texts(told, rng, texts) if not RUN.search(t)]
    checks = []
    with (reporter or Reporter(quiet=True)).steps(total=3) as steps:
        for name, given in (
            ("openings of the content", [f"{opening}{'!' * (marks + 3)}" for opening in openings]),
            ("random texts with runs", list(random_texts(told, rng, texts))),
            ("random texts without a run", plain),
        ):
            steps.begin(f"verifying {name}")
            unlike = [text for text in given if not same_glyphs(font, tale, reference, text)]
            detail = f"{len(given):,} texts" if not unlike else f"not so for {unlike[0]!r}"
            checks.append(
                Check(f"glyphs of HarfBuzz = the reference's: {name}", not unlike, detail)
            )
    return checks


def tale_of(font: ShapingFont) -> Tale:
    """What a font says of its automaton. Raises `FontgenError` where it has none."""
    data = bytes(font.face.reference_table(TALE_TAG).data)
    if not data:
        raise FontgenError(f"has no table {TALE_TAG}: it holds no automaton", path=font.path)
    return read_tale(data)


def random_texts(content: Content, rng: random.Random, count: int) -> Iterator[str]:
    """Texts of words that the content knows, names that it does not, marks and other characters."""
    ends = [end for name in ENDS for end in getattr(content, name)]
    heroes = [hero.written for hero in content.heroes.values()]
    themes = [word for theme in content.themes for word in theme.words]
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 9)):
            kind = rng.random()
            if kind < 0.35:
                parts.append(rng.choice(PIECES))
            elif kind < 0.55:
                parts.append(rng.choice(heroes))
            elif kind < 0.7:
                parts.append(rng.choice(themes) if themes else "")
            else:
                parts.append(" ".join(_word(content, rng, word) for word in rng.choice(ends)))
            if rng.random() < 0.8:
                parts.append(" ")
        yield "".join(parts) + "!" * rng.choice((0, 0, 4, 7, 12, 40))


def _word(content: Content, rng: random.Random, word: str) -> str:
    """A word of an end, or one of the class that stands for it."""
    if word in CLASSES.values():
        kind = next(kind for kind, name in CLASSES.items() if name == word)
        return rng.choice([hero.written for hero in content.heroes.values() if hero.kind == kind])
    if word.startswith(CLASS):
        return rng.choice(content.classes.get(word, ("zog",)))
    return '"' if word in QUOTES else word


def same_glyphs(
    font: ShapingFont,
    tale: Tale,
    reference: Reference,
    text: str,
    features: Collection[str] = (),
) -> bool:
    """Whether the font shows a typed text as the reference says."""
    options = ShapeOptions(
        features={tag: [(0, 0xFFFFFFFF, 1)] for tag in features}, direction="ltr", script="latn"
    )
    space = font.font.get_nominal_glyph(0x20)
    shown = [
        (space if glyph.id == tale.space else glyph.id, glyph.cluster)
        for glyph in font.shape(text, options).glyphs
        if glyph.id < tale.first_glyph or glyph.id == tale.space
    ]
    characters = list(reference.characters(text, features))
    visible = "".join(character for character, _ in characters)
    if RUN.search(
        visible
    ):  # typed marks and the story's make a run together, which only typed ones do
        return True
    expected = [
        (glyph.id, characters[glyph.cluster][1]) for glyph in font.shape(visible, options).glyphs
    ]
    return shown == expected
