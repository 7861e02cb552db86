"""Runs a font's shaper on a text outside HarfBuzz, and reads its trace: tokens, what each was chosen among.

A host of five functions in Python, for `fontgen tokens` and the tests: the text goes in as HarfBuzz would hand it over,
and what would be shaped by OpenType comes out. Nothing here shapes or knows glyphs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from fontgen.errors import FontgenError
from fontgen.font.sealed import struct_of
from fontgen.llama.trace import (
    CHOICE_FIELDS,
    CHOICES_FIELDS,
    MOST_CHOICES,
    TRACED_TOKEN_FIELDS,
    Choices,
    TokenKind,
    TracedToken,
)
from fontgen.llama.wasm_engine import ShaperModule

Features = Mapping[str, Sequence[tuple[int, int, int]]]
_EXPORTS = (
    "shape", "shape_finished", "traced_token_count", "traced_tokens", "traced_choices", "traced_rejections",
    "token_bytes", "token_name",
)  # fmt: skip
_GLYPH_INFO = struct.Struct("<5I")
_GLYPH_POSITION = struct.Struct("<5i")
_FEATURE = struct.Struct("<4I")
_CONTENTS = struct.Struct("<3I")
_BLOB = struct.Struct("<2I")
_LONGEST_PIECE = 255
_NONE = 0xFFFFFFFF


class TracingShaper:
    """A font's shaper, to be asked what it did.

    module: bytes of the font's ``Wasm`` table. tables: its other tables, by tag.

    Raises:
        FontgenError: the module is no shaper of ours, or of a version that tells nothing.
    """

    def __init__(self, module: bytes, tables: Mapping[str, bytes]):
        self._tables = tables
        self._buffer: list[tuple[int, int]] = []  # code points and clusters
        self._module = ShaperModule(
            module,
            _EXPORTS,
            {
                "font_get_face": lambda font: font,
                "face_copy_table": self._copy_table,
                "buffer_copy_contents": self._copy_contents,
                "buffer_set_contents": self._set_contents,
                "shape_with": lambda *arguments: 1,
                "debugprint": lambda line: None,
            },
        )

    def shape(
        self, text: str, features: Features | None = None, *, settle: bool = True
    ) -> list[tuple[str, int]]:
        """Shape a text; returns its visible characters with their clusters, as OpenType would get them.

        settle: shape again until everything is shown.
        """
        calls = 0
        while True:
            self._shape(text, features or {})
            calls += 1
            if not settle or self.finished:
                return [(chr(codepoint), cluster) for codepoint, cluster in self._buffer]
            if calls > len(text) * 1000:
                raise FontgenError("the shaper never finishes this text")

    @property
    def finished(self) -> bool:
        """Whether the latest call showed all there is to show."""
        return bool(self._module.call("shape_finished"))

    def tokens(self) -> list[TracedToken]:
        """The tokens of the latest text, BOS first; none when it had no run of marks."""
        layout = struct_of(TRACED_TOKEN_FIELDS)
        count = self._module.call("traced_token_count")
        data = self._module.read(self._module.call("traced_tokens"), count * layout.size)
        return [
            TracedToken(token, TokenKind(kind), *rest)
            for token, kind, *rest in layout.iter_unpack(data)
        ]

    def choices(self, index: int, most: int = MOST_CHOICES) -> Choices | None:
        """What one of `tokens` was chosen among; None for the first, or when its context has fallen out."""
        start = self._module.call("traced_choices", index, most)
        if not start:
            return None
        header, choice = struct_of(CHOICES_FIELDS), struct_of(CHOICE_FIELDS)
        n, kept, rank, probability = header.unpack(self._module.read(start, header.size))
        data = self._module.read(start + header.size, n * choice.size)
        return Choices(kept, rank, probability, tuple(choice.iter_unpack(data)))

    def rejections(self, index: int, wanted: int) -> int | None:
        """How many question marks show ``wanted`` in a token's place; None: so many do not count."""
        count = self._module.call("traced_rejections", index, wanted)
        return None if count == _NONE else count

    def token_bytes(self, token: int) -> bytes:
        """What a token stands for; nothing for special ones."""
        return self._piece("token_bytes", token)

    def token_name(self, token: int) -> bytes:
        """What the vocabulary calls a token."""
        return self._piece("token_name", token)

    def _piece(self, export: str, token: int) -> bytes:
        target = self._module.put(bytes(_LONGEST_PIECE))
        data = self._module.read(target, self._module.call(export, token, target))
        self._module.call("free", target)
        return data

    def _shape(self, text: str, features: Features) -> None:
        self._buffer = [(ord(character), cluster) for cluster, character in enumerate(text)]
        packed = [
            _FEATURE.pack(int.from_bytes(tag.encode(), "big"), value, start, end)
            for tag, values in features.items()
            for start, end, value in values
        ]
        array = self._module.put(b"".join(packed)) if packed else 0
        self._module.call("shape", 0, 1, 1, array, len(packed))
        if array:
            self._module.call("free", array)

    def _copy_table(self, face: int, tag: int, blob: int) -> int:
        data = self._tables.get((tag & 0xFFFFFFFF).to_bytes(4, "big").decode("latin-1"), b"")
        if not data:
            return 0
        self._module.write(blob, _BLOB.pack(len(data), self._module.put(data)))
        return 1

    def _copy_contents(self, buffer: int, contents: int) -> int:
        infos = b"".join(
            _GLYPH_INFO.pack(codepoint, 0, cluster, 0, 0) for codepoint, cluster in self._buffer
        )
        positions = bytes(_GLYPH_POSITION.size * len(self._buffer))
        room, info, pos = _CONTENTS.unpack(self._module.read(contents, _CONTENTS.size))
        if room < len(self._buffer):
            info, pos = self._module.put(infos), self._module.put(positions)
            self._module.write(contents, _CONTENTS.pack(len(self._buffer), info, pos))
        else:
            self._module.write(info, infos)
            self._module.write(pos, positions)
        return 1

    def _set_contents(self, buffer: int, contents: int) -> int:
        length, info, _ = _CONTENTS.unpack(self._module.read(contents, _CONTENTS.size))
        infos = np.frombuffer(self._module.read(info, length * _GLYPH_INFO.size), "<u4").reshape(
            -1, 5
        )
        self._buffer = [(int(row[0]), int(row[2])) for row in infos]
        return 1
