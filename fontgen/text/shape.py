"""Shape text with a font in the Wasm-enabled HarfBuzz, and read back what a reader sees.

The document keeps the text that was typed; only the glyphs say what is visible.
`ShapedText.visible` is that text, recovered from the glyphs alone: through the reversed ``cmap``,
and through GSUB substitutions undone for ligatures, alternates and other glyphs without a character
of their own.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from fontTools.unicodedata import mirrored

from fontgen.errors import FontgenError
from fontgen.llama.marks import MORE

MISSING = "\N{REPLACEMENT CHARACTER}"
"""Stands in visible text for ``.notdef``."""

_FEATURE = re.compile(
    r"""(?P<sign>[+-]?) \s* (?P<quote>['"]?)(?P<tag>[ -~]{4})(?P=quote) \s*
        (?: \[ \s* (?P<start>\d*) \s* (?P<colon>[:;]?) \s* (?P<end>\d*) \s* \] )? \s*
        (?: =? \s* (?P<value>\d+ | on | off) )?""",
    re.VERBOSE,
)
_VARIATION = re.compile(r"(?P<tag>[ -~]{4})\s*=\s*(?P<value>[+-]?\d+(?:\.\d*)?)")
_TO_THE_END = 0xFFFFFFFF

# Characters that HarfBuzz makes invisible: Default_Ignorable_Code_Point of the Unicode Character
# Database, as hb-unicode.hh lists it.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

# Blocks of letters in a fixed shape: Alphabetic and Arabic Presentation Forms.
_PRESENTATION_FORM = re.compile("[\ufb00-\ufdff\ufe70-\ufefc]")
_MOST_TEXTS = 16
_MOST_UNCHANGED = 100
"""Calls that show the same ellipsis, for reading a long prompt, before it must have been typed or generated."""

Features = dict[str, list[tuple[int, int, int]]]


class ShapeFailed(Exception):
    """HarfBuzz could not shape: the font's module trapped, ran out of time or did not load."""


@dataclass(frozen=True)
class ShapeOptions:
    """What the caller of HarfBuzz asks for. None leaves HarfBuzz to guess, as applications do."""

    features: Features = field(default_factory=dict)
    direction: str | None = None
    script: str | None = None
    language: str | None = None
    shaper: str | None = None
    """``wasm``, ``ot``, or None: the font's own shaper if it has one."""
    part: tuple[int, int] | None = None
    """Shape only what stands from the first to before the second index, as programs do that wrap a
    paragraph into lines; clusters still count from the beginning of the text."""


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
        data: the font file.
        path: named in errors.
        variations: axis values of a variable font.
    """

    def __init__(
        self,
        uharfbuzz: Any,
        data: bytes,
        path: Path | str = "font",
        variations: dict[str, float] | None = None,
    ):
        self.uharfbuzz = uharfbuzz
        self.path = path
        self.data = data
        self.face = uharfbuzz.Face(uharfbuzz.Blob(data))
        if not self.face.glyph_count or not self.face.table_tags:
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
        """Open a font file in the Wasm-enabled HarfBuzz.

        Raises:
            FontgenError: the file cannot be read or is not a font, or the host is not there.
        """
        from fontgen.host import native as host

        try:
            data = path.read_bytes()
        except OSError as error:
            raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
        return cls(host.load(), data, path, parse_variations(variations))

    @property
    def has_wasm(self) -> bool:
        """Whether the font brings a shaper of its own."""
        return "Wasm" in self.face.table_tags

    @property
    def units_per_em(self) -> int:
        return self.face.upem

    @cached_property
    def characters(self) -> GlyphCharacters:
        return GlyphCharacters(self.font, self.data)

    def shape(
        self, text: str, options: ShapeOptions | None = None, *, settle: bool = True
    ) -> ShapedText:
        """Shape a text, or a part of it.

        Args:
            settle: one call of the font's shaper computes only so much, and shows an ellipsis for the
                rest; shape again until nothing changes, as a program does that redraws its text.

        Raises:
            ShapeFailed: HarfBuzz did not shape it.
            FontgenError: a script, direction or language that is none.
        """
        options = options or ShapeOptions()
        shaper = options.shaper or ("wasm" if self.has_wasm else "ot")
        buffer = self._shape(text, options, shaper)
        unchanged = 0
        while settle and shaper == "wasm" and MORE in text and unchanged < _MOST_UNCHANGED:
            glyphs = [info.codepoint for info in buffer.glyph_infos]
            if self.characters.ellipsis not in glyphs:
                break
            buffer = self._shape(text, options, shaper)
            same = [info.codepoint for info in buffer.glyph_infos] == glyphs
            unchanged = unchanged + 1 if same else 0
        end = options.part[1] if options.part else len(text)
        return self._shaped_text(text, end, shaper, buffer)

    def _shape(self, text: str, options: ShapeOptions, shaper: str) -> Any:
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
            self.uharfbuzz.shape(self.font, buffer, options.features, shapers=[shaper])
        except RuntimeError as error:
            raise ShapeFailed(
                f"{self.path}: the shaper {shaper!r} failed to shape this text"
            ) from error
        return buffer

    def _shaped_text(self, text: str, end: int, shaper: str, buffer: Any) -> ShapedText:
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
            shaper=shaper,
            units_per_em=self.units_per_em,
            glyphs=glyphs,
        )
        visible = "".join(self._visible_clusters(shaped, end))
        return ShapedText(**{**vars(shaped), "visible": visible})

    def _glyph(self, info: Any, position: Any, text: str, direction: str) -> Glyph:
        glyph = info.codepoint
        invisible = glyph == self.characters.space and not (
            position.x_advance or position.y_advance
        )
        typed = text[info.cluster : info.cluster + 1]
        return Glyph(
            name=self.font.glyph_to_string(glyph),
            id=glyph,
            cluster=info.cluster,
            x_advance=position.x_advance,
            y_advance=position.y_advance,
            x_offset=position.x_offset,
            y_offset=position.y_offset,
            text="" if invisible else self.characters.of(glyph, typed, direction),
        )

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


class GlyphCharacters:
    """Characters that each glyph of a font shows.

    Args:
        font: `uharfbuzz.Font`.
        data: the font file, for its GSUB table.
    """

    def __init__(self, font: Any, data: bytes):
        self.space: int | None = font.get_nominal_glyph(0x20)
        self.ellipsis: int | None = font.get_nominal_glyph(0x2026)
        self._texts: dict[int, list[str]] = {}
        for character in map(chr, sorted(font.face.unicodes)):
            glyph = font.get_nominal_glyph(ord(character))
            if glyph:
                texts = self._texts.setdefault(glyph, [])
                # A ligature that is encoded too more likely stands for its letters.
                if _PRESENTATION_FORM.match(character):
                    texts.append(unicodedata.normalize("NFKC", character))
                texts.append(character)
        try:
            substitutions = list(_substitutions(data))
        except Exception:  # HarfBuzz ignores a broken GSUB, and so do we
            substitutions = []
        self._undo(substitutions)

    def of(self, glyph: int, typed: str = "", direction: str = "ltr") -> str:
        """The characters of a glyph; of several possibilities one that occurs in ``typed``.

        HarfBuzz shows brackets and the like mirrored in right-to-left text; that is undone.
        """
        if not glyph:
            return MISSING
        if glyph == self.space:
            return next((c for c in typed if unicodedata.category(c) == "Zs"), " ")
        texts = self._texts.get(glyph)
        if texts is None:
            return MISSING
        if direction == "rtl":
            unmirrored = (mirrored(ord(text)) for text in texts if len(text) == 1)
            texts = [chr(character) for character in unmirrored if character] + texts
        return next((text for text in texts if text in typed), texts[0])

    def _undo(self, substitutions: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
        """Give the outputs of substitutions the characters of their inputs, through any chain."""
        # Each round goes one substitution further; what is known already comes first.
        changed = set(self._texts)
        while changed:
            found: dict[int, list[str]] = {}
            for inputs, outputs in substitutions:
                if changed.isdisjoint(inputs) or not all(glyph in self._texts for glyph in inputs):
                    continue
                if len(inputs) == 1:
                    texts = self._texts[inputs[0]]
                else:
                    texts = ["".join(self._texts[glyph][0] for glyph in inputs)]
                if len(outputs) == 1:
                    found.setdefault(outputs[0], []).extend(texts)
                elif not any(glyph in self._texts for glyph in outputs):
                    # One glyph became several without characters of their own: the first shows it.
                    found.setdefault(outputs[0], []).extend(texts)
                    for glyph in outputs[1:]:
                        found.setdefault(glyph, []).append("")
            changed = set()
            for glyph, texts in found.items():
                before = self._texts.get(glyph, [])
                after = list(dict.fromkeys(before + texts))[:_MOST_TEXTS]
                if after != before:
                    self._texts[glyph] = after
                    changed.add(glyph)


def parse_features(text: str) -> Features:
    """Parse a list of OpenType features as HarfBuzz's tools write them.

    >>> parse_features("kern=0,-liga,ss01[2:5]")
    {'kern': [(0, 4294967295, 0)], 'liga': [(0, 4294967295, 0)], 'ss01': [(2, 5, 1)]}

    Raises:
        FontgenError: an entry is not a feature.
    """
    features: Features = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _FEATURE.fullmatch(entry)
        if match is None or (match["sign"] and match["value"]):
            raise FontgenError(f"{entry!r} is not a feature, such as kern=0, -liga or ss01[2:5]")
        start = int(match["start"] or 0)
        if match["end"]:
            end = int(match["end"])
        else:
            end = start + 1 if match["start"] and not match["colon"] else _TO_THE_END
        named_values = {"on": 1, "off": 0, None: 0 if match["sign"] == "-" else 1}
        value = (
            named_values[match["value"]] if match["value"] in named_values else int(match["value"])
        )
        if max(start, end, value) > _TO_THE_END:
            raise FontgenError(f"{entry!r} holds a number beyond 32 bits")
        features.setdefault(match["tag"], []).append((start, end, value))
    return features


def parse_variations(text: str) -> dict[str, float]:
    """Parse axis values such as ``wght=700,wdth=87.5``; raises `FontgenError` for anything else."""
    variations = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        match = _VARIATION.fullmatch(entry)
        if match is None:
            raise FontgenError(f"{entry!r} is not an axis value, such as wght=700")
        variations[match["tag"]] = float(match["value"])
    return variations


def format_table(shaped: ShapedText) -> str:
    """Typed text, visible text and a line for each glyph, for people."""
    lines = [
        f"typed    {shaped.text}",
        f"visible  {shaped.visible}",
        f"shaper   {shaped.shaper}, {shaped.direction}, script {shaped.script}, "
        f"{shaped.units_per_em} units per em",
        "",
    ]
    width = max([len(glyph.name) for glyph in shaped.glyphs] + [5])
    lines.append(f"{'glyph':<{width}}  cluster  advance  offset     text")
    for glyph in shaped.glyphs:
        advance = glyph.x_advance or glyph.y_advance
        offset = f"{glyph.x_offset},{glyph.y_offset}"
        line = f"{glyph.name:<{width}}  {glyph.cluster:>7}  {advance:>7}  {offset:<9}  {glyph.text}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _same_characters(shown: str, typed: str) -> bool:
    return Counter(unicodedata.normalize("NFD", shown)) == Counter(
        unicodedata.normalize("NFD", typed)
    )


def _substitutions(data: bytes) -> Iterable[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(input glyphs, output glyphs) of every GSUB substitution that changes glyphs."""
    font = TTFont(io.BytesIO(data), lazy=True, fontNumber=0)
    if "GSUB" not in font or font["GSUB"].table.LookupList is None:
        return
    glyph_id = font.getGlyphID
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for subtable in lookup.SubTable:
            subtable = getattr(subtable, "ExtSubTable", subtable)
            kind = type(subtable).__name__
            if kind == "SingleSubst":
                for before, after in subtable.mapping.items():
                    yield (glyph_id(before),), (glyph_id(after),)
            elif kind == "MultipleSubst":
                for before, sequence in subtable.mapping.items():
                    if sequence:
                        yield (glyph_id(before),), tuple(map(glyph_id, sequence))
            elif kind == "AlternateSubst":
                for before, alternates in subtable.alternates.items():
                    for after in alternates:
                        yield (glyph_id(before),), (glyph_id(after),)
            elif kind == "LigatureSubst":
                for first, ligatures in subtable.ligatures.items():
                    for ligature in ligatures:
                        inputs = (first, *ligature.Component)
                        yield tuple(map(glyph_id, inputs)), (glyph_id(ligature.LigGlyph),)
            elif kind == "ReverseChainSingleSubst":
                for before, after in zip(
                    subtable.Coverage.glyphs, subtable.Substitute, strict=True
                ):
                    yield (glyph_id(before),), (glyph_id(after),)
