"""gedit: GTK 3, GtkSourceView 4 (gedit 44; from 46 on libgedit-gtksourceview)."""

from __future__ import annotations

from .gtk import GtkEditor


class Gedit(GtkEditor):
    name = "gedit"
    executable = "gedit"
    packages = ("gedit",)
    toolkit = "GTK 3"
    margins = (0, 55, 0, 45)
    calls_per_key = 2
