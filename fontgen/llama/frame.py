"""The tokens around typed text, from a configuration's text or from the checkpoint's own chat template.

A template is a program in Jinja that came with the checkpoint. It runs once, when the font is built, in a sandbox, and
what it writes around a turn of the user is all that the font keeps of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jinja2
import jinja2.sandbox

from fontgen.errors import FontgenError
from fontgen.llama.model import PieceKind, Vocabulary
from fontgen.llama.tables import Frame

Encode = Callable[[str], list[int]]
"""Tokens of a text that holds no special ones; nothing is put before it."""
_FIRST, _ANSWER, _SECOND = "first-user-turn", "assistant-answer", "second-user-turn"


@dataclass(frozen=True)
class FrameText:
    """Text before all, after each typed text, and between an answer and the next one; special tokens by their names."""

    before: str = ""
    after: str = ""
    between: str = ""


def chat_frame(template: str, vocabulary: Vocabulary) -> FrameText:
    """What a chat template writes around the turns of a user.

    Raises:
        FontgenError: there is no template, it fails, or it does not write what the user says.
    """
    if not template:
        raise FontgenError("the checkpoint has no chat template")
    once = _render(template, vocabulary, [("user", _FIRST)])
    twice = _render(
        template, vocabulary, [("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND)]
    )
    before, found, after = once.partition(_FIRST)
    _, answered, rest = twice.partition(_ANSWER)
    between, asked, _ = rest.partition(_SECOND)
    if not (found and answered and asked):
        raise FontgenError("the checkpoint's chat template leaves out what the user says")
    return FrameText(before, after, between)


def make_frame(
    text: FrameText,
    stops: Iterable[str],
    vocabulary: Vocabulary,
    encode: Encode,
    context_length: int,
) -> Frame:
    """The frame's tokens.

    Raises:
        FontgenError: a stop is not one token, or the frame takes more than half of the context.
    """
    special = _special_tokens(vocabulary)
    before = _tokens(text.before, special, encode)
    if before and vocabulary.add_bos and before[0] != vocabulary.bos:
        before = [vocabulary.bos, *before]  # type: ignore[list-item]
    frame = Frame(
        tuple(before),
        tuple(_tokens(text.after, special, encode)),
        tuple(_tokens(text.between, special, encode)),
        tuple(_stop(name, special, encode) for name in stops),
    )
    n = len(frame.before) + len(frame.after) + len(frame.between)
    if n > context_length // 2:
        raise FontgenError(
            f"the frame has {n} tokens, more than half of a context of {context_length}"
        )
    return frame


def _render(template: str, vocabulary: Vocabulary, turns: list[tuple[str, str]]) -> str:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    names = {
        f"{name}_token": vocabulary.pieces[token].decode("utf-8", "replace")
        for name, token in (("bos", vocabulary.bos), ("eos", vocabulary.eos))
        if token is not None
    }
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        return environment.from_string(template).render(
            messages=messages, add_generation_prompt=True, **names
        )
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise FontgenError(f"the checkpoint's chat template fails: {error}") from error


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)


def _special_tokens(vocabulary: Vocabulary) -> dict[str, int]:
    special: dict[str, int] = {}
    for token, (piece, kind) in enumerate(zip(vocabulary.pieces, vocabulary.kinds, strict=True)):
        if kind in (PieceKind.CONTROL, PieceKind.NEVER_ENCODED) and piece:
            special.setdefault(piece.decode("utf-8", "replace"), token)
    return special


def _tokens(text: str, special: dict[str, int], encode: Encode) -> list[int]:
    names = sorted(special, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text]
    tokens: list[int] = []
    for part in filter(None, parts):
        tokens += [special[part]] if part in special else encode(part)
    return tokens


def _stop(name: str, special: dict[str, int], encode: Encode) -> int:
    tokens = _tokens(name, special, encode)
    if len(tokens) != 1:
        raise FontgenError(f"prompt.stop: {name!r} is {len(tokens)} tokens, not one")
    return tokens[0]
