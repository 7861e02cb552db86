"""The automaton as OpenType: rules to GSUB, GDEF and glyphs of a base font.

The stages append lookups to a `Program` in the order in which they are applied to a text: `runs`,
`typed`, `state` and `beginning`, `walking`, `spelling`. `joining` writes the program into a font.
"""

from __future__ import annotations

from dataclasses import dataclass

from fontTools.ttLib import TTFont

from fontgen.automaton.machine import Machine
from fontgen.automaton.opentype.beginning import begin
from fontgen.automaton.opentype.joining import add_glyphs, write_gdef, write_gsub
from fontgen.automaton.opentype.program import Program
from fontgen.automaton.opentype.runs import find_runs
from fontgen.automaton.opentype.spelling import spell, unflag
from fontgen.automaton.opentype.state import State
from fontgen.automaton.opentype.subtables import Overflow
from fontgen.automaton.opentype.typed import tag_words
from fontgen.automaton.opentype.walking import walk
from fontgen.errors import FontgenError


@dataclass(frozen=True)
class Size:
    """What the automaton needed."""

    first_glyph: int
    space: int
    glyphs: int
    lookups: int
    direct: int
    """Lookups that are applied to the text itself, not by a rule."""


def write_automaton(font: TTFont, machine: Machine) -> Size:
    """Compile a machine into a base font.

    Raises:
        FontgenError: the font lacks a character of the stories, is shaped by ``morx``, or the machine is too
            large for a font.
    """
    for tag in ("morx", "mort"):
        if tag in font:
            raise FontgenError(
                f"the base font is shaped by {tag}, which hides GSUB: choose another"
            )
    characters = {code: font.getGlyphID(name) for code, name in font.getBestCmap().items()}
    program = Program(characters, font["maxp"].numGlyphs)
    try:
        space = compile_machine(program, machine)
    except Overflow as error:
        raise FontgenError(f"the content is too large for a font: {error}") from error
    add_glyphs(font, program, space)
    own_sets = write_gdef(font, program)
    write_gsub(font, program, own_sets)
    return Size(
        program.first_new, space, len(program.classes), len(program.lookups),
        len(program.features["ccmp"]),
    )  # fmt: skip


def compile_machine(program: Program, machine: Machine) -> int:
    """Append all stages to a program; returns the glyph of the story's space."""
    marks = find_runs(program)
    typed = tag_words(program, machine, marks)
    state = State(program, machine, marks)
    begin(program, machine, typed, state)
    letters = walk(program, machine, typed, state)
    space = spell(program, machine, typed, state, letters)
    unflag(program, state, letters)
    return space
