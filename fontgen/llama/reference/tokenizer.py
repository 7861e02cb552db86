"""sentencepiece BPE with byte fallback in plain Python, token for token equal to the engine's."""

from __future__ import annotations

import re

from fontgen.llama.model import PieceKind, Vocabulary

REPLACEMENT_CHARACTER = "\ufffd"


class ReferenceTokenizer:
    """Encodes text to tokens and tokens to bytes."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self._found: dict[bytes, int] = {}  # normal and unused pieces, of equals the first
        self._bytes: dict[int, int] = {}
        for token, (piece, kind) in enumerate(
            zip(vocabulary.pieces, vocabulary.kinds, strict=True)
        ):
            if kind in (PieceKind.NORMAL, PieceKind.UNUSED):
                self._found.setdefault(piece, token)
            elif kind == PieceKind.BYTE:
                self._bytes[int(piece[3:5], 16)] = token

    def encode(self, text: str, *, at_start: bool = True) -> list[int]:
        """Tokens of a text, without BOS; ``at_start`` says that nothing comes before it.

        Begins with one symbol per code point and merges the pair of the highest score, the leftmost of
        equals, until no pair is a piece (Sennrich et al. 2016, arXiv:1508.07909). An unused piece is then split
        again, into what it was last thought to be made of (sentencepiece, ``bpe_model.cc``).
        """
        symbols = [_utf8(character) for character in self._spaced(text, at_start)]
        if not symbols:
            return []
        impossible = float("-inf")
        halves: dict[bytes, tuple[bytes, bytes]] = {}  # of unused pieces

        def score(i: int) -> float:
            if not 0 <= i < len(symbols) - 1:
                return impossible
            token = self._found.get(symbols[i] + symbols[i + 1])
            if token is None:
                return impossible
            if self.vocabulary.kinds[token] == PieceKind.UNUSED:
                halves[symbols[i] + symbols[i + 1]] = symbols[i], symbols[i + 1]
            return float(self.vocabulary.scores[token])

        scores = [score(i) for i in range(len(symbols))]  # of each symbol with its right neighbour
        while (best := max(scores)) > impossible:
            i = scores.index(best)
            symbols[i : i + 2] = [symbols[i] + symbols[i + 1]]
            del scores[i]
            for changed in (i - 1, i):
                if changed >= 0:
                    scores[changed] = score(changed)
        return self._tokens(self._split_unused(symbols, halves))

    def _split_unused(
        self, symbols: list[bytes], halves: dict[bytes, tuple[bytes, bytes]]
    ) -> list[bytes]:
        waiting, used = symbols[::-1], []
        while waiting:
            symbol = waiting.pop()
            token = self._found.get(symbol)
            unused = token is not None and self.vocabulary.kinds[token] == PieceKind.UNUSED
            if unused and symbol in halves:
                waiting += halves[symbol][::-1]
            else:
                used.append(symbol)
        return used

    def _spaced(self, text: str, at_start: bool) -> str:
        """The text with the vocabulary's idea of spaces; U+2581 is one."""
        text = text.replace("\u2581", " ")
        if self.vocabulary.remove_extra_whitespaces:
            text = re.sub(" +", " ", text).rstrip(" ")
            text = text.lstrip(" ") if at_start else text
        prefix = text and at_start and self.vocabulary.add_dummy_prefix
        return " " + text if prefix else text

    def _tokens(self, symbols: list[bytes]) -> list[int]:
        tokens: list[int] = []
        unknown = self.vocabulary.unk
        for symbol in symbols:
            token = self._found.get(symbol)
            for found in (
                [token] if token is not None else [self._bytes.get(byte) for byte in symbol]
            ):
                if found is None and (unknown is None or tokens[-1:] == [unknown]):
                    continue
                tokens.append(unknown if found is None else found)  # type: ignore[arg-type]
        return tokens

    def decode(self, token: int) -> bytes:
        """The bytes that a token stands for: none for BOS and EOS, U+FFFD for the unknown token."""
        kind, piece = self.vocabulary.kinds[token], self.vocabulary.pieces[token]
        if kind == PieceKind.CONTROL:
            return b""
        if kind == PieceKind.UNKNOWN:
            return REPLACEMENT_CHARACTER.encode()
        return bytes([int(piece[3:5], 16)]) if kind == PieceKind.BYTE else piece


def _utf8(character: str) -> bytes:
    """UTF-8 of a code point, a surrogate being U+FFFD."""
    if "\ud800" <= character <= "\udfff":
        return REPLACEMENT_CHARACTER.encode()
    return character.encode()
