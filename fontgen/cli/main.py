"""Reads the command line, runs one command, and says in one line what is wrong.

Exit codes: 0 done, 1 a check failed (a shape that failed, a verification that found a difference),
2 bad input or usage. Errors are one line on stderr; ``-v`` adds the traceback.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence

from fontgen.cli.parser import make_parser
from fontgen.errors import FontgenError

EXIT_DONE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT = 0, 1, 2
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as shells report them


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 on bad usage)."""
    _open_streams()
    args = make_parser().parse_args(argv)
    # What fontTools thinks of a font is for the curious.
    logging.basicConfig(format="fontgen: %(name)s: %(message)s")
    logging.getLogger("fontTools").setLevel(logging.WARNING if args.verbose else logging.CRITICAL)
    try:
        # Ctrl-C ended the program at once so far: see fontgen/__main__.py.
        if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        handler = pkgutil.resolve_name(args.handler)
        code: int = handler(args)
        sys.stdout.flush()
        return code
    except FontgenError as error:
        return _fail(str(error), args)
    except BrokenPipeError:
        # The reader (head, less) has gone: leave without a word, as other tools do.
        _drop_output()
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except OSError as error:
        if error.filename is None:  # of a stream, which would fail again at the end
            _drop_output()
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}", args)
    except Exception as error:
        return _fail(f"internal error ({type(error).__name__}: {error}); -v shows where", args)


def _drop_output() -> None:
    """Let what stdout still holds go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_streams() -> None:
    """Where a standard stream was closed (``2>&-``), one that reads nothing, and that cannot be written.

    Otherwise the next file that is opened would take its number, and its output with it.
    """
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(number)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # errors would have no one to read them
    # A terminal in another encoding shows what it lacks as escapes.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message: str, args: argparse.Namespace) -> int:
    if args.verbose:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    print(f"fontgen: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT
