"""Mousepad, the editor of Xfce: GTK 3, GtkSourceView 4."""

from __future__ import annotations

from .gtk import GtkProgram
from .harness import Setting


class Mousepad(GtkProgram):
    name = "Mousepad"
    executable = "mousepad"
    packages = ("mousepad",)
    toolkit = "GTK 3"
    margins = (0, 44, 0, 0)
    quick = True

    def command(self, setting: Setting) -> list[str]:
        setting.write(
            ".config/glib-2.0/settings/keyfile",
            "[org/xfce/mousepad/preferences/view]\n"
            "use-default-monospace-font=false\n"
            f"font-name='{setting.family} {setting.size:g}'\n",
        )
        setting.write(
            ".config/Mousepad/mousepadrc",
            "[Print Settings]\n"
            "print-header=false\n"
            f"body-font-name={setting.family} {setting.size:g}\n",
        )
        return ["mousepad", "--disable-server", str(setting.document)]
