"""Reads the command line, runs one command, and says in one line what is wrong.

Exit codes: 0 done, 1 a check failed (a shape that failed, a verification that found a difference),
2 bad input or usage. Errors are one line on stderr; ``-v`` adds the traceback.
"""

from __future__ import annotations

import argparse
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence

from fontgen.cli.parser import make_parser
from fontgen.errors import FontgenError

EXIT_DONE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT = 0, 1, 2
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as shells report them


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 on bad usage)."""
    args = make_parser().parse_args(argv)
    # What fontTools thinks of a font is for the curious.
    logging.basicConfig(format="fontgen: %(name)s: %(message)s")
    logging.getLogger("fontTools").setLevel(logging.WARNING if args.verbose else logging.CRITICAL)
    try:
        handler = pkgutil.resolve_name(args.handler)
        code: int = handler(args)
        sys.stdout.flush()
        return code
    except FontgenError as error:
        return _fail(str(error), args)
    except BrokenPipeError:
        # The reader (head, less) has gone: leave without a word, as other tools do.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}", args)
    except Exception as error:
        return _fail(f"internal error ({type(error).__name__}: {error}); -v shows where", args)


def _fail(message: str, args: argparse.Namespace) -> int:
    if args.verbose:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    print(f"fontgen: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT
