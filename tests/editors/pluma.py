"""Pluma, the editor of MATE: GTK 3, GtkSourceView 4."""

from __future__ import annotations

from .gtk import GtkEditor
from .harness import Setting


class Pluma(GtkEditor):
    name = "Pluma"
    executable = "pluma"
    packages = ("pluma",)
    toolkit = "GTK 3"
    margins = (0, 106, 0, 45)
    calls_per_key = 2

    def command(self, setting: Setting) -> list[str]:
        # There it would find another one that runs, and leave the document to that.
        return ["env", f"TMPDIR={setting.home}", *super().command(setting)]
