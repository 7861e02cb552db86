"""``fontgen editor``: a text editor with the font chosen."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.native import fonts
from fontgen.host.native.editor import EDITORS, INVITATION, choose, open_editor
from fontgen.host.native.run import precompile


def known_editors() -> str:
    """A line for the command's help."""
    return "Editors: " + ", ".join(EDITORS) + "."


def default_font() -> Path:
    """What ``make font`` or ``fontgen build`` made here, else the first font that is installed.

    Raises:
        FontgenError: there is none.
    """
    for path in (Path("fonts/llama.ttf"), Path("llama.ttf"), *fonts.installed()):
        if path.is_file():
            return path
    raise FontgenError(
        "there is no llama.ttf here: `fontgen build` makes one, or name a font with --font"
    )


def editor(args: argparse.Namespace) -> int:
    """Open the editor, wait until it ends, and say where the story is."""
    path = args.font or default_font()
    font = fonts.plain_font(path)
    if not 1 <= args.size <= 500:
        raise FontgenError(f"--size {args.size:g} is not in 1 to 500 points")
    chosen = choose(args.program)
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise FontgenError("there is no screen to open a window on: DISPLAY is not set")
    built = native.build(quiet=args.quiet)
    directory = fonts.directory_of([path])
    precompile(built, [directory], verbose=bool(args.verbose))
    if not args.quiet:
        print(f"{chosen.program}: {font.family}, until you close its window", flush=True)
    invitation = f"{font.sample}\n" if font.sample else INVITATION
    story = open_editor(built, chosen, directory, font.family, args.size, invitation)
    if story is not None and not args.quiet:
        print(f"your story is in {story}")
    return 0
