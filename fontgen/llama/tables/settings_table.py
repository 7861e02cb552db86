"""``Lset``: what the shaper must know of every text."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from fontgen.errors import FontgenError
from fontgen.font.sealed import seal, struct_of, unseal
from fontgen.llama.marks import KEPT_MARKS
from fontgen.llama.tables.layout import SETTINGS_FIELDS, SETTINGS_TAG

DESCRIPTION = """\
Then the tokens of the frame, as uint32: those before, after, between, and those that end a run.
Then, for each replacement, the uint32 lengths of the word and of what is shown instead,
and the code points of both, as uint32."""
NO_REPEAT = 8
"""Tokens of the sequences that are not told twice, unless the configuration says another number."""
LONGEST_WORD = 255
"""Characters of a replaced word, or of what is shown instead."""
_LARGEST = 0xFFFFFFFF
_LENGTHS = struct.Struct("<2I")


@dataclass(frozen=True)
class Frame:
    """Tokens that the font puts around typed text, as an assistant's template does around a turn.

    before: at the very beginning, BOS included; empty: BOS alone, where the vocabulary wants it.
    after: behind each typed text, before what is generated.
    between: behind what was generated, before the next typed text.
    stops: tokens that end a run, besides BOS, EOS and those of the vocabulary.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    between: tuple[int, ...] = ()
    stops: tuple[int, ...] = ()

    @property
    def holds_text(self) -> bool:
        """Whether typed text stands between tokens of the frame."""
        return bool(self.before or self.after or self.between)


@dataclass(frozen=True)
class Settings:
    """What the shaper must know of every text.

    kept_marks: a run of ``!`` longer than this is replaced by one token for each mark past the number.
    max_tokens_per_call: positions that one shape call computes before it leaves the rest for the next; 0: as
        many as take about 100 ms with the default model, which depends on the flavour.
    replacements: words of the typed text that are shown as others.
    temperature: in hundredths; 0 always takes the most likely token. With `top_p`, `top_k` and `seed` it holds
        where the caller's features say nothing else.
    top_p: samples among the most likely tokens that have so many hundredths of the probability; 0: all.
    top_k: samples among so many most likely tokens; 0: all.
    seed: chooses among the possible continuations.
    no_repeat: a token that would complete a sequence of so many tokens which the context has already is not
        taken; 0: any may be. Never holds for a token that ends the story.
    frame: tokens around typed text.
    """

    kept_marks: int = KEPT_MARKS
    max_tokens_per_call: int = 0
    replacements: tuple[tuple[str, str], ...] = ()
    temperature: int = 0
    top_p: int = 0
    top_k: int = 0
    seed: int = 0
    no_repeat: int = NO_REPEAT
    frame: Frame = Frame()

    def check(self) -> None:
        """Raise `FontgenError` when a value is out of its range."""
        if not 0 <= self.kept_marks <= 1000:
            raise FontgenError(f"kept_marks is {self.kept_marks}, outside 0 to 1000")
        if not 0 <= self.max_tokens_per_call <= 1_000_000:
            raise FontgenError(
                f"max_tokens_per_call is {self.max_tokens_per_call}, outside 0 to 1000000"
            )
        for name, largest in (
            ("temperature", 100_000),
            ("top_p", 100),
            ("top_k", _LARGEST),
            ("seed", _LARGEST),
            ("no_repeat", 1000),
        ):
            if not 0 <= getattr(self, name) <= largest:
                raise FontgenError(f"{name} is {getattr(self, name)}, outside 0 to {largest}")
        tokens = [token for part in vars(self.frame).values() for token in part]
        if not all(0 <= token <= _LARGEST for token in tokens):
            raise FontgenError("a token of the frame is no number of 32 bits")
        for word, shown in self.replacements:
            if not 1 <= len(word) <= LONGEST_WORD or not 1 <= len(shown) <= LONGEST_WORD:
                raise FontgenError(
                    f"the replacement of {word!r} has not 1 to {LONGEST_WORD} characters on each side"
                )
        if len({word for word, _ in self.replacements}) < len(self.replacements):
            raise FontgenError("a word has two replacements")


def write_settings(settings: Settings) -> bytes:
    """Bytes of the table."""
    settings.check()
    frame = vars(settings.frame)
    values = vars(settings) | {"n_replacements": len(settings.replacements)}
    values |= {f"n_{part}": len(tokens) for part, tokens in frame.items()}
    words = sorted(
        settings.replacements, key=lambda replacement: (-len(replacement[0]), replacement)
    )
    tokens = np.array([token for part in frame.values() for token in part], "<u4")
    body = tokens.tobytes() + b"".join(
        _LENGTHS.pack(len(word), len(shown)) + (word + shown).encode("utf-32-le")
        for word, shown in words
    )
    return seal(SETTINGS_FIELDS, SETTINGS_TAG, values, body)


def read_settings(data: bytes) -> Settings:
    """The settings in a table; raises `FontgenError` when it is damaged."""
    values = unseal(SETTINGS_FIELDS, SETTINGS_TAG, data)
    offset = struct_of(SETTINGS_FIELDS, values["version"]).size
    frame, offset = _frame(data, offset, values)
    if values["n_replacements"] * _LENGTHS.size > len(data) - offset:
        raise FontgenError(
            f"table {SETTINGS_TAG} has {len(data)} bytes, too few for the {values['n_replacements']:,} "
            "replacements that it promises"
        )
    replacements = []
    for _ in range(values["n_replacements"]):
        word, shown, offset = _replacement(data, offset)
        replacements.append((word, shown))
    if offset != len(data):
        raise FontgenError(f"table {SETTINGS_TAG} is longer than its header promises")
    own = {name: values[name] for name in values if name in Settings.__dataclass_fields__}
    settings = Settings(**own, replacements=tuple(replacements), frame=frame)
    settings.check()
    return settings


def _frame(data: bytes, offset: int, values: dict) -> tuple[Frame, int]:
    """The frame, and where the replacements begin."""
    parts = {}
    for part in Frame.__dataclass_fields__:
        end = offset + 4 * values[f"n_{part}"]
        if end > len(data):
            raise FontgenError(f"table {SETTINGS_TAG} is shorter than its header promises")
        parts[part] = tuple(np.frombuffer(data[offset:end], "<u4").tolist())
        offset = end
    return Frame(**parts), offset


def _replacement(data: bytes, offset: int) -> tuple[str, str, int]:
    """A word, what is shown instead, and where the next one begins."""
    if offset + _LENGTHS.size > len(data):
        raise FontgenError(f"table {SETTINGS_TAG} is shorter than its header promises")
    n_word, n_shown = _LENGTHS.unpack_from(data, offset)
    start = offset + _LENGTHS.size
    end = start + 4 * (n_word + n_shown)
    if end > len(data):
        raise FontgenError(f"table {SETTINGS_TAG} is shorter than its header promises")
    try:
        both = data[start:end].decode("utf-32-le")
    except UnicodeDecodeError as error:
        raise FontgenError(f"table {SETTINGS_TAG} has a word that is no text: {error}") from error
    return both[:n_word], both[n_word:], end
