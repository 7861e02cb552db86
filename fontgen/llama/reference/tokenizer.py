"""sentencepiece BPE with byte fallback in plain Python, token for token equal to the engine's; byte-level BPE is in
`byte_level`."""

from __future__ import annotations

from fontgen.llama.model import PieceKind, Vocabulary
from fontgen.llama.reference.byte_level import ByteLevelTokenizer, UserDefined

REPLACEMENT_CHARACTER = "\ufffd"


class ReferenceTokenizer:
    """Encodes text to tokens and tokens to bytes."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self._byte_level = ByteLevelTokenizer(vocabulary) if vocabulary.byte_level else None
        self._found: dict[bytes, int] = {}  # normal and unused pieces, of equals the first
        self._bytes: dict[int, int] = {}
        self._user_defined = UserDefined(vocabulary)
        for token, (piece, kind) in enumerate(
            zip(vocabulary.pieces, vocabulary.kinds, strict=True)
        ):
            if kind in (PieceKind.NORMAL, PieceKind.UNUSED):
                self._found.setdefault(piece, token)
            elif kind == PieceKind.BYTE:
                self._bytes[int(piece[3:5], 16)] = token

    def encode(self, text: str, *, at_start: bool = True) -> list[int]:
        """Tokens of a text, without BOS; ``at_start`` says that nothing comes before it."""
        return [token for token, _ in self.encode_with_starts(text, at_start=at_start)]

    def encode_with_starts(self, text: str, *, at_start: bool = True) -> list[tuple[int, int]]:
        """The same, each token with the index of the code point where it begins.

        Begins with one symbol per code point and merges the pair of the highest score, the leftmost of
        equals, until no pair is a piece (Sennrich et al. 2016, arXiv:1508.07909). An unused piece is then split
        again, into what it was last thought to be made of (sentencepiece, ``bpe_model.cc``).
        """
        if self._byte_level:
            return self._byte_level.encode_with_starts(text)
        characters = [(_utf8(c), start) for c, start in self._spaced(text, at_start)]
        symbols: list[bytes] = []
        starts: list[list[int]] = []  # of each symbol's code points
        whole: set[int] = set()  # where those begin that merge with nothing
        for part, is_user_defined in self._user_defined.parts([c for c, _ in characters]):
            taken = [start for _, start in characters[part]]
            if is_user_defined:
                whole.add(len(symbols))
                symbols.append(b"".join(c for c, _ in characters[part]))
                starts.append(taken)
            else:
                symbols += [c for c, _ in characters[part]]
                starts += [[start] for start in taken]
        if not symbols:
            return []
        return self._tokens(self._merged(symbols, starts, whole))

    def _merged(
        self, symbols: list[bytes], starts: list[list[int]], whole: set[int]
    ) -> list[tuple[bytes, int]]:
        """Merge symbols, but for those at the indexes ``whole``."""
        mergeable = [i not in whole for i in range(len(symbols))]
        impossible = float("-inf")
        halves: dict[bytes, tuple[bytes, bytes]] = {}  # of unused pieces

        def score(i: int) -> float:
            if not (0 <= i < len(symbols) - 1 and mergeable[i] and mergeable[i + 1]):
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
            starts[i : i + 2] = [starts[i] + starts[i + 1]]
            del scores[i], mergeable[i]
            for changed in (i - 1, i):
                if changed >= 0:
                    scores[changed] = score(changed)
        return self._split_unused(list(zip(symbols, starts, strict=True)), halves)

    def _split_unused(
        self, symbols: list[tuple[bytes, list[int]]], halves: dict[bytes, tuple[bytes, bytes]]
    ) -> list[tuple[bytes, int]]:
        waiting, used = symbols[::-1], []
        while waiting:
            symbol, starts = waiting.pop()
            token = self._found.get(symbol)
            unused = token is not None and self.vocabulary.kinds[token] == PieceKind.UNUSED
            if unused and symbol in halves:
                left, right = halves[symbol]
                length = len(left.decode())
                waiting += [(right, starts[length:]), (left, starts[:length])]
            else:
                used.append((symbol, starts[0]))
        return used

    def _spaced(self, text: str, at_start: bool) -> list[tuple[str, int]]:
        """Characters and their indexes, with the vocabulary's idea of spaces; U+2581 is one."""
        characters = [(" " if c == "\u2581" else c, i) for i, c in enumerate(text)]
        if self.vocabulary.remove_extra_whitespaces:
            before = [" " if at_start else ""] + [character for character, _ in characters]
            characters = [
                (character, i)
                for character, i in characters
                if character != " " or before[i] != " "
            ]
            if characters and characters[-1][0] == " ":
                del characters[-1]
        prefix = characters and at_start and self.vocabulary.add_dummy_prefix
        if prefix and self.vocabulary.prefix_unless_space:
            prefix = characters[0][0] != " "
        return [(" ", 0), *characters] if prefix else characters

    def _tokens(self, symbols: list[tuple[bytes, int]]) -> list[tuple[int, int]]:
        tokens: list[tuple[int, int]] = []
        unknown = self.vocabulary.unk
        for symbol, start in symbols:
            token = self._user_defined.tokens.get(symbol, self._found.get(symbol))
            for found in (
                [token] if token is not None else [self._bytes.get(byte) for byte in symbol]
            ):
                if found is None:
                    if unknown is None or (tokens and tokens[-1][0] == unknown):
                        continue
                    found = unknown
                tokens.append((found, start))
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
