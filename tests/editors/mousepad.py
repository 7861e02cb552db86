"""Mousepad, the editor of Xfce: GTK 3, GtkSourceView 4."""

from __future__ import annotations

from .harness import Program, Setting


class Mousepad(Program):
    name = "Mousepad"
    executable = "mousepad"
    packages = ("mousepad",)
    toolkit = "GTK 3"
    quick = True

    def command(self, setting: Setting) -> list[str]:
        setting.write(
            ".config/glib-2.0/settings/keyfile",
            "[org/xfce/mousepad/preferences/view]\n"
            "use-default-monospace-font=false\n"
            f"font-name='{setting.family} {setting.size:g}'\n",
        )
        return ["mousepad", "--disable-server", str(setting.document)]
