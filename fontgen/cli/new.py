"""``fontgen new``: begin a font with a program of one's own."""

from __future__ import annotations

import argparse

from fontgen.build.starter import write_starter
from fontgen.cli.common import reporter


def new(args: argparse.Namespace) -> int:
    """Write the starter into a folder, and say what to do next."""
    paths = write_starter(args.folder)
    report = reporter(args)
    for path in paths:
        report.note(f"wrote {path}")
    report.note(f"next: fontgen build {args.folder / 'font.toml'}")
    return 0
