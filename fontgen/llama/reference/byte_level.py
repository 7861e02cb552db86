"""Byte-level BPE in plain Python (Radford et al. 2019), token for token equal to the engine's.

Texts are split by the models' regular expressions, which ask for classes of Unicode's characters. Python's `re` knows
no ``\\p{L}``, so it gets the text with each character replaced by an ASCII one of its class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from fontgen.llama.model import CharacterClass, PieceKind, PreTokenizer, Vocabulary

_GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"
_LLAMA_BPE = (
    r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\nA-Za-z0-9]?[A-Za-z]+|"
    r"[0-9]{1,3}| ?[^\sA-Za-z0-9]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
EXPRESSIONS: dict[PreTokenizer, tuple[str, ...]] = {
    PreTokenizer.GPT_2: (_GPT_2,),
    PreTokenizer.SMOLLM: (r"[0-9]|[^0-9]+", _GPT_2),
    PreTokenizer.LLAMA_BPE: (_LLAMA_BPE,),
    PreTokenizer.QWEN2: (_LLAMA_BPE.replace("{1,3}", ""),),
}
"""Each splits what the one before it has split; of what they match nothing is left over."""
_STANDS_FOR = {
    CharacterClass.LETTER: "A",
    CharacterClass.NUMBER: "0",
    CharacterClass.WHITE_SPACE: "\t",
    CharacterClass.OTHER: ".",
}


class UserDefined:
    """The pieces that text is taken for before anything is split or merged: from left to right, the longest first.

    Attributes:
        tokens: by their bytes.
    """

    def __init__(self, vocabulary: Vocabulary):
        self.tokens: dict[bytes, int] = {}
        for token in np.flatnonzero(vocabulary.kinds == PieceKind.USER_DEFINED).tolist():
            self.tokens.setdefault(vocabulary.pieces[token], token)

    def parts(self, characters: list[bytes]) -> Iterator[tuple[slice, bool]]:
        """The text in parts, and whether each is such a piece."""
        start = i = 0
        while self.tokens and i < len(characters):
            end = self._end(characters, i)
            if end is None:
                i += 1
                continue
            if start < i:
                yield slice(start, i), False
            yield slice(i, end), True
            start = i = end
        if start < len(characters):
            yield slice(start, len(characters)), False

    def _end(self, characters: list[bytes], start: int) -> int | None:
        """Where the longest piece ends that begins there."""
        longest, found = max(map(len, self.tokens)), None
        piece = b""
        for i in range(start, len(characters)):
            piece += characters[i]
            if len(piece) > longest:
                break
            if piece in self.tokens:
                found = i + 1
        return found


class ByteLevelTokenizer:
    """Encodes text with a byte-level vocabulary."""

    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self._firsts = vocabulary.character_classes >> 2
        self._classes = vocabulary.character_classes & 3
        self._merges = {
            (left, right): (rank, made)
            for rank, (left, right, made) in enumerate(vocabulary.merges.tolist())
        }
        self._user_defined = UserDefined(vocabulary)
        self._pieces: dict[bytes, int] = {}
        for token in np.flatnonzero(vocabulary.kinds == PieceKind.NORMAL).tolist():
            self._pieces.setdefault(vocabulary.pieces[token], token)

    def encode_with_starts(self, text: str) -> list[tuple[int, int]]:
        """Tokens, each with the index of the code point in which it begins."""
        text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
        tokens: list[tuple[int, int]] = []
        for part, is_user_defined in self._user_defined.parts([c.encode() for c in text]):
            if is_user_defined:
                tokens.append((self._user_defined.tokens[text[part].encode()], part.start))
                continue
            for start, end in self._splits(text[part]):
                places = range(part.start + start, part.start + end)
                data = [(byte, i) for i in places for byte in text[i].encode()]
                tokens += self._merged(data)
        return tokens

    def _splits(self, text: str) -> list[tuple[int, int]]:
        plain = "".join(map(self._plain, text))
        splits = [(0, len(text))]
        for expression in EXPRESSIONS[self._vocabulary.pre_tokenizer]:
            splits = [
                (start + match.start(), start + match.end())
                for start, end in splits
                for match in re.finditer(expression, plain[start:end])
            ]
        return splits

    def _plain(self, character: str) -> str:
        """An ASCII character that the expressions take for this one."""
        entry = int(np.searchsorted(self._firsts, ord(character), side="right")) - 1
        kind = CharacterClass(self._classes[entry]) if entry >= 0 else CharacterClass.OTHER
        named = character.isascii() and (character.isalnum() or character in " \r\n'")
        return character if named else _STANDS_FOR[kind]

    def _merged(self, data: list[tuple[int, int]]) -> list[tuple[int, int]]:
        whole = self._pieces.get(bytes(byte for byte, _ in data))
        if self._vocabulary.ignore_merges and whole is not None:
            return [(whole, data[0][1])]
        tokens = []
        for byte, index in data:
            token = self._pieces.get(bytes([byte]), self._vocabulary.unk)
            if token is not None:
                tokens.append((token, index))
        while True:
            pairs = zip(tokens, tokens[1:], strict=False)
            ranks = [self._merges.get((a, b), (len(self._merges), 0)) for (a, _), (b, _) in pairs]
            if not ranks or min(ranks)[0] == len(self._merges):
                return tokens
            i = min(range(len(ranks)), key=lambda i: (ranks[i][0], i))
            tokens[i : i + 2] = [(ranks[i][1], tokens[i][1])]
