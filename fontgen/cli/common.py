"""What several commands do alike."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from fontgen.errors import FontgenError
from fontgen.progress import Reporter


def reporter(args: argparse.Namespace) -> Reporter:
    """For notes and progress, as ``-q`` and ``-v`` want them."""
    return Reporter(quiet=args.quiet, verbose=args.verbose)


def print_json(report: Any) -> None:
    """A report for programs, on stdout."""
    # Where stdout is not UTF-8, as JSON should be (RFC 8259), characters are escaped.
    is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    print(json.dumps(report, ensure_ascii=not is_utf8, indent=1))


def read_text(args: argparse.Namespace) -> str:
    """TEXT of the command line, or stdin where it is ``-``.

    Raises:
        FontgenError: it is not UTF-8.
    """
    try:
        if args.text == "-":
            return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
        # The shell's bytes, where they were not UTF-8, are lone surrogates.
        args.text.encode("utf-8")
    except UnicodeError as error:
        raise FontgenError("TEXT is not UTF-8") from error
    return args.text
