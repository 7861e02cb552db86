"""Kate, the editor of KDE: Qt 5, KTextEditor."""

from __future__ import annotations

from pathlib import Path

from .gtk import KnownEditor
from .harness import Session, Setting


class Kate(KnownEditor):
    name = "Kate"
    executable = "kate"
    packages = ("kate",)
    toolkit = "Qt 5"
    margins = (112, 100, 75, 30)
    # Qt reads KDE's settings: the only place where the caret can be told not to blink.
    environment = {"XDG_CURRENT_DESKTOP": "KDE", "KDE_SESSION_VERSION": "5"}
    picture_size = (860, 280)
    calls_per_key = 6
    pdf_text = "shown"
    cannot = {
        "selection": "it colours every other place where the selected text occurs, and text in several colours "
        "is shaped in several parts"
    }

    def command(self, setting: Setting) -> list[str]:
        setting.write(".config/kdeglobals", "[KDE]\nCursorBlinkRate=0\n")
        return super().command(setting)

    def export_pdf(self, session: Session) -> Path:
        """Print the document to a PDF file through the dialog."""
        path = session.setting.document.with_suffix(".pdf")
        path.unlink(missing_ok=True)
        session.key("ctrl+p")
        session.wait_for_window("^Print")
        session.key("Return")
        return session.wait_for_pdf(path)
