"""What a shape call read and generated, token by token, as the shaper's exports tell it.

The C structs are written from here; `fontgen.llama.wasm_engine` and hosts in other languages read them out of the
module's memory. See "For programs that show how the model works" in wasm/llama/README.md.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fontgen.font.sealed import Field, c_struct


class TokenKind(enum.IntEnum):
    """Where a token of a continued text comes from."""

    BEGIN = 0
    """BOS, or what the font's frame has before all text: never dropped from the context."""
    PROMPT = 1
    """Of the typed text."""
    GENERATED = 2
    """Shown for a mark."""
    END = 3
    """Chosen at a mark, and the end of its run: not shown, and no part of the context."""
    FRAME = 4
    """Of the frame that the font puts around typed text."""


TRACED_TOKEN_FIELDS = (
    Field("token", "I", "in the vocabulary"),
    Field("kind", "I", "TOKEN_BEGIN, TOKEN_PROMPT, TOKEN_GENERATED, TOKEN_END or TOKEN_FRAME"),
    Field("cluster", "I", "of its mark, or of the code point where it begins"),
    Field(
        "dropped",
        "I",
        "tokens behind the beginning that the context had lost when it was read or chosen",
    ),
    Field("rejected", "I", "question marks behind its mark"),
    Field("temperature", "I", "what holds at its cluster, as in struct options"),
    Field("seed", "I", "the same"),
    Field("top_k", "I", "the same"),
    Field("top_p", "I", "the same"),
)
CHOICES_FIELDS = (
    Field("n", "I", "tokens that follow here"),
    Field("kept", "I", "tokens that could be drawn at all, by temperature, top_k and top_p"),
    Field("rank", "I", "of the token in question among all by its logit, from 1"),
    Field("probability", "f", "of the token in question; 0 when it could not be drawn"),
)
CHOICE_FIELDS = (
    Field("token", "I", "in the vocabulary"),
    Field("probability", "f", "that it is drawn"),
)
MOST_CHOICES = 64
"""Tokens that one answer lists at most."""


@dataclass(frozen=True)
class TracedToken:
    """A token of a continued text: see `TRACED_TOKEN_FIELDS`."""

    token: int
    kind: TokenKind
    cluster: int
    dropped: int = 0
    rejected: int = 0
    temperature: int = 0
    seed: int = 0
    top_k: int = 0
    top_p: int = 0


@dataclass(frozen=True)
class Choices:
    """What a token was chosen among: see `CHOICES_FIELDS`. choices: (token, probability), the likeliest first."""

    kept: int
    rank: int
    probability: float
    choices: tuple[tuple[int, float], ...]


def c_header() -> str:
    """``trace_layout.h``, which the shaper includes."""
    lines = [
        "/* Written by fontgen/llama/trace.py at each build: change the layout there. */",
        "#ifndef TRACE_LAYOUT_H",
        "#define TRACE_LAYOUT_H",
        "#include <stdint.h>",
        "",
        *(f"#define TOKEN_{kind.name} {kind.value}" for kind in TokenKind),
        f"#define MOST_CHOICES {MOST_CHOICES}",
    ]
    for fields, name in (
        (TRACED_TOKEN_FIELDS, "traced_token"),
        (CHOICES_FIELDS, "choices_header"),
        (CHOICE_FIELDS, "choice"),
    ):
        lines += ["", *c_struct(fields, name)]
    return "\n".join([*lines, "#endif", ""])
