"""Pages that carry a font, HarfBuzz and the host: one file that works from disk, or a folder for a web server.

The same font and options give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError
from fontgen.files import read_input, write_output
from fontgen.font import woff
from fontgen.font.file import read_font
from fontgen.font.tables import WASM_TAG
from fontgen.font.tale import TALE_TAG
from fontgen.host.browser.builder import FILE_NAME, harfbuzz_module
from fontgen.host.browser.bundle import bundle, modules
from fontgen.progress import Reporter

TEMPLATES = Path(__file__).parent / "page"
STYLE_SHEET = "page.css"

_PIECE = 1 << 19
"""Characters of a script element: WebKit takes seconds for one of 10 MB, and a tenth of one for its pieces. A multiple
of 4, so that each piece of base64 can be decoded by itself."""

_STORY_STYLE = """
/* Firefox needs none of this. Chromium shapes lines anew where text is wrapped: ss20 takes away what says that it must,
   and with word spacing it shapes what is typed together with what stands before it. */
textarea.demonstration {
  font-feature-settings: "ss20", "calt" 0;
  word-spacing: 0.01px;
}
"""

_COPYRIGHT, _FULL_NAME, _DESCRIPTION, _LICENCE, _LICENCE_URL, _SAMPLE_TEXT = 0, 4, 10, 13, 14, 19
_MODEL_TABLE = "Llam"
_MODEL_SAMPLE = "The little fox!!!!!!!!!!!!"
_SAMPLE = "The quick brown fox jumps over the lazy dog."


@dataclass(frozen=True)
class PageFont:
    """A font for a page.

    Attributes:
        name: of the file, without its folder.
        data: the file.
        title: its full name.
        kind: ``model`` where a language model tells stories, ``wasm`` where another module shapes, ``opentype``.
        names: of its name table, by their numbers.
    """

    name: str
    data: bytes
    title: str
    kind: str
    names: dict[int, str]
    tells: bool = False
    """Whether OpenType alone tells stories with it: see `fontgen.automaton`."""

    @classmethod
    def open(cls, spec: str | os.PathLike[str]) -> PageFont:
        """Open a font as every command names it: WOFF, WOFF2 and ``FILE.ttc#1`` too.

        Raises:
            FontgenError: the file cannot be read, or is not a font that browsers take.
        """
        file = read_font(spec)
        data = file.alone()
        try:
            font = TTFont(io.BytesIO(data), lazy=True)
            tags = set(font.reader.keys())
            ids = (_COPYRIGHT, _FULL_NAME, _DESCRIPTION, _LICENCE, _LICENCE_URL, _SAMPLE_TEXT)
            entries = {number: font["name"].getDebugName(number) for number in ids}
        except Exception as error:
            raise FontgenError(f"is not a font: {error}", path=file.path) from error
        kind = ("model" if _MODEL_TABLE in tags else "wasm") if WASM_TAG in tags else "opentype"
        names = {number: text for number, text in entries.items() if text}
        title = names.get(_FULL_NAME, file.path.stem)
        name, original = file.path.name, read_input(file.path)
        if kind == "opentype" and woff.is_packed(original):
            data = original  # browsers unpack it themselves
        elif data != original:
            member = f"-{file.index}" if file.is_collection else ""
            name = f"{file.path.stem}{member}.ttf"
        return cls(name, data, title, kind, names, TALE_TAG in tags)

    @property
    def sample(self) -> str:
        """What its page shows at first: its own sample text, if it has one."""
        fallback = _MODEL_SAMPLE if self.kind == "model" else _SAMPLE
        return self.names.get(_SAMPLE_TEXT, fallback)

    @property
    def description(self) -> str:
        return self.names.get(_DESCRIPTION, self.title).split("\n")[0]


@dataclass(frozen=True)
class PageOptions:
    """What a page shows at first; None leaves it to the font."""

    text: str | None = None
    features: str = ""


def one_file(font: PageFont, options: PageOptions, reporter: Reporter | None = None) -> bytes:
    """A page that is one file.

    Raises:
        FontgenError: HarfBuzz for browsers cannot be built.
    """
    style = (TEMPLATES / STYLE_SHEET).read_text("utf-8")
    if font.kind == "opentype":
        style += _font_face(_data_url(font)) + (_STORY_STYLE if font.tells else "")
        policy = f"default-src 'none'; style-src '{_hash(style)}'; font-src data:; img-src data:"
        return _fill("opentype.html", font, options, policy=policy, style=_inline_style(style))
    loader, script = bundle("loader.js"), bundle("one-file.js", "page.js")
    parts = [
        *_embedded("page", script.encode()),
        *_embedded("worker", bundle("worker.js").encode()),
        *_embedded("harfbuzz", harfbuzz_module(reporter)),
        f"<script>{loader}</script>",
        # Last, because it is most of the page: the rest is at work while the browser still reads this.
        *_embedded("font", font.data),
    ]
    policy = (
        f"default-src 'none'; script-src '{_hash(loader)}' '{_hash(script)}' 'wasm-unsafe-eval'; worker-src blob:; "
        f"style-src '{_hash(style)}'; img-src data:"
    )
    return _fill(
        "page.html",
        font,
        options,
        policy=policy,
        style=_inline_style(style),
        scripts="\n".join(parts),
    )


def write_folder(
    fonts: Sequence[PageFont],
    options: PageOptions,
    folder: Path,
    reporter: Reporter | None = None,
) -> list[Path]:
    """Writes pages as separate files, for a web server; other files of the folder are left alone.

    One font's page is ``index.html``; of several, each is named like its font, and ``index.html`` lists them.

    Returns:
        The files.

    Raises:
        FontgenError: a file cannot be written, two fonts would have the same page, or HarfBuzz for browsers cannot
            be built.
    """
    pages = {
        f"{Path(font.name).stem}.html" if len(fonts) > 1 else "index.html": font for font in fonts
    }
    if len(pages) < len(fonts) or (len(fonts) > 1 and "index.html" in pages):
        raise FontgenError("two pages would have the same name", path=folder)
    files = {"index.html": _index(pages)} if len(fonts) > 1 else {}
    for name, font in pages.items():
        files |= {name: _folder_page(font, options), font.name: font.data}
        if font.kind == "opentype":
            sheet = _font_face(font.name) + (_STORY_STYLE if font.tells else "")
            files |= {f"{font.name}.css": sheet.encode()}
    files |= {STYLE_SHEET: (TEMPLATES / STYLE_SHEET).read_bytes()}
    if any(font.kind != "opentype" for font in fonts):
        files |= {FILE_NAME: harfbuzz_module(reporter)}
        files |= {f"js/{name}": data for name, data in modules().items()}
    try:
        (folder / "js").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FontgenError(f"cannot be made: {error.strerror}", path=folder) from error
    for name, data in files.items():
        write_output(folder / name, data)
    return [folder / name for name in files]


def _index(pages: dict[str, PageFont]) -> bytes:
    entries = "\n".join(
        f'<li><p><a href="{html.escape(name)}">{html.escape(font.title)}</a><br>'
        f"{html.escape(font.description)}</p></li>"
        for name, font in pages.items()
    )
    return (TEMPLATES / "index.html").read_text("utf-8").replace("{{entries}}", entries).encode()


def _folder_page(font: PageFont, options: PageOptions) -> bytes:
    """The HTML file of a page whose other files lie beside it."""
    if font.kind == "opentype":
        policy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src data:"
        sheets = [STYLE_SHEET, f"{font.name}.css"]
        style = "\n".join(f'<link rel="stylesheet" href="{html.escape(name)}">' for name in sheets)
        return _fill("opentype.html", font, options, policy=policy, style=style)
    policy = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
        "connect-src 'self'; style-src 'self'; img-src data:"
    )
    style = f'<link rel="stylesheet" href="{STYLE_SHEET}">'
    script = '<script type="module" src="js/page.js"></script>'
    return _fill("page.html", font, options, policy=policy, style=style, scripts=script)


def _data_url(font: PageFont) -> str:
    """The font in the page itself; one that tells stories as WOFF2, which is a sixth of it."""
    data = font.data
    if font.tells and not woff.is_packed(data):
        data = woff.pack(data, ".woff2")
    kind = {b"wOF2": "woff2", b"wOFF": "woff"}.get(data[:4], "sfnt")
    return f"data:font/{kind};base64,{base64.b64encode(data).decode()}"


def _font_face(url: str) -> str:
    return f'\n@font-face {{ font-family: "Demonstration"; src: url("{url}"); }}\n'


def _hash(inline: str) -> str:
    """What a Content-Security-Policy calls an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}"


def _inline_style(style: str) -> str:
    return f"<style>{style}</style>"


def _embedded(name: str, data: bytes) -> Iterator[str]:
    """Script elements that carry a file: base64 of gzip, in pieces."""
    text = base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        yield f'<script type="text/plain" data-part="{name}" data-size="{len(data)}">{piece}</script>'


def _fill(template: str, font: PageFont, options: PageOptions, **parts: str) -> bytes:
    text = font.sample if options.text is None else options.text
    settings = {"font": font.name, "text": text, "features": options.features}
    values = {
        "title": html.escape(font.title),
        "description": html.escape(font.description),
        "kind": font.kind,
        "text": html.escape(text),
        "licences": html.escape(_licences(font)),
        # "<" might end the element.
        "settings": json.dumps(settings, ensure_ascii=False).replace("<", "\\u003c"),
        **parts,
    }
    # Piece by piece: what is filled in is not searched for more places to fill.
    before, *rest = (TEMPLATES / template).read_text("utf-8").split("{{")
    filled = [before]
    for part in rest:
        name, _, after = part.partition("}}")
        filled += [values[name], after]
    return "".join(filled).encode()


def _licences(font: PageFont) -> str:
    own = [
        font.names[number]
        for number in (_COPYRIGHT, _LICENCE, _LICENCE_URL)
        if number in font.names
    ]
    parts = [_titled(f"The font: {font.title}", "\n\n".join(own) or "Its name table does not say.")]
    if font.kind != "opentype":
        parts.append((TEMPLATES / "LICENCES.txt").read_text("utf-8").strip())
    parts.append(_titled("This page: fontgen", _own_licence()))
    return "\n\n".join(parts)


def _titled(title: str, text: str) -> str:
    return f"{title}\n{'=' * len(title)}\n\n{text}"


def _own_licence() -> str:
    packaged = Path(__file__).parents[2] / "data" / "LICENSE"
    checkout = Path(__file__).parents[3] / "LICENSE"
    return (packaged if packaged.is_file() else checkout).read_text("utf-8").strip()
