"""A content small enough to compile in a moment, with something of everything in it."""

from __future__ import annotations

import functools
import io

from fontTools.ttLib import TTFont

from fontgen.automaton.content.cast import NAME, NOUN, THING, Hero
from fontgen.automaton.content.format import Content, Theme
from fontgen.automaton.machine import machine_of
from fontgen.automaton.opentype import Size, write_automaton
from fontgen.font import base

HEROES = (
    Hero("lily", "Lily", NAME, "f"),
    Hero("tim", "Tim", NAME, "m"),
    Hero("mia", "Mia", NAME, "f"),
    Hero("girl", "girl", NOUN, "f"),
    Hero("king", "king", NOUN, "m"),
    Hero("mom", "mom", NOUN, "f"),
    Hero("fox", "fox", NOUN, "n"),
    Hero("dog", "dog", NOUN, "n"),
    Hero("train", "train", THING, "n"),
    Hero("ball", "ball", THING, "n"),
)
_BODIES = (
    '{hero} found a {about} by the river. {He} took it home. "{Fox}, what is that?" said {his} mom.',
    "a {about} fell on {hero}. {Hero} was not hurt, and {he} laughed at {himself}. The end.",
    "{hero}'s friend came with a {about}. They played until {he} was tired (but happy).",
)


_ANIMAL = "{Hero} ran {about} times. {He} lost {his} {about}."
_FRIENDS = (
    '{hero} and {friend} saw a {about}. {Friend} said, "Hello, {fox}!" {friend_He} gave {him} {friend_his} {about}.',
    '{friend} was sad. "{Pal}, have two {abouts}," said {hero} to {friend_him}, and {friend_himself} laughed.',
)


def _theme(name: str, words: str, count: int, things: str = "") -> Theme:
    about, more = ("{thing}", "{things}") if things else (name, name + "s")

    def told(body: str) -> str:
        return body.replace("{about}", about).replace("{abouts}", more)

    bodies = {
        "child": tuple(map(told, _BODIES[:count])),
        "animal": (told(_ANIMAL),),
        "friends": tuple(map(told, _FRIENDS[:count])),
    }
    if count == 1:
        del bodies["animal"]
    return Theme(name, tuple(words.split()), bodies, tuple(things.split()))


@functools.cache
def small_content() -> Content:
    """Ten heroes, three themes, some ends of prompts and two openings."""
    themes = (
        _theme("kite", "kite kites wind balloon balloons puppy puppies", 3, "kite balloon puppy"),
        _theme("bone", "bone dog", 2),
        _theme("hat", "hat hero boy", 1),
    )
    return Content(
        heroes={hero.word: hero for hero in HEROES},
        default_heroes=("lily", "tim"),
        themes=themes,
        hero_themes={
            hero.word: ("kite", "hat", "bone")[: 1 + n % 3] for n, hero in enumerate(HEROES)
        },
        ends_without_hero={
            ("the",): " garden there was a little {boy} named {Hero}.",
            ("in", "the"): " morning the sun came out.",
            ("it", "was"): " a sunny day.",
            ("sunny", "day", "."): " {Hero} saw a hat.",
            (",",): " there was a {boy}. {His} name was {Hero}.",
            ("cat",): ".",
        },
        ends_with_hero={
            ("<noun>",): " was hungry.",
            ("<name>",): " was sad. {He} had no friends.",
            ("<name>", "and"): " {his} <b>.".replace(" <b>", " mom"),
            ("and",): " played. One day, it rained.",
            ("the", "<noun>"): " lived in a big house.",
            (".",): " {He} saw a kite.",
            ("train",): ", which was called {name}, was late.",
            ("said", ",", "\u201c"): 'Hello," and went to the king.',
            ("don't",): " know.",
            (",",): ' "{Fox}, come here!"',
        },
        openings={
            ("the", "little", "fox"): " was hungry. He ate a hat. The end.",
            ("once",): " there was nothing at all.",
        },
        classes={"~garden": ("garden", "house"), "~green": ("green", "yellow")},
        similar_without_hero={("a", "~green"): " hat fell.", ("~green", "~"): " was there."},
        similar_with_hero={
            ("the", "~green", "~garden"): " was {his}.",
            ("~garden", "~"): " {his} hat.",
            ("~", "~"): ', and {he} said "No."',
            ("<name>", "~"): " it.",
        },
        alone=("girl",),
        under_way=("then", "suddenly"),
        known_words=("yesterday", "saw", "went", "a", "i"),
        model={"name": "nobody", "license": "CC0"},
    )


@functools.cache
def small_font() -> tuple[bytes, Size]:
    """The content in Roboto."""
    font = base.open_base()
    size = write_automaton(font, machine_of(small_content()))
    stream = io.BytesIO()
    font.save(stream, reorderTables=None)
    return stream.getvalue(), size


def reopened(data: bytes) -> TTFont:
    return TTFont(io.BytesIO(data))
