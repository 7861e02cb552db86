"""``fontgen install``: a font for all programs of a user."""

from __future__ import annotations

import argparse
import shlex

from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.native import fonts


def install(args: argparse.Namespace) -> int:
    """Install or remove fonts, or list what is installed."""
    if args.remove:
        for name in args.fonts:
            print(f"removed {fonts.uninstall(str(name))}")
        return 0
    opened = [fonts.plain_font(font) for font in args.fonts]
    if not opened and not fonts.installed():
        raise FontgenError("no font is installed by fontgen: name one")
    for font in opened:
        print(f"{font.family}: installed as {fonts.install(font)}")
    if not opened:
        for path in fonts.installed():
            print(f"{fonts.plain_font(path).family}: {path}")
    elif not args.quiet:
        print(_hint(opened[-1].family))
    return 0


def _hint(family: str) -> str:
    """How to go on."""
    build = (
        "" if native.find() else "\nThe first time builds a HarfBuzz that runs it: some minutes."
    )
    return (
        "Programs see it from their next start on, and show the base font's letters: what the font does needs "
        f"a HarfBuzz that runs it.\nStart a program with one: fontgen run -- mousepad   (then choose "
        f"{shlex.quote(family)} in it){build}"
    )
