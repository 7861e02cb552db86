"""``fontgen text``: a document from typed to told."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from fontgen.cli.common import reporter
from fontgen.cli.text_options import features_of, open_shaping
from fontgen.errors import FontgenError
from fontgen.files import STDOUT, check_output, write_output
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapeFailed


def text(args: argparse.Namespace) -> int:
    """Write what FONT shows of FILE; 1: HarfBuzz did not shape it."""
    report = reporter(args)
    source = None if args.file == "-" else Path(args.file)
    if args.output != STDOUT:
        check_output(args.output, [args.font, source])
    font = open_shaping(args)
    options = ShapeOptions(features=features_of(args), language=args.language)
    lines = list(_lines(source))
    told = []
    try:
        with report.steps(total=len(lines)) as steps:
            for number, line in enumerate(lines, 1):
                steps.begin(f"Line {number}")
                typed = line.rstrip("\r\n")
                told.append(font.shape(typed, options).visible + line[len(typed) :])
                if args.output == STDOUT:
                    _write(told.pop())
    except ShapeFailed as error:
        print(f"fontgen: {error}", file=sys.stderr)
        return 1
    if args.output != STDOUT:
        write_output(args.output, "".join(told).encode())
    return 0


def _lines(source: Path | None) -> Iterator[str]:
    """The lines of a document with their ends, which are kept as they are."""
    try:
        data = sys.stdin.buffer.read() if source is None else source.read_bytes()
        # Not splitlines(), which takes form feeds and more for line ends.
        yield from io.StringIO(data.decode("utf-8"), newline="")
    except UnicodeDecodeError as error:
        raise FontgenError("is not UTF-8", path=source or "standard input") from error
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=source) from error


def _write(line: str) -> None:
    """As soon as it is told: a story for each line takes its time."""
    sys.stdout.buffer.write(line.encode())
    sys.stdout.buffer.flush()
