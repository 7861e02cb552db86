"""``fontgen run``: a program started with the host."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.native import run as runner


def run(args: argparse.Namespace) -> int:
    """Start PROGRAM and return its exit code."""
    directories = args.fonts if args.fonts is not None else [Path("fonts")]
    for directory in directories:
        if args.fonts is not None and not directory.is_dir():
            raise FontgenError("is not a directory", path=directory)
    directories = [directory for directory in directories if directory.is_dir()]
    runner.find_program(args.program)
    built = native.build(quiet=args.quiet)
    runner.precompile(built, directories, verbose=bool(args.verbose))
    arguments = args.arguments[1:] if args.arguments[:1] == ["--"] else args.arguments
    sys.stdout.flush()
    return runner.run(built, args.program, arguments, directories)
