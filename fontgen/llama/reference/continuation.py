"""From typed text to visible text, as wasm/llama/continuation.c does it, in plain Python."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fontgen.llama.marks import ANOTHER, BOUNDARY, MORE, MOST_REJECTED, SHOWS_NOTHING
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.sampler import (
    SAMPLING,
    Features,
    Options,
    options_at,
    repeats,
    sample,
)
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.tables import Settings
from fontgen.llama.trace import TokenKind, TracedToken

Characters = list[tuple[str, int]]


@dataclass
class Continuation:
    """What a typed text shows.

    characters: (character, cluster) pairs; the cluster is the index of the typed character.
    runs: the tokens generated for each run of marks that was replaced, without the BOS or EOS that ended it.
    trace: every token that was read or chosen, BOS first; only of a text with a run does it say anything.
    """

    characters: Characters = field(default_factory=list)
    runs: list[list[int]] = field(default_factory=list)
    trace: list[TracedToken] = field(default_factory=list)

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
        self.context_length = quantised.config.context_length
        self.ends = (quantised.vocabulary.bos, quantised.vocabulary.eos)

    def continue_text(self, typed: str, features: Features | None = None) -> Continuation:
        """Replace words, then every run of marks: one token for each ``!`` past the first ``kept_marks``.

        features: OpenType features as ``{tag: [(start, end, value)]}``, in indexes of ``typed``.
        """
        text = _Text(self, self._replace_words(typed), features or {})
        kept = self.settings.kept_marks
        prompt = 0
        for run in re.finditer(rf"{MORE}{{{kept + 1},}}[{MORE}{ANOTHER}]*", text.typed):
            start, end = run.span()
            skip_space = text.read_prompt(prompt, start)
            text.show_nothing(start, start + kept)
            text.generate(start + kept, end, skip_space)
            prompt = end
        text.result.characters += text.characters[prompt:]
        return text.result

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


class _Text:
    """One text on its way: what is visible so far, and the tokens of it."""

    def __init__(self, continuer: ReferenceContinuer, characters: Characters, features: Features):
        self.characters = characters
        self.typed = "".join(character for character, _ in characters)
        self.result = Continuation()
        self._features = features
        self._model, self._tokenizer = continuer.model, continuer.tokenizer
        self._settings, self._context_length = continuer.settings, continuer.context_length
        self._ends = continuer.ends
        self._tokens: list = [continuer.tokenizer.vocabulary.bos]
        self._dropped = 0
        self.result.trace.append(TracedToken(self._tokens[0], TokenKind.BEGIN, 0))

    def show_nothing(self, start: int, end: int) -> None:
        self.result.characters += [
            (SHOWS_NOTHING, cluster) for _, cluster in self.characters[start:end]
        ]

    def read_prompt(self, start: int, end: int) -> bool:
        """Show a typed text and append its tokens, without trailing spaces; the end of what is too long.

        Returns whether the first token that is generated comes without its space.
        """
        typed = self.typed[start:end].rstrip(" ")
        window = min(max(16 * self._context_length, 1024), 16384)
        skipped = _in_steps(len(typed) - window, window // 2)
        read = self._tokenizer.encode_with_starts(typed[skipped:], at_start=len(self._tokens) == 1)
        self._tokens += [token for token, _ in read]
        excess = len(self._tokens) - (self._context_length - self._context_length // 4)
        dropped = _in_steps(excess, max(self._context_length // 8, 1))
        dropped = min(dropped, len(self._tokens) - 1)
        del self._tokens[1 : 1 + dropped]
        self._dropped += dropped
        begins: dict[int, list[int]] = {}
        for token, index in read:
            begins.setdefault(start + skipped + index, []).append(token)
        for i in range(start, end):
            character, cluster = self.characters[i]
            options = options_at(self._settings, self._features, cluster)
            for token in begins.get(i, ()):
                self._trace(token, TokenKind.PROMPT, cluster, options)
                if options.boundaries == 2:
                    self.result.characters.append((BOUNDARY, cluster))
            self.result.characters.append((character, cluster))
        return self.typed[start:end].endswith(" ") or len(self._tokens) == 1

    def generate(self, start: int, end: int, skip_space: bool) -> None:
        """Show one token for each ``!`` until the story or the context ends."""
        pending = b""  # the beginning of a character whose rest has not come yet
        generated: list[int] = []
        ended = False
        for i, (mark, cluster) in enumerate(self.characters[start:end], start):
            shown = ""
            if mark == MORE and not ended and len(self._tokens) <= self._context_length:
                others = re.match(rf"[{ANOTHER}]*", self.typed[i + 1 : end])
                rejections = others.end() if others else 0
                options = options_at(self._settings, self._features, cluster)
                token = self._choose(options, rejections)
                ended = token in self._ends
                kind = TokenKind.END if ended else TokenKind.GENERATED
                self._trace(token, kind, cluster, options, rejections)
                if not ended:
                    data = self._tokenizer.decode(token)
                    if skip_space and not generated:
                        data = data.removeprefix(b" ")
                    complete, pending = _decode(pending + data)
                    shown = BOUNDARY * bool(options.boundaries) + (_show(complete) or SHOWS_NOTHING)
                    generated.append(token)
                    self._tokens.append(token)
            ended = ended or len(self._tokens) > self._context_length
            self.result.characters += [(character, cluster) for character in shown or SHOWS_NOTHING]
        self.result.runs.append(generated)

    def _choose(self, options: Options, rejections: int) -> int:
        """The token that comes next, so many times rejected for the next in line."""
        logits = self._model.logits(self._tokens)
        excluded = repeats(self._tokens, self._settings.no_repeat, self._ends)
        rejected: list[int] = []
        while True:
            token = sample(logits, self._tokens, options, excluded, rejected)
            if len(rejected) == min(rejections, MOST_REJECTED):
                return token
            rejected.append(token)

    def _trace(
        self, token: int, kind: TokenKind, cluster: int, options: Options, rejected: int = 0
    ) -> None:
        drawn_with = {name: getattr(options, name) for name in SAMPLING}
        self.result.trace.append(
            TracedToken(token, kind, cluster, self._dropped, rejected, **drawn_with)
        )


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
