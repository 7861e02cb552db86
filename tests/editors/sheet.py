"""Writes the test sheet of the font without Wasm, as HTML and as a Word document.

    cd tests && ../.venv/bin/python -m editors.sheet

Each line stands twice: typed, in the font, and below it what must be seen, in another. Somebody with a program that
cannot be tried here sees in a minute which lines differ.
"""

from __future__ import annotations

import html
import io
import zipfile
from pathlib import Path

from fontgen.automaton.content.format import default_content_path, read_content
from fontgen.automaton.reference import Reference

FAMILY = "Llama Lite Sans"
LINES = (
    ("One line", "The little fox" + "!" * 9, ()),
    ("A name that nobody listed", "Zorblax wanted to" + "!" * 10, ()),
    ("Another story", "The little fox!!!?" + "!" * 9, ()),
    ("Two runs", "Anna ran" + "!" * 8 + " Then" + "!" * 8, ()),
    ("No run: three marks and text", "Stop!!! It is as it was.", ()),
    ("A long run, which the program wraps", "The old king went to the" + "!" * 60, ()),
)
FOLDER = Path(__file__).parents[2] / "fonts"
INTRODUCTION = (
    f"Install llama-lite.ttf, or open this page beside llama-lite.woff2. Of each pair of lines the first is set in "
    f"{FAMILY} and consists of exclamation marks; both must read the same. Where the first shows exclamation marks, "
    "the program does not apply the feature ccmp to Latin text, or not all of its lookups."
)


def rows() -> list[tuple[str, str, str]]:
    """Title, typed and expected text of each line."""
    reference = Reference(read_content(default_content_path()))
    return [(title, typed, reference.visible(typed, features)) for title, typed, features in LINES]


def as_html() -> str:
    """The sheet as a page without a script."""
    parts = [
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Llama Lite test sheet</title>\n<style>\n"
        f'@font-face {{ font-family: "{FAMILY}"; src: local("{FAMILY}"), url("llama-lite.woff2"), '
        'url("llama-lite.ttf"); }\nbody { max-width: 44em; margin: 2em auto; font: 16px sans-serif; }\n'
        f'.typed, textarea {{ font: 20px "{FAMILY}"; font-feature-settings: "ss20", "calt" 0; word-spacing: 0.01px; '
        "overflow-wrap: anywhere; }\n.plain { font-feature-settings: normal; word-spacing: 0; }\n"
        "p { margin: .2em 0; }\ntextarea { width: 100%; }\n</style>\n"
        f"<h1>Llama Lite test sheet</h1>\n<p>{html.escape(INTRODUCTION)}</p>\n"
    ]
    for title, typed, expected in rows():
        parts.append(
            f"<h3>{html.escape(title)}</h3>\n<p class=typed>{html.escape(typed)}</p>\n"
            f"<p>{html.escape(expected)}</p>\n"
        )
    title, typed, expected = rows()[-1]
    parts.append(
        "<h3>The same without ss20 and word spacing</h3>\n"
        f'<p class="typed plain">{html.escape(typed)}</p>\n<p>{html.escape(expected)}</p>\n'
        "<h3>Typed by you: a prompt and four or more exclamation marks</h3>\n<textarea rows=4></textarea>\n</html>\n"
    )
    return "".join(parts)


def as_docx() -> bytes:
    """The sheet as WordprocessingML (ECMA-376): three parts, no styles."""

    def paragraph(text: str, font: str = "Arial", size: int = 24, bold: bool = False) -> str:
        properties = (
            f'<w:rFonts w:ascii="{font}" w:hAnsi="{font}" w:cs="{font}"/>{"<w:b/>" * bold}'
            f'<w:sz w:val="{size}"/><w:lang w:val="en-GB"/>'
        )
        escaped = html.escape(text)
        return f'<w:p><w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escaped}</w:t></w:r></w:p>'

    body = paragraph("Llama Lite test sheet", size=36, bold=True) + paragraph(INTRODUCTION)
    for title, typed, expected in rows():
        body += paragraph(title, bold=True) + paragraph(typed, FAMILY, 28) + paragraph(expected)
    namespace = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{namespace}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
        '"/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.'
        'document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{namespace}/package/2006/relationships"><Relationship Id="r1" Type='
        f'"{namespace}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{namespace}/wordprocessingml/2006/main"><w:body>{body}'
        "</w:body></w:document>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return stream.getvalue()


def main() -> None:
    (FOLDER / "llama-lite-test.html").write_text(as_html(), encoding="utf-8")
    (FOLDER / "llama-lite-test.docx").write_bytes(as_docx())


if __name__ == "__main__":
    main()
