"""Open the base font: any TrueType or CFF OpenType font, or a member of a collection.

A base font is untrusted input. Whatever is wrong with it comes out as one `FontgenError` that names
the file. `open_base` gives back a font of which no table has been decompiled, so that saving it
copies every table that nobody touches byte for byte.
"""

from __future__ import annotations

import importlib.resources
import io
import os
import re
from pathlib import Path

from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError

DEFAULT_BASE_PACKAGE = "font_roboto"
DEFAULT_BASE_FILE = "Roboto-Regular.ttf"

_COLLECTION_MEMBER = re.compile(r"^(?P<path>.+)#(?P<index>\d+)$")


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


def split_member(spec: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Split ``FILE.ttc#1`` into the file and the member's index; a file really called so is itself.

    >>> split_member("Fonts.ttc#1")[1]
    1
    """
    text = os.fspath(spec)
    match = _COLLECTION_MEMBER.match(text)
    if match is None or os.path.exists(text):
        return Path(text), None
    return Path(match["path"]), int(match["index"])


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
            has no Unicode ``cmap``.
    """
    path, member = split_member(default_base_path() if spec is None else spec)
    if member is None:
        member = index
    elif index is not None and index != member:
        raise FontgenError(
            f"both member {member} and --base-index {index} are asked for", path=path
        )

    data = _read(path, member)
    try:
        font = _open(data, member)
        if font.flavor is not None:
            data = _unpacked(font)
            font = _open(data, member)
    except ImportError as error:
        raise FontgenError(
            "is a WOFF2 font, which needs one more package: pip install brotli", path=path
        ) from error
    except Exception as error:  # fontTools raises whatever the bytes lead it to
        raise FontgenError(f"is not a font: {_first_line(error)}", path=path) from error
    _check(font, path)
    return _open(data, member)


def characters(spec: str | os.PathLike[str] | None = None, index: int | None = None) -> set[int]:
    """Code points that a base font can show; arguments and errors as for `open_base`."""
    return set(open_base(spec, index).getBestCmap())


def _read(path: Path, member: int | None) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    is_collection = data.startswith(b"ttcf")
    if is_collection and member is None:
        raise FontgenError(
            f"is a font collection: choose a member, such as {path.name}#0", path=path
        )
    if member is not None and (member < 0 or (member > 0 and not is_collection)):
        kind = "a font collection" if is_collection else "a single font"
        raise FontgenError(f"is {kind}, which has no member {member}", path=path)
    return data


def _open(data: bytes, member: int | None) -> TTFont:
    return TTFont(
        io.BytesIO(data),
        fontNumber=member if data.startswith(b"ttcf") else -1,
        lazy=True,
        recalcBBoxes=False,
        recalcTimestamp=False,
    )


def _unpacked(font: TTFont) -> bytes:
    """A WOFF or WOFF2 font as the plain font that it was made of."""
    font.flavor = None
    stream = io.BytesIO()
    font.save(stream, reorderTables=None)
    return stream.getvalue()


def _check(font: TTFont, path: Path) -> None:
    for tag in ("head", "maxp", "hhea", "hmtx"):
        if tag not in font:
            raise FontgenError(f"is not a usable font: it has no {tag} table", path=path)
    if "cmap" not in font:
        raise FontgenError("has no cmap table, so no text can be set in it", path=path)
    for tag in ("Wasm", "Llam"):
        if tag in font:
            raise FontgenError(
                f"already has a {tag} table: choose a base font without a shaper of its own",
                path=path,
            )
    for tag in font.keys():
        if tag == "GlyphOrder":
            continue
        try:
            font.getTableData(tag)
        except Exception as error:
            raise FontgenError(
                f"table {tag} cannot be read: {_first_line(error)}", path=path
            ) from error
    for tag in ("head", "maxp", "hhea", "name"):
        try:
            if tag in font:
                font[tag]
        except Exception as error:
            raise FontgenError(
                f"table {tag} is damaged: {_first_line(error)}", path=path
            ) from error
    try:
        characters = font.getBestCmap()
    except Exception as error:
        raise FontgenError(f"table cmap is damaged: {_first_line(error)}", path=path) from error
    if not characters:
        raise FontgenError("has no Unicode cmap, so no text can be set in it", path=path)
    if not 16 <= font["head"].unitsPerEm <= 16384:
        raise FontgenError(f"unitsPerEm is {font['head'].unitsPerEm}", path=path)


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
