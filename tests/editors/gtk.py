"""What programs of the GTK family have in common: the print dialog; and editors that fontgen knows."""

from __future__ import annotations

from pathlib import Path

from fontgen.host.native.editor import EDITORS

from .harness import Program, Session, Setting

# From the dialog's corner to the only printer in its list, which is "Print to File".
FIRST_PRINTER = (80, 97)


class KnownEditor(Program):
    """An editor that ``fontgen editor`` gives the font."""

    def command(self, setting: Setting) -> list[str]:
        editor = EDITORS[self.executable]
        editor.configure(setting.config, setting.family, setting.size)
        return editor.command(setting.document)


class GtkEditor(KnownEditor):
    """One that prints by GTK's dialog."""

    def export_pdf(self, session: Session) -> Path:
        """Print the document to a PDF file through the dialog."""
        home = session.setting.home
        for earlier in home.rglob("*.pdf"):  # else the dialog asks
            earlier.unlink()
        session.key("ctrl+p")
        dialog = session.wait_for_window("^Print$")
        for _ in range(5):  # a dialog that is still being laid out does not hear the click
            session.settle()
            x, y, _, _ = session.geometry(dialog)
            session.click(x + FIRST_PRINTER[0], y + FIRST_PRINTER[1])
            session.key("alt+p")
            if dialog not in session.xdotool("search", "--onlyvisible", "--name", "^Print$"):
                break
        path = session.wait_for(lambda: next(home.rglob("*.pdf"), None), "PDF file")
        return session.wait_for_pdf(path)
