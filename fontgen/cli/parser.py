"""The parser of the whole command line, made from ``arguments/``. Imports nothing that is slow."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from fontgen import __version__
from fontgen.cli.arguments import (
    build,
    content,
    doctor,
    editor,
    evaluate,
    host,
    inspect,
    install,
    new,
    page,
    render,
    run,
    shape,
    text,
    tokens,
    verify,
)

COMMANDS = (
    build,
    page,
    new,
    shape,
    text,
    tokens,
    render,
    inspect,
    verify,
    evaluate,
    host,
    install,
    run,
    editor,
    doctor,
    content,
)
"""In the order of ``fontgen --help``."""


class CommandParser(argparse.ArgumentParser):
    """A parser whose every command, at any depth, takes ``-q``, ``-v`` and ``--version``.

    late_epilog: gives the text below the help when it is asked for, where that needs an import.
    """

    def __init__(
        self, *args: Any, late_epilog: Callable[[], str] | None = None, **options: Any
    ) -> None:
        options.setdefault("allow_abbrev", False)
        super().__init__(*args, **options)
        self._late_epilog = late_epilog
        common = self.add_argument_group("everywhere")
        common.add_argument(
            "-q", "--quiet", action="store_true", default=argparse.SUPPRESS, help="only errors"
        )
        common.add_argument(
            "-v",
            "--verbose",
            action="count",
            default=argparse.SUPPRESS,
            help="say more; tracebacks",
        )
        common.add_argument("--version", action="version", version=f"fontgen {__version__}")

    def format_help(self) -> str:
        if self._late_epilog is not None:
            self.epilog = self._late_epilog()
        return super().format_help()


def make_parser() -> argparse.ArgumentParser:
    """The whole command line. What it parses says ``handler``: ``module:function``, imported to run it."""
    parser = CommandParser(
        prog="fontgen",
        description="Compiles a small Llama model into a font that continues your text.",
    )
    parser.set_defaults(quiet=False, verbose=0)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.register(commands)
    return parser
