"""``fontgen editor``: a text editor with the font chosen."""

from __future__ import annotations

import argparse
import io
import os
import sys

from fontTools.ttLib import TTFont, TTLibError

from fontgen.errors import FontgenError
from fontgen.font.file import read_font
from fontgen.host import native
from fontgen.host.native.editor import EDITORS, choose, open_editor
from fontgen.host.native.run import precompile


def known_editors() -> str:
    """A line for the command's help."""
    return "Editors: " + ", ".join(EDITORS) + "."


def editor(args: argparse.Namespace) -> int:
    """Open the editor, wait until it ends, and say where the story is."""
    file = read_font(args.font)
    try:
        with TTFont(io.BytesIO(file.data), lazy=True, fontNumber=file.index) as opened:
            family = str(opened["name"].getBestFamilyName())
    except (TTLibError, KeyError) as error:
        raise FontgenError("is not a font with a name", path=args.font) from error
    if not 1 <= args.size <= 500:
        raise FontgenError(f"--size {args.size:g} is not in 1 to 500 points")
    chosen = choose(args.program)
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise FontgenError("there is no screen to open a window on: DISPLAY is not set")
    built = native.build(quiet=args.quiet)
    precompile(built, [args.font.parent], verbose=bool(args.verbose))
    if not args.quiet:
        print(f"{chosen.program}: {family}, until you close its window", flush=True)
    story = open_editor(built, chosen, args.font.absolute(), family, args.size)
    if story is not None and not args.quiet:
        print(f"your story is in {story}")
    return 0
