"""``fontgen inspect``: what a font would run, without running it."""

from __future__ import annotations

import argparse

from fontgen.check.inspection import format_report, inspect_font
from fontgen.cli.common import print_json


def inspect(args: argparse.Namespace) -> int:
    """Print the report of FONT."""
    report = inspect_font(args.font)
    if args.json:
        print_json(report)
    else:
        print(format_report(report))
    return 0
