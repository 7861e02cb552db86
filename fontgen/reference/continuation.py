"""From typed text to visible text, as wasm/continuation.c does it, in plain Python."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from ..quantise import QuantisedModel
from ..table import Settings
from .model import ReferenceModel
from .sampler import greedy
from .tokenizer import ReferenceTokenizer

MARK = "!"
SHOWS_NOTHING = "\u200b"
"""Stands for a mark that shows nothing, so that a caret still finds it; HarfBuzz makes it invisible."""


@dataclass
class Continuation:
    """What a typed text shows.

    characters: (character, cluster) pairs; the cluster is the index of the typed character.
    runs: the tokens generated for each run of marks that was replaced, without the BOS or EOS that ended it.
    """

    characters: list[tuple[str, int]] = field(default_factory=list)
    runs: list[list[int]] = field(default_factory=list)

    @property
    def visible(self) -> str:
        """The visible text."""
        return "".join(character for character, _ in self.characters if character != SHOWS_NOTHING)


class ReferenceContinuer:
    """Continues texts with one model; keeps the model's KV cache between them."""

    def __init__(self, quantised: QuantisedModel, settings: Settings = Settings()):  # noqa: B008
        self.settings = settings
        self.model = ReferenceModel(quantised)
        self.tokenizer = ReferenceTokenizer(quantised.vocabulary)
        self._context_length = quantised.config.context_length

    def continue_text(self, text: str) -> Continuation:
        """Replace every run of more than ``kept_marks`` marks by one token for each mark past that number."""
        vocabulary = self.tokenizer.vocabulary
        result = Continuation()
        tokens = [vocabulary.bos]
        kept = self.settings.kept_marks
        prompt = 0
        for run in re.finditer(f"{MARK}{{{kept + 1},}}", text):
            typed = text[prompt : run.start()]
            result.characters += [(c, i) for i, c in enumerate(typed, prompt)]
            result.characters += [(SHOWS_NOTHING, run.start() + k) for k in range(kept)]
            self._read_prompt(tokens, typed)
            skip_space = typed.endswith(" ") or len(tokens) == 1
            marks = range(run.start() + kept, run.end())
            result.runs.append(self._generate(result, tokens, marks, skip_space))
            prompt = run.end()
        result.characters += [(c, i) for i, c in enumerate(text[prompt:], prompt)]
        return result

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
        self, result: Continuation, tokens: list, marks: range, skip_space: bool
    ) -> list[int]:
        """Show one token for each mark until the story or the context ends; returns the tokens."""
        vocabulary = self.tokenizer.vocabulary
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        generated: list[int] = []
        ended = False
        for mark in marks:
            shown = ""
            if not ended and len(tokens) <= self._context_length:
                token = greedy(self.model.logits(tokens))
                ended = token in (vocabulary.bos, vocabulary.eos)
                if not ended:
                    data = self.tokenizer.decode(token)
                    if skip_space and not generated:
                        data = data.removeprefix(b" ")
                    shown = _show(decoder.decode(data))
                    generated.append(token)
                    tokens.append(token)
            result.characters += [(character, mark) for character in shown or SHOWS_NOTHING]
        return generated


def _in_steps(excess: int, step: int) -> int:
    """The least multiple of ``step`` that is not below ``excess``; 0 where there is no excess."""
    return max(-(-excess // step), 0) * step


def _show(text: str) -> str:
    """Line ends and control characters become spaces."""
    return re.sub("[\x00-\x1f\x85\u2028\u2029]", " ", text)
