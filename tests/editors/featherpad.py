"""FeatherPad: Qt 5, QPlainTextEdit."""

from __future__ import annotations

import os
from pathlib import Path

from .harness import Program, Session, Setting

ROOT_WARNING = (153, 55, 55)
"""The colour of the bar that warns root, for ten seconds."""


class FeatherPad(Program):
    name = "FeatherPad"
    executable = "featherpad"
    packages = ("featherpad",)
    toolkit = "Qt 5"
    margins = (0, 72, 0, 80)
    # Qt reads KDE's settings: the only place where the caret can be told not to blink.
    environment = {"XDG_CURRENT_DESKTOP": "KDE", "KDE_SESSION_VERSION": "5"}
    # To lay the paragraph out, to draw it, and to place the caret.
    calls_per_key = 4
    # Qt knows glyphs only when it writes PDF, and looks up what characters they are for.
    pdf_text = "shown"

    def command(self, setting: Setting) -> list[str]:
        setting.write(".config/kdeglobals", "[KDE]\nCursorBlinkRate=0\n")
        setting.write(
            ".config/featherpad/fp.conf",
            "[text]\n"
            f'font="{setting.family},{setting.size:g},-1,5,50,0,0,0,0,0"\n'
            "noSyntaxHighlighting=true\n",
        )
        return ["featherpad", "--standalone", str(setting.document)]

    def ready(self, session: Session) -> None:
        if os.geteuid() == 0:
            session.wait_for(
                lambda: ROOT_WARNING not in {c for _, c in session.grab().getcolors(1 << 20) or ()},
                "end of the warning for root",
            )
        super().ready(session)

    def export_pdf(self, session: Session) -> Path:
        """Print the document to a PDF file through the dialog."""
        path = session.setting.document.with_suffix(".txt.pdf")
        path.unlink(missing_ok=True)
        session.key("ctrl+p")
        session.wait_for_window("^Print Document$")
        session.key("Return")
        return session.wait_for_pdf(path)
