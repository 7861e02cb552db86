"""Mousepad, the editor of Xfce: GTK 3, GtkSourceView 4."""

from __future__ import annotations

from .gtk import GtkEditor


class Mousepad(GtkEditor):
    name = "Mousepad"
    executable = "mousepad"
    packages = ("mousepad",)
    toolkit = "GTK 3"
    margins = (0, 44, 0, 0)
    calls_per_key = 2  # it wraps: the second is for the width
    quick = True
