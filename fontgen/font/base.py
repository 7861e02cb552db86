"""Open the base font: any TrueType or CFF OpenType font, or a member of a collection.

A base font is untrusted input. Whatever is wrong with it comes out as one `FontgenError` that names
the file; what HarfBuzz would ignore is not looked at. `open_base` gives back a font of which no table has
been decompiled, so that saving it copies every table that nobody touches byte for byte.
"""

from __future__ import annotations

import importlib.resources
import io
import os
from pathlib import Path

from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError, naming
from fontgen.font.coverage import Coverage
from fontgen.font.file import FontFile, read_font

DEFAULT_BASE_PACKAGE = "font_roboto"
DEFAULT_BASE_FILE = "Roboto-Regular.ttf"

_NEEDED = ("head", "maxp", "hhea", "hmtx")
_READ = ("head", "name")
"""Tables that fontgen changes."""


def default_base_path() -> Path:
    """Roboto Regular (Apache-2.0) of the PyPI package ``font-roboto``.

    Raises:
        FontgenError: the package is not installed, or does not hold the font.
    """
    try:
        package = importlib.resources.files(DEFAULT_BASE_PACKAGE)
    except ModuleNotFoundError:
        raise FontgenError(
            "the default base font comes with the package font-roboto, which is not installed: "
            "pip install font-roboto, or name a font with --base"
        ) from None
    path = Path(str(package.joinpath("files", DEFAULT_BASE_FILE)))
    if not path.is_file():
        raise FontgenError("the package font-roboto does not hold this font", path=path)
    return path


def open_base(spec: str | os.PathLike[str] | None = None, index: int | None = None) -> TTFont:
    """Open and check a base font.

    Args:
        spec: path of a font file, or ``FILE.ttc#INDEX`` for a member of a collection; None is the
            default base font.
        index: member of a collection, when ``spec`` does not say.

    Returns:
        A lazy `TTFont` with no table loaded, which recomputes nothing when saved, and without a
        flavour (a WOFF base becomes a plain font).

    Raises:
        FontgenError: the file cannot be read, is not a font, lacks a table that every font needs or
            has no ``cmap`` that HarfBuzz could use.
    """
    file = read_base(spec, index)
    with naming(file.path):
        try:
            font = _open(file)
        except Exception as error:  # fontTools raises whatever the bytes lead it to
            raise FontgenError(f"is not a font: {_first_line(error)}") from error
        coverage = Coverage(file)
        _keep_what_harfbuzz_finds(font, coverage)
        _check(font, coverage)
        font = _open(file)
        _keep_what_harfbuzz_finds(font, coverage)
        return font


def read_base(spec: str | os.PathLike[str] | None = None, index: int | None = None) -> FontFile:
    """The file of a base font, unchecked; arguments as for `open_base`."""
    return read_font(default_base_path() if spec is None else spec, index)


def _open(file: FontFile) -> TTFont:
    font = TTFont(
        io.BytesIO(file.data),
        fontNumber=file.index if file.is_collection else -1,
        lazy=True,
        recalcBBoxes=False,
        recalcTimestamp=False,
    )
    # fontTools's own packer: what HarfBuzz's gives depends on its version.
    font.cfg["fontTools.ttLib.tables.otBase:USE_HARFBUZZ_REPACKER"] = False
    return font


def _keep_what_harfbuzz_finds(font: TTFont, coverage: Coverage) -> None:
    """Where a damaged directory is out of order, HarfBuzz's view of it goes on to hold."""
    for tag in [tag for tag in font.keys() if tag != "GlyphOrder"]:
        try:
            listed = font.reader[tag]
        except Exception:  # `_check` names it
            continue
        found = (
            coverage.table(str(tag)) if tag.isascii() else listed
        )  # of which HarfBuzz knows none
        if listed and not found:
            del font[tag]
        elif listed != found:
            raise FontgenError(f"has two tables {tag}")


def _check(font: TTFont, coverage: Coverage) -> None:
    for tag in _NEEDED:
        if tag not in font:
            raise FontgenError(f"is not a usable font: it has no {tag} table")
    if "cmap" not in font:
        raise FontgenError("has no cmap table, so no text can be set in it")
    for tag in ("Wasm", "Llam"):
        if tag in font:
            raise FontgenError(
                f"already has a {tag} table: choose a base font without a shaper of its own"
            )
    for tag in font.keys():
        if tag == "GlyphOrder":
            continue
        try:
            font.getTableData(tag)
        except Exception as error:
            raise FontgenError(f"table {tag} cannot be read: {_first_line(error)}") from error
    for tag in _READ:
        try:
            if tag in font:
                font[tag]
        except Exception as error:
            raise FontgenError(f"table {tag} is damaged: {_first_line(error)}") from error
    if not coverage:
        raise FontgenError("has no cmap that HarfBuzz could use, so no text can be set in it")
    if not 16 <= font["head"].unitsPerEm <= 16384:
        raise FontgenError(f"unitsPerEm is {font['head'].unitsPerEm}")


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
