"""Inkscape: Pango's shaping, cairo's drawing, and a text layout of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

from .harness import PATIENCE, EditorError, Program, Session, Setting, fontgen_run

_PREFERENCES = """<?xml version="1.0"?>
<inkscape xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" version="1">
  <group id="options"><group id="boot" enabled="0"/></group>
</inkscape>
"""


class Inkscape(Program):
    name = "Inkscape"
    executable = "inkscape"
    packages = ("inkscape",)
    toolkit = "GTK 3, its own layout"
    suffix = ".svg"
    margins = (60, 100, 80, 100)
    picture_size = (1000, 420)
    quiet = 1.2
    calls_per_key = 2
    pdf_text = "shown"

    def write_document(self, setting: Setting, text: str) -> None:
        size = setting.size * 96 / 72
        setting.document.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="300">'
            f'<text id="story" x="30" y="100" xml:space="preserve" style="font-size:{size:g}px;'
            f"font-family:'{setting.family}'\">{escape(text)}</text></svg>\n",
            encoding="utf-8",
        )

    def command(self, setting: Setting) -> list[str]:
        setting.write(".config/inkscape/preferences.xml", _PREFERENCES)
        # Its caret blinks whatever else GTK is told.
        with open(setting.config / "gtk-3.0" / "settings.ini", "a", encoding="utf-8") as file:
            file.write("gtk-cursor-blink-time=2000000000\n")
        return ["inkscape", str(setting.document)]

    def ready(self, session: Session) -> None:
        """One pixel of the document to a pixel of the screen; then the text tool, in the text."""
        session.settle(3)
        session.key("1", "F8")
        left, top = self.margins[:2]
        dark = session.screenshot().convert("L").point(lambda value: 255 * (value < 64)).getbbox()
        if dark is None:
            session.fail("no text to click on")
        session.click(left + (dark[0] + dark[2]) // 2, top + (dark[1] + dark[3]) // 2)
        session.key("ctrl+End")

    def export_pdf(self, session: Session) -> Path:
        """Save the document, and let another Inkscape export it."""
        session.key("ctrl+s")
        document = session.setting.document
        path = document.with_suffix(".pdf")
        path.unlink(missing_ok=True)
        done = subprocess.run(
            fontgen_run(
                session.setting.home,
                "inkscape",
                "--export-type=pdf",
                f"--export-filename={path}",
                str(document),
            ),
            env={k: v for k, v in session.environment.items() if k != "FONTGEN_SHAPE_LOG"},
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        if not path.is_file():
            raise EditorError(f"inkscape wrote no PDF file: {done.stdout} {done.stderr}")
        return path
