"""Text Editor, the editor of GNOME: GTK 4, GtkSourceView 5."""

from __future__ import annotations

from .gtk import GtkProgram
from .harness import Setting


class GnomeTextEditor(GtkProgram):
    name = "GNOME Text Editor"
    executable = "gnome-text-editor"
    packages = ("gnome-text-editor",)
    toolkit = "GTK 4"
    margins = (0, 55, 0, 0)
    calls_per_key = 2
    # Without a GPU, GTK 4's OpenGL renderer takes seconds for a frame.
    environment = {"GSK_RENDERER": "cairo"}

    def command(self, setting: Setting) -> list[str]:
        setting.write(
            ".config/glib-2.0/settings/keyfile",
            "[org/gnome/TextEditor]\n"
            "use-system-font=false\n"
            f"custom-font='{setting.family} {setting.size:g}'\n"
            "restore-session=false\n"
            "spellcheck=false\n",
        )
        return ["gnome-text-editor", "--standalone", str(setting.document)]
