"""Shape text with a font in the Wasm-enabled HarfBuzz, and read back what a reader sees.

The document keeps the text that was typed. `ShapedText.visible` is the text that is seen: what the font's
program gave to OpenType, where it did, character by character. Of OpenType's own substitutions, and of a
program that makes glyphs by itself, only the glyphs tell: see `fontgen.text.characters`.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError
from fontgen.font.file import FontFile, read_font
from fontgen.font.tables import WASM_TAG
from fontgen.host import native
from fontgen.host.native.observer import Observer, Outcome
from fontgen.llama.marks import SHOWS_NOTHING
from fontgen.text.characters import GlyphCharacters
from fontgen.text.options import ShapeOptions, parse_variations

# Characters that HarfBuzz makes invisible: Default_Ignorable_Code_Point of the Unicode Character
# Database, as hb-unicode.hh lists it.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

_LEFT_TO_OPENTYPE = "left to OpenType: "
"""What a font's program says by ``debugprint()`` where it shows nothing of its own (``wasm/sdk/harfbuzz.h``)."""
_MOST_CALLS = 20_000
"""Calls that one text is shaped by: more than the positions of a long prompt, should each be a call of its own."""


class ShapeFailed(Exception):
    """HarfBuzz could not shape: the font's module trapped, ran out of time or did not load."""


@dataclass(frozen=True)
class Glyph:
    """A shaped glyph. ``cluster`` indexes the typed text's code points; lengths are font units."""

    name: str
    id: int
    cluster: int
    x_advance: int
    y_advance: int
    x_offset: int
    y_offset: int
    text: str
    """The characters that the glyph shows; empty when it shows none."""


@dataclass(frozen=True)
class ShapedText:
    """What HarfBuzz made of a text; ``glyphs`` in visual order."""

    text: str
    visible: str
    direction: str
    script: str | None
    language: str | None
    shaper: str
    """``wasm`` or ``ot``, whichever did the work."""
    reason: str
    """Why OpenType did it where the font's program was asked to; else empty."""
    finished: bool
    """Whether the font's program has no more to show: see ``settle`` of `ShapingFont.shape`."""
    units_per_em: int
    glyphs: list[Glyph]

    @property
    def backward(self) -> bool:
        """Whether the first glyph shows the end of the text."""
        return self.direction in ("rtl", "btt")

    def logical_glyphs(self) -> list[Glyph]:
        """The glyphs in the order of the text."""
        return self.glyphs[::-1] if self.backward else self.glyphs

    def as_dict(self) -> dict[str, Any]:
        """The content of ``fontgen shape --json``."""
        return asdict(self)


class ShapingFont:
    """A font open for shaping and drawing.

    Args:
        uharfbuzz: the module to shape with, that of `fontgen.host.native.load`.
        data: the font file, plain or a collection.
        path: named in errors.
        variations: axis values of a variable font.
        index: which font of a collection.
    """

    def __init__(
        self,
        uharfbuzz: Any,
        data: bytes,
        path: Path | str = "font",
        variations: dict[str, float] | None = None,
        index: int = 0,
    ):
        self.uharfbuzz = uharfbuzz
        self.path = path
        self.data = data
        self.index = index
        self.face = uharfbuzz.Face(uharfbuzz.Blob(data), index)
        if not self.face.glyph_count or not _table_tags(data, index):
            raise FontgenError("is not a font", path=path)
        self.font = uharfbuzz.Font(self.face)
        if variations:
            axes = {axis.tag for axis in self.face.axis_infos}
            for tag in variations:
                if tag not in axes:
                    known = ", ".join(sorted(axes)) or "none, it is not variable"
                    raise FontgenError(f"has no variation axis {tag!r}; it has {known}", path=path)
            self.font.set_variations(variations)

    @classmethod
    def open(cls, path: Path, variations: str = "") -> ShapingFont:
        """Open a font file, or a member of a collection, in the Wasm-enabled HarfBuzz.

        Raises:
            FontgenError: the file cannot be read or is not a font, or the host is not there.
        """
        file = read_font(path)
        harfbuzz = _harfbuzz_for(file)
        return cls(harfbuzz, file.data, path, parse_variations(variations), file.index)

    @property
    def has_wasm(self) -> bool:
        """Whether the font brings a shaper of its own."""
        return bool(self._program)

    @property
    def units_per_em(self) -> int:
        return self.face.upem

    @cached_property
    def characters(self) -> GlyphCharacters:
        return GlyphCharacters(self.font, self.data, self.index)

    def shape(
        self, text: str, options: ShapeOptions | None = None, *, settle: bool = True
    ) -> ShapedText:
        """Shape a text, or a part of it.

        Args:
            settle: one call of the font's program computes only so much, and may show an ellipsis for the
                rest; shape again until it says that it is done, as a program does that redraws its text.

        Raises:
            ShapeFailed: HarfBuzz did not shape it.
            FontgenError: a script, direction or language that is none.
        """
        options = options or ShapeOptions()
        shaper = options.shaper or ("wasm" if self.has_wasm else "ot")
        if shaper != "wasm" or not self.has_wasm:
            buffer = self._shape(text, options, [shaper])
            return self._shaped_text(text, options, buffer, Outcome(shaper, "", "", None, ()))
        buffer, outcome = self._shape_observed(text, options)
        calls = 1
        while settle and not outcome.finished and calls < _MOST_CALLS:
            buffer, outcome = self._shape_observed(text, options)
            calls += 1
        return self._shaped_text(text, options, buffer, outcome)

    def _shape_observed(self, text: str, options: ShapeOptions) -> tuple[Any, Outcome]:
        with self._observer as observer:
            # As programs do, which go on with OpenType where a table does not load.
            shapers = ["wasm"] if options.shaper else ["wasm", "ot"]
            buffer = self._shape(text, options, shapers)
        outcome = observer.outcome(self._program)
        if not buffer.glyph_infos:  # HarfBuzz asks nobody to shape an empty text
            outcome = replace(outcome, shaper="wasm", reason="")
        start, end = options.part or (0, len(text))
        if outcome.message.startswith(_LEFT_TO_OPENTYPE) and outcome.shown == text[start:end]:
            reason = outcome.message.removeprefix(_LEFT_TO_OPENTYPE)
            outcome = replace(outcome, shaper="ot", reason=reason)
        return buffer, outcome

    @cached_property
    def _observer(self) -> Observer:
        return Observer()

    @cached_property
    def _program(self) -> bytes:
        return bytes(self.face.reference_table(WASM_TAG).data)

    def _shape(self, text: str, options: ShapeOptions, shapers: list[str]) -> Any:
        """A `uharfbuzz.Buffer` of the text, shaped once."""
        buffer = self.uharfbuzz.Buffer()
        start, end = options.part or (0, len(text))
        buffer.add_str(text, item_offset=start, item_length=end - start)
        try:
            if options.direction:
                buffer.direction = options.direction
            if options.script:
                buffer.script = options.script
            if options.language:
                buffer.language = options.language
        except ValueError as error:
            raise FontgenError(str(error)) from error
        buffer.guess_segment_properties()
        try:
            self.uharfbuzz.shape(self.font, buffer, options.features, shapers=shapers)
        except RuntimeError as error:
            raise ShapeFailed(
                f"{self.path}: the shaper {shapers[0]!r} failed to shape this text"
            ) from error
        return buffer

    def _shaped_text(
        self, text: str, options: ShapeOptions, buffer: Any, outcome: Outcome
    ) -> ShapedText:
        glyphs = [
            self._glyph(info, position, text, buffer.direction)
            for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True)
        ]
        shaped = ShapedText(
            text=text,
            visible="",
            direction=buffer.direction,
            script=buffer.script,
            language=buffer.language,
            shaper=outcome.shaper,
            reason=outcome.reason,
            finished=outcome.finished,
            units_per_em=self.units_per_em,
            glyphs=glyphs,
        )
        shown = _shown_text(outcome, text)
        if shown is None:
            end = options.part[1] if options.part else len(text)
            shown = "".join(self._visible_clusters(shaped, end))
        return replace(shaped, visible=shown)

    def _glyph(self, info: Any, position: Any, text: str, direction: str) -> Glyph:
        glyph = info.codepoint
        invisible = glyph == self.characters.space and not (
            position.x_advance or position.y_advance
        )
        typed = text[info.cluster : info.cluster + 1]
        return Glyph(
            name=self._name_of(glyph),
            id=glyph,
            cluster=info.cluster,
            x_advance=position.x_advance,
            y_advance=position.y_advance,
            x_offset=position.x_offset,
            y_offset=position.y_offset,
            text="" if invisible else self.characters.of(glyph, typed, direction),
        )

    def _name_of(self, glyph: int) -> str:
        try:
            return str(self.font.glyph_to_string(glyph))
        except UnicodeDecodeError:  # a damaged `post`, whose names are ASCII by the specification
            return f"gid{glyph}"

    def _visible_clusters(self, shaped: ShapedText, end: int) -> Iterator[str]:
        clusters = [
            (cluster, list(glyphs))
            for cluster, glyphs in groupby(shaped.logical_glyphs(), lambda glyph: glyph.cluster)
        ]
        ends = [cluster for cluster, _ in clusters[1:]] + [end] * bool(clusters)
        for (start, glyphs), end in zip(clusters, ends, strict=True):
            typed = _IGNORABLE.sub("", shaped.text[start:end])
            shown = "".join(self._settled(shaped, glyphs, typed))
            # Scripts that reorder their letters, and marks that fonts compose or take apart, show
            # the typed characters in another order or form: what was typed is what is seen.
            yield typed if _same_characters(shown, typed) else unicodedata.normalize("NFC", shown)

    def _settled(self, shaped: ShapedText, glyphs: list[Glyph], typed: str) -> Iterator[str]:
        """The glyphs' characters; where a glyph has several, those that were typed here."""
        forms = f"{typed}\0{unicodedata.normalize('NFC', typed)}"
        for glyph in glyphs:
            yield glyph.text and self.characters.of(glyph.id, forms, shaped.direction)


def _shown_text(outcome: native.Outcome, typed: str) -> str | None:
    """What the font's program gave to OpenType; None where it shaped by itself, or not at all."""
    if outcome.shown is None:
        return None
    return "".join(
        character
        for character, cluster in zip(outcome.shown, outcome.clusters, strict=True)
        # It stands for a typed character that shows nothing, unless it was typed itself.
        if character != SHOWS_NOTHING or typed[cluster : cluster + 1] == SHOWS_NOTHING
    )


def _harfbuzz_for(file: FontFile) -> Any:
    """The host; for a font that brings no shaper of its own any uharfbuzz will do where the host is not built."""
    if WASM_TAG.encode() not in _table_tags(file.data, file.index) and native.find() is None:
        return importlib.import_module("uharfbuzz")
    return native.load()


def _table_tags(data: bytes, index: int) -> set[bytes]:
    """Tags in the table directory of a font file, or of a member of a collection."""
    start = 0
    if data.startswith(b"ttcf"):
        start = int.from_bytes(data[12 + 4 * index : 16 + 4 * index], "big")
    count = int.from_bytes(data[start + 4 : start + 6], "big")
    places = range(start + 12, min(start + 12 + 16 * count, len(data)), 16)
    return {data[place : place + 4] for place in places}


def format_table(shaped: ShapedText) -> str:
    """Typed text, visible text and a line for each glyph, for people."""
    reason = f" ({shaped.reason})" if shaped.reason else ""
    lines = [
        f"typed    {_in_one_line(shaped.text)}",
        f"visible  {_in_one_line(shaped.visible)}",
        f"shaper   {shaped.shaper}{reason}, {shaped.direction}, script {shaped.script}, "
        f"{shaped.units_per_em} units per em",
        "",
    ]
    width = max([len(glyph.name) for glyph in shaped.glyphs] + [5])
    lines.append(f"{'glyph':<{width}}  cluster  advance  offset     text")
    for glyph in shaped.glyphs:
        advance = glyph.x_advance or glyph.y_advance
        offset = f"{glyph.x_offset},{glyph.y_offset}"
        line = f"{glyph.name:<{width}}  {glyph.cluster:>7}  {advance:>7}  {offset:<9}  {_in_one_line(glyph.text)}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _in_one_line(text: str) -> str:
    """With line feeds and the like as Python's escapes."""
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) == "Cc" else c for c in text
    )


def _same_characters(shown: str, typed: str) -> bool:
    return Counter(unicodedata.normalize("NFD", shown)) == Counter(
        unicodedata.normalize("NFD", typed)
    )
