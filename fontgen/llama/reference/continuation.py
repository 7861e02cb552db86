"""From typed text to visible text, as wasm/llama/continuation.c does it, in plain Python."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

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
        self.ends = quantised.vocabulary.ends | set(self.settings.frame.stops)

    def continue_text(self, typed: str, features: Features | None = None) -> Continuation:
        """Replace words, then every run of marks: one token for each ``!`` past the first ``kept_marks``.

        features: OpenType features as ``{tag: [(start, end, value)]}``, in indexes of ``typed``.
        """
        text = _Text(self, self._replace_words(typed), features or {})
        kept = self.settings.kept_marks
        prompt = 0
        for run in re.finditer(rf"{MORE}{{{kept + 1},}}[{MORE}{ANOTHER}]*", text.typed):
            start, end = run.span()
            text.read_prompt(prompt, start)
            beginning = text.beginning_after(prompt, start)
            text.show_nothing(start, start + kept)
            text.generate(start + kept, end, beginning)
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


class Beginning(enum.Enum):
    """How the first token of a run begins: without its space where one was typed before it; in a frame, where it
    brings none, after one that nobody typed."""

    AS_IT_IS = 0
    WITHOUT_SPACE = 1
    AFTER_SPACE = 2


def _begun(data: bytes, beginning: Beginning) -> bytes:
    if beginning == Beginning.WITHOUT_SPACE:
        return data.removeprefix(b" ")
    has_space = data.startswith((b" ", b"\n"))
    return data if beginning == Beginning.AS_IT_IS or has_space else b" " + data


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
        self._frame = continuer.settings.frame
        vocabulary = continuer.tokenizer.vocabulary
        self._bos = vocabulary.bos
        self._tokens: list = []
        self._dropped = self._prompts = 0
        head = self._frame.before or (self._bos,) * vocabulary.add_bos
        self._append_frame(head, TokenKind.BEGIN, 0)
        self._head = len(head)

    def show_nothing(self, start: int, end: int) -> None:
        self.result.characters += [
            (SHOWS_NOTHING, cluster) for _, cluster in self.characters[start:end]
        ]

    def read_prompt(self, start: int, end: int) -> None:
        """Show a typed text and append its tokens, without trailing spaces; the end of what is too long."""
        first, last = start, start + len(self.typed[start:end].rstrip(" "))
        if self._frame.holds_text:
            first = last - len(self.typed[start:last].lstrip(" "))
        is_turn = self._frame.holds_text and (first < last or not self._prompts)
        if is_turn and self._prompts:
            cluster = self.characters[first][1]
            self._append_frame(self._frame.between, TokenKind.FRAME, cluster)
        window = min(max(16 * self._context_length, 1024), 16384)
        skipped = _in_steps(last - first - window, window // 2)
        at_start = len(self._tokens) == self._head and not self._frame.before
        read = self._tokenizer.encode_with_starts(
            self.typed[first + skipped : last], at_start=at_start
        )
        self._tokens += [token for token, _ in read]
        n_traced = len(self.result.trace) - len(self._frame.between) * (
            is_turn and self._prompts > 0
        )
        self._drop(len(self._frame.after) * is_turn)
        self._show(start, end, [(token, first + skipped + index) for token, index in read])
        self.result.trace[n_traced:] = [
            replace(token, dropped=self._dropped) for token in self.result.trace[n_traced:]
        ]
        cluster = self.characters[end - 1][1] if end > start else 0
        if is_turn:
            self._append_frame(self._frame.after, TokenKind.FRAME, cluster)
        if not self._tokens:
            self._append_frame((self._bos,), TokenKind.FRAME, cluster)
        self._prompts += 1

    def beginning_after(self, start: int, end: int) -> Beginning:
        """How the first token behind a prompt begins."""
        after_space = self.typed[start:end].endswith(" ")
        empty = len(self._tokens) == self._head or self._tokens == [self._bos]
        if after_space or (empty and not self._frame.holds_text):
            return Beginning.WITHOUT_SPACE
        framed = self._frame.holds_text and end > start
        return Beginning.AFTER_SPACE if framed else Beginning.AS_IT_IS

    def _append_frame(self, tokens: Iterable[int | None], kind: TokenKind, cluster: int) -> None:
        options = options_at(self._settings, self._features, cluster)
        for token in tokens:
            assert token is not None  # Vocabulary.check
            self._trace(token, kind, cluster, options)
            self._tokens.append(token)

    def _drop(self, reserved: int) -> None:
        """Forget the beginning of what is more than three quarters of the context, ``reserved`` tokens included."""
        most = self._context_length - self._context_length // 4
        excess = len(self._tokens) + reserved - most
        dropped = _in_steps(excess, max(self._context_length // 8, 1))
        dropped = min(dropped, len(self._tokens) - self._head)
        del self._tokens[self._head : self._head + dropped]
        self._dropped += dropped

    def _show(self, start: int, end: int, read: list[tuple[int, int]]) -> None:
        """Typed characters, and traces of the tokens that begin at some of them."""
        begins: dict[int, list[int]] = {}
        for token, index in read:
            begins.setdefault(index, []).append(token)
        for i in range(start, end):
            character, cluster = self.characters[i]
            options = options_at(self._settings, self._features, cluster)
            for token in begins.get(i, ()):
                self._trace(token, TokenKind.PROMPT, cluster, options)
                if options.boundaries == 2:
                    self.result.characters.append((BOUNDARY, cluster))
            self.result.characters.append((character, cluster))

    def generate(self, start: int, end: int, beginning: Beginning) -> None:
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
                    if not generated:
                        data = _begun(data, beginning)
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
