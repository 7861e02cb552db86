"""Unicode's classes of characters, as the expressions of byte-level tokenizers ask for them.

From the Unicode Character Database that Python carries, whose version differs between versions of Python; what a
font was built with stands in the font.
"""

from __future__ import annotations

import functools
import sys
import unicodedata

import numpy as np

from fontgen.llama.model import CharacterClass

_WHITE_SPACE_CONTROLS = "\t\n\v\f\r\x85"
"""Of category Cc, and yet White_Space (UAX 44, PropList.txt); all others are of the categories Zs, Zl and Zp."""


@functools.cache
def character_classes() -> np.ndarray:
    """uint32 (n,), ascending: ``first << 2 | class``, for the code points from ``first`` up to the next entry's."""
    major = "".join(
        unicodedata.category(chr(codepoint))[0] for codepoint in range(sys.maxunicode + 1)
    )
    letters = np.frombuffer(major.encode("ascii"), np.uint8)
    classes = np.full(len(letters), CharacterClass.OTHER, np.uint32)
    classes[letters == ord("L")] = CharacterClass.LETTER
    classes[letters == ord("N")] = CharacterClass.NUMBER
    classes[letters == ord("Z")] = CharacterClass.WHITE_SPACE
    classes[[ord(control) for control in _WHITE_SPACE_CONTROLS]] = CharacterClass.WHITE_SPACE
    first = np.flatnonzero(np.diff(classes, prepend=np.uint32(99)))
    entries = (first << 2 | classes[first]).astype(np.uint32)
    entries.flags.writeable = False
    return entries
