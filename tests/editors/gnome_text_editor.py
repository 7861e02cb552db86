"""Text Editor, the editor of GNOME: GTK 4, GtkSourceView 5."""

from __future__ import annotations

from .gtk import GtkEditor


class GnomeTextEditor(GtkEditor):
    name = "GNOME Text Editor"
    executable = "gnome-text-editor"
    packages = ("gnome-text-editor",)
    toolkit = "GTK 4"
    margins = (0, 55, 0, 0)
    calls_per_key = 2
    # Without a GPU, GTK 4's OpenGL renderer takes seconds for a frame.
    environment = {"GSK_RENDERER": "cairo"}
