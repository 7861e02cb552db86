"""From typed text to visible text, as wasm/llama/continuation.c does it, in plain Python."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fontgen.llama.marks import ANOTHER, BOUNDARY, MORE, MOST_REJECTED, SHOWS_NOTHING
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.sampler import options_at, sample
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.tables import Settings

Features = dict[str, list[tuple[int, int, int]]]
Characters = list[tuple[str, int]]


@dataclass
class Continuation:
    """What a typed text shows.

    characters: (character, cluster) pairs; the cluster is the index of the typed character.
    runs: the tokens generated for each run of marks that was replaced, without the BOS or EOS that ended it.
    """

    characters: Characters = field(default_factory=list)
    runs: list[list[int]] = field(default_factory=list)

    @property
    def visible(self) -> str:
        """The visible text."""
        return "".join(character for character, _ in self.characters if character != SHOWS_NOTHING)


class ReferenceContinuer:
    """Continues texts with one model; keeps the model's KV cache between them."""

    def __init__(self, quantised: QuantisedModel, settings: Settings | None = None):
        self.settings = settings or Settings()
        self.model = ReferenceModel(quantised)
        self.tokenizer = ReferenceTokenizer(quantised.vocabulary)
        self._context_length = quantised.config.context_length
        self._ends = (quantised.vocabulary.bos, quantised.vocabulary.eos)

    def continue_text(self, typed: str, features: Features | None = None) -> Continuation:
        """Replace words, then every run of marks: one token for each ``!`` past the first ``kept_marks``.

        features: OpenType features as ``{tag: [(start, end, value)]}``, in indexes of ``typed``.
        """
        result = Continuation()
        characters = self._replace_words(typed)
        text = "".join(character for character, _ in characters)
        tokens: list = [self.tokenizer.vocabulary.bos]
        kept = self.settings.kept_marks
        prompt = 0
        for run in re.finditer(rf"{MORE}{{{kept + 1},}}[{MORE}{ANOTHER}]*", text):
            start, end = run.span()
            result.characters += characters[prompt:start]
            result.characters += [
                (SHOWS_NOTHING, cluster) for _, cluster in characters[start : start + kept]
            ]
            self._read_prompt(tokens, text[prompt:start])
            skip_space = text[prompt:start].endswith(" ") or len(tokens) == 1
            marks = characters[start + kept : end]
            result.runs.append(self._generate(result, tokens, marks, skip_space, features or {}))
            prompt = end
        result.characters += characters[prompt:]
        return result

    def _replace_words(self, typed: str) -> Characters:
        """The typed characters with their clusters, every word of the settings replaced by its other."""
        shown = dict(self.settings.replacements)
        words = sorted(shown, key=len, reverse=True)
        characters: Characters = []
        i = 0
        while i < len(typed):
            word = next((word for word in words if typed.startswith(word, i)), None)
            if word is None:
                characters.append((typed[i], i))
                i += 1
                continue
            other = shown[word]
            characters += [(c, i + j * len(word) // len(other)) for j, c in enumerate(other)]
            i += len(word)
        return characters

    def _read_prompt(self, tokens: list, typed: str) -> None:
        """Append a typed text's tokens, without trailing spaces, and keep the end of what is too long."""
        typed = typed.rstrip(" ")
        window = min(max(16 * self._context_length, 1024), 16384)
        typed = typed[_in_steps(len(typed) - window, window // 2) :]
        tokens += self.tokenizer.encode(typed, at_start=len(tokens) == 1)
        excess = len(tokens) - (self._context_length - self._context_length // 4)
        dropped = _in_steps(excess, max(self._context_length // 8, 1))
        del tokens[1 : 1 + dropped]

    def _generate(
        self,
        result: Continuation,
        tokens: list,
        marks: Characters,
        skip_space: bool,
        features: Features,
    ) -> list[int]:
        """Show one token for each ``!`` until the story or the context ends; returns the tokens."""
        pending = b""  # the beginning of a character whose rest has not come yet
        generated: list[int] = []
        ended = False
        for i, (mark, cluster) in enumerate(marks):
            shown = ""
            if mark == MORE and not ended and len(tokens) <= self._context_length:
                others = re.match(rf"[{ANOTHER}]*", "".join(other for other, _ in marks[i + 1 :]))
                another = others.end() if others else 0
                token, boundary = self._choose(tokens, features, cluster, another)
                ended = token in self._ends
                if not ended:
                    data = self.tokenizer.decode(token)
                    if skip_space and not generated:
                        data = data.removeprefix(b" ")
                    complete, pending = _decode(pending + data)
                    shown = (BOUNDARY if boundary else "") + (_show(complete) or SHOWS_NOTHING)
                    generated.append(token)
                    tokens.append(token)
            ended = ended or len(tokens) > self._context_length
            result.characters += [(character, cluster) for character in shown or SHOWS_NOTHING]
        return generated

    def _choose(
        self, tokens: list, features: Features, cluster: int, another: int
    ) -> tuple[int, bool]:
        """The token that comes next, ``another`` times the next in line; and whether to mark its beginning."""
        options = options_at(features, cluster)
        logits = self.model.logits(tokens)
        rejected: list[int] = []
        while True:
            token = sample(logits, tokens, options, rejected)
            if len(rejected) == min(another, MOST_REJECTED):
                return token, bool(options.boundaries)
            rejected.append(token)


def _in_steps(excess: int, step: int) -> int:
    """The least multiple of ``step`` that is not below ``excess``; 0 where there is no excess."""
    return max(-(-excess // step), 0) * step


def _decode(data: bytes) -> tuple[str, bytes]:
    """The characters of UTF-8, and the beginning of one more at its end; U+FFFD for what is no character.

    Python's own incremental decoder will not do: it waits for the rest of a surrogate, which is none.
    """
    for length in (3, 2, 1):
        head, tail = data[:-length], data[-length:]
        if len(tail) == length and any(_is_character(tail + rest) for rest in _RESTS):
            return head.decode("utf-8", "replace"), tail
    return data.decode("utf-8", "replace"), b""


_RESTS = [bytes([first]) + b"\x80" * n for first in (0x80, 0x90, 0xA0) for n in range(3)]
"""Continuations among which every beginning of a character finds one that completes it."""


def _is_character(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


def _show(text: str) -> str:
    """Line ends and control characters become spaces."""
    return re.sub("[\x00-\x1f\x85\u2028\u2029]", " ", text)
