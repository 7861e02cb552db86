"""gedit: GTK 3, GtkSourceView 4 (gedit 44; from 46 on libgedit-gtksourceview)."""

from __future__ import annotations

from .gtk import GtkProgram
from .harness import Setting


class Gedit(GtkProgram):
    name = "gedit"
    executable = "gedit"
    packages = ("gedit",)
    toolkit = "GTK 3"
    margins = (0, 55, 0, 45)
    calls_per_key = 2

    def command(self, setting: Setting) -> list[str]:
        # gedit 44 puts the name into CSS as it is, and a dot must be quoted there.
        setting.write(
            ".config/glib-2.0/settings/keyfile",
            "[org/gnome/gedit/preferences/editor]\n"
            "use-default-font=false\n"
            f"editor-font='\"{setting.family}\" {setting.size:g}'\n"
            "highlight-current-line=false\n"
            "display-line-numbers=false\n"
            "[org/gnome/gedit/preferences/print]\n"
            "print-header=false\n"
            f"print-font-body-pango='{setting.family} {setting.size:g}'\n",
        )
        return ["gedit", "--standalone", str(setting.document)]
