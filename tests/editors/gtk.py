"""What programs of the GTK family have in common: the print dialog."""

from __future__ import annotations

import time
from pathlib import Path

from .harness import Program, Session

# From the dialog's corner to the only printer in its list, which is "Print to File".
FIRST_PRINTER = (80, 97)


class GtkProgram(Program):
    """A GTK program that prints by Ctrl+P."""

    def export_pdf(self, session: Session) -> Path:
        """Print the document to a PDF file through the dialog."""
        home = session.setting.home
        for earlier in home.rglob("output.pdf"):  # else the dialog asks
            earlier.rename(earlier.with_stem(f"output-{time.monotonic_ns()}"))
        session.key("ctrl+p")
        dialog = session.wait_for(
            lambda: session.xdotool("search", "--onlyvisible", "--name", "^Print$").split(),
            "print dialog",
        )[-1]
        place = session.geometry(dialog)
        session.click(place[0] + FIRST_PRINTER[0], place[1] + FIRST_PRINTER[1])
        session.key("alt+p")
        return session.wait_for(  # type: ignore[no-any-return]
            lambda: next(
                (
                    path
                    for path in home.rglob("output.pdf")
                    if path.read_bytes().rstrip().endswith(b"%%EOF")
                ),
                None,
            ),
            "PDF file",
        )
