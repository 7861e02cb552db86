"""The random numbers of the picture fonts, as ``wasm/sdk/random.h`` makes them: the same everywhere."""

from __future__ import annotations

HASH_OF_NOTHING = 0xCBF29CE484222325
"""FNV-1a's offset basis."""
_WORD = (1 << 64) - 1


def hash_text(text: str, start: int = HASH_OF_NOTHING) -> int:
    """64-bit FNV-1a of a text, a code point at a time where the original takes bytes.

    >>> hash_text("") == HASH_OF_NOTHING
    True
    """
    value = start
    for character in text:
        value = (value ^ ord(character)) * 0x100000001B3 & _WORD
    return value


class Random:
    """A 64-bit linear congruential generator: Knuth's MMIX (The Art of Computer Programming 2, 3.3.4)."""

    def __init__(self, seed: int):
        self.state = seed & _WORD

    def below(self, n: int) -> int:
        """A number from 0 to ``n - 1``, scaled from the 31 highest bits."""
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & _WORD
        return (self.state >> 33) * n >> 31
