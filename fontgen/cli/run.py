"""``fontgen run``: a program started with the host."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fontgen.cli.common import reporter
from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.native import fonts
from fontgen.host.native import run as runner

_CHECKOUT = Path("fonts")


def run(args: argparse.Namespace) -> int:
    """Start PROGRAM and return its exit code."""
    directories = _directories(args)
    runner.find_program(args.program)
    if not directories and not fonts.installed():
        reporter(args).note(
            f"fontgen: {args.program} sees no font from here: name one with --font FILE, or "
            "`fontgen install FILE`"
        )
    built = native.build(quiet=args.quiet)
    runner.precompile(built, directories or _installed(), verbose=bool(args.verbose))
    arguments = args.arguments[1:] if args.arguments[:1] == ["--"] else args.arguments
    sys.stdout.flush()
    return runner.run(built, args.program, arguments, directories)


def _directories(args: argparse.Namespace) -> list[Path]:
    """Of the fonts to register; what is there already needs none."""
    for directory in args.fonts or []:
        if not directory.is_dir():
            raise FontgenError("is not a directory", path=directory)
    if args.fonts is None and args.font is None:
        # A checkout's own fonts, where it has built some.
        return [_CHECKOUT] if any(_CHECKOUT.glob("*.[to]t[fc]")) else []
    directories = list(args.fonts or [])
    if args.font:
        directories.append(fonts.directory_of(args.font))
    return directories


def _installed() -> list[Path]:
    return [fonts.user_directory()] if fonts.installed() else []
