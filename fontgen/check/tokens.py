"""How a font's model reads a text and goes on, token by token: ``fontgen tokens``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fontgen.errors import FontgenError, naming
from fontgen.font.file import read_tables
from fontgen.font.tables import WASM_TAG
from fontgen.llama.marks import ANOTHER, MORE
from fontgen.llama.tables import MODEL_TAG, SETTINGS_TAG, Settings, read_settings
from fontgen.llama.trace import Choices, TracedToken
from fontgen.llama.tracing import Features, TracingShaper
from fontgen.shapers.flavours import quickest_module


@dataclass(frozen=True)
class Alternative:
    """A token that could have come, the bytes that it stands for, what the vocabulary calls it, its probability."""

    token: int
    data: bytes
    name: bytes
    probability: float


@dataclass(frozen=True)
class ExplainedToken:
    """A token of a text. choices: what it was chosen among, None for BOS and what has fallen out of the context."""

    traced: TracedToken
    data: bytes
    name: bytes
    choices: Choices | None
    alternatives: tuple[Alternative, ...]


def open_shaper(path: Path) -> tuple[TracingShaper, Settings]:
    """The shaper in a font, the one for SIMD where there are two, and the font's settings.

    Raises:
        FontgenError: the file cannot be read, or is no font of ours.
    """
    tables = read_tables(path, (WASM_TAG, MODEL_TAG, SETTINGS_TAG))
    with naming(path):
        shaper = TracingShaper(quickest_module(tables[WASM_TAG]), tables)
        return shaper, read_settings(tables[SETTINGS_TAG])


class TokenExplainer:
    """Asks the shaper in a font what it did with a text.

    Raises:
        FontgenError: the file cannot be read, or is no font of ours.
    """

    def __init__(self, path: Path):
        self._shaper, settings = open_shaper(path)
        self.kept_marks = settings.kept_marks

    def explain(
        self, text: str, features: Features | None = None, *, most: int = 3
    ) -> list[ExplainedToken]:
        """The tokens of a text, each with up to ``most`` that could have come in its place.

        Behind text that no run of marks follows, the shaper reads nothing; one mark is put there, so that the last
        token is the one that would come next.
        """
        marks = re.escape(MORE), re.escape(ANOTHER)
        if not re.search(f"{marks[0]}{{{self.kept_marks + 1},}}[{marks[0]}{marks[1]}]*$", text):
            text += MORE * (self.kept_marks + 1)
        self._shaper.shape(text, features)
        explained = []
        for index, traced in enumerate(self._shaper.tokens()):
            choices = self._shaper.choices(index, most)
            alternatives = tuple(
                Alternative(token, *self._bytes_and_name(token), probability)
                for token, probability in (choices.choices if choices else ())
            )
            data, name = self._bytes_and_name(traced.token)
            explained.append(ExplainedToken(traced, data, name, choices, alternatives))
        if not explained:
            raise FontgenError("the shaper reads no token of this text")
        return explained

    def _bytes_and_name(self, token: int) -> tuple[bytes, bytes]:
        return self._shaper.token_bytes(token), self._shaper.token_name(token)
