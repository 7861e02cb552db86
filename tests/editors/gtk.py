"""What programs of the GTK family have in common: the print dialog."""

from __future__ import annotations

from pathlib import Path

from .harness import Program, Session

# From the dialog's corner to the only printer in its list, which is "Print to File".
FIRST_PRINTER = (80, 97)


class GtkProgram(Program):
    """A GTK program that prints by Ctrl+P."""

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
