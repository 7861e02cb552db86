"""``fontgen doctor``"""

from __future__ import annotations

from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "doctor",
        help="say what is built and whether a program would use it",
        description="Say what is built and, for each PROGRAM, whether `fontgen run` makes it use "
        "that. Exit code 1: one of them would not, or nothing is built.",
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(handler="fontgen.cli.doctor:doctor")
