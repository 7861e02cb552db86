"""The command line: ``fontgen build | shape | render | inspect | verify | eval | host``.

Exit codes: 0 done, 1 a check failed (a shape that failed, a verification that found a difference),
2 bad input or usage. Errors are one line on stderr; ``-v`` adds the traceback.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fontgen import __version__
from fontgen.config import Config, read_config
from fontgen.errors import FontgenError
from fontgen.progress import Reporter
from fontgen.shapers.compiler import MODULES

EXIT_DONE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT = 0, 1, 2
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as shells report them


class CommandParser(argparse.ArgumentParser):
    """A parser whose every command, at any depth, takes ``-q``, ``-v`` and ``--version``."""

    def __init__(self, *args: Any, **options: Any):
        options.setdefault("allow_abbrev", False)
        super().__init__(*args, **options)
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


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = CommandParser(
        prog="fontgen",
        description="Compiles a small Llama model into a font that continues your text.",
    )
    parser.set_defaults(quiet=False, verbose=0)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_build(commands)
    _add_shape(commands)
    _add_render(commands)
    _add_inspect(commands)
    _add_others(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (argparse itself exits with 2 on bad usage)."""
    args = make_parser().parse_args(argv)
    logging.basicConfig(format="fontgen: %(name)s: %(message)s")
    logging.getLogger("fontTools").setLevel(logging.WARNING if args.verbose else logging.CRITICAL)
    try:
        code = args.handler(args)
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
        traceback.print_exc()
    print(f"fontgen: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_BAD_INPUT


def _reporter(args: argparse.Namespace) -> Reporter:
    return Reporter(quiet=args.quiet, verbose=args.verbose)


# build


def _add_build(commands: Any) -> None:
    parser = commands.add_parser(
        "build",
        help="compile a checkpoint and a base font into a font",
        description="Compiles a checkpoint and a base font into a font. Without CONFIG, the "
        "default model in Roboto is written to llama.ttf. Flags override the configuration.",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG.toml", help="font configuration"
    )
    parser.add_argument(
        "--model",
        type=Path,
        help="checkpoint: a file, a folder or a known name, such as stories15M",
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="its tokenizer, unless it is found beside it"
    )
    parser.add_argument(
        "--base", type=Path, metavar="FONT", help="base font; FILE.ttc#1 is a collection's member"
    )
    parser.add_argument(
        "--base-index", type=int, metavar="N", help="member of a collection, from 0"
    )
    parser.add_argument("--family", metavar="NAME", help="family name of the new font")
    parser.add_argument("--bits", type=int, metavar="N", help="bits of a weight")
    parser.add_argument("--flavour", choices=MODULES, help="instruction set of the shaper")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FONT", help="the font to write; - is stdout"
    )
    parser.set_defaults(handler=_build)


def _build(args: argparse.Namespace) -> int:
    from fontgen.build.llama import build_font
    from fontgen.files import STDOUT, check_output, write_output
    from fontgen.font.base import split_member

    config = read_config(args.config) if args.config else Config()
    config = config.override(
        model={"checkpoint": args.model, "tokenizer": args.tokenizer},
        font={
            "base": args.base,
            "index": args.base_index,
            "family": args.family,
            "output": args.output,
        },
        quantise={"bits": args.bits},
        shaper={"flavour": args.flavour},
    )
    output = config.font.output
    base = split_member(config.font.base)[0] if config.font.base else None
    check_output(output, [config.path, config.model.checkpoint, config.model.tokenizer, base])
    reporter = _reporter(args)
    data = build_font(config, reporter)
    write_output(output, data)
    if output != STDOUT:
        reporter.note(f"wrote {output} ({len(data):,} bytes)")
    return EXIT_DONE


# shape


def _add_text_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("text", metavar="TEXT", help="the text to set; - reads it from stdin")
    parser.add_argument(
        "--features",
        default="",
        metavar="LIST",
        help="OpenType features, such as kern=0,-liga,ss01[2:5]",
    )
    parser.add_argument(
        "--variations", default="", metavar="LIST", help="axis values, such as wght=700,wdth=80"
    )
    parser.add_argument(
        "--direction", choices=("ltr", "rtl", "ttb", "btt"), help="default: guessed"
    )
    parser.add_argument(
        "--script", metavar="TAG", help="ISO 15924 tag, such as Cyrl; default: guessed"
    )
    parser.add_argument("--language", metavar="TAG", help="BCP 47 tag, such as nl")
    parser.add_argument(
        "--shaper",
        choices=("wasm", "ot"),
        help="wasm: the font's own shaper (default); ot: plain OpenType, as other hosts show it",
    )


def _read_text(args: argparse.Namespace) -> str:
    try:
        if args.text == "-":
            return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
        args.text.encode(
            "utf-8"
        )  # the shell's bytes, where they were not UTF-8, are lone surrogates
    except UnicodeError as error:
        raise FontgenError("TEXT is not UTF-8") from error
    return args.text


def _open_shaping(args: argparse.Namespace) -> Any:
    from fontgen.text.shape import ShapingFont

    return ShapingFont.open(args.font, variations=args.variations)


def _shape_options(args: argparse.Namespace) -> Any:
    from fontgen.text.shape import ShapeOptions, parse_features

    return ShapeOptions(
        features=parse_features(args.features),
        direction=args.direction,
        script=args.script,
        language=args.language,
        shaper=args.shaper,
    )


def _add_shape(commands: Any) -> None:
    parser = commands.add_parser(
        "shape",
        help="show what a font makes of a text",
        description="Shapes TEXT with FONT in the Wasm-enabled HarfBuzz and shows the text that a "
        "reader sees, recovered from the glyphs, and the glyphs. Clusters count code points of "
        "TEXT from 0; advances and offsets are in font units.",
    )
    _add_text_options(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler=_shape)


def _shape(args: argparse.Namespace) -> int:
    from fontgen.text.shape import ShapeFailed, format_table

    text = _read_text(args)
    font = _open_shaping(args)
    if not font.has_wasm and args.shaper != "ot":
        _reporter(args).note(f"{args.font}: has no Wasm table, so OpenType shapes it")
    try:
        shaped = font.shape(text, _shape_options(args))
    except ShapeFailed as error:
        print(f"fontgen: {error}", file=sys.stderr)
        return EXIT_CHECK_FAILED
    print(
        json.dumps(shaped.as_dict(), ensure_ascii=False, indent=1)
        if args.json
        else format_table(shaped)
    )
    return EXIT_DONE


# render


def _add_render(commands: Any) -> None:
    parser = commands.add_parser(
        "render",
        help="draw a text as PNG, SVG or GIF",
        description="Draws TEXT set in FONT. A GIF types it and shows the typed keys beneath.",
    )
    _add_text_options(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="IMAGE",
        help="*.png, *.svg or *.gif; - is stdout",
    )
    parser.add_argument(
        "--format", choices=("png", "svg", "gif"), help="default: by the output's name"
    )
    parser.add_argument(
        "--size", type=float, default=48, metavar="PX", help="pixels per em (default 48)"
    )
    parser.add_argument("--width", type=int, metavar="PX", help="wrap lines at this width")
    parser.add_argument(
        "--margin", type=int, default=20, metavar="PX", help="space around (default 20)"
    )
    parser.add_argument(
        "--foreground", default="black", metavar="COLOUR", help="such as black or #336699"
    )
    parser.add_argument(
        "--background", default="white", metavar="COLOUR", help="#RRGGBBAA may be transparent"
    )
    parser.set_defaults(handler=_render)


def _render(args: argparse.Namespace) -> int:
    from fontgen.files import STDOUT, check_output, write_output
    from fontgen.text.render import RenderOptions, image_format, render
    from fontgen.text.shape import ShapeFailed

    text = _read_text(args)
    kind = image_format(args.output, args.format)
    options = RenderOptions(
        size=args.size,
        width=args.width,
        margin=args.margin,
        foreground=args.foreground,
        background=args.background,
    )
    check_output(args.output, [args.font])
    reporter = _reporter(args)
    try:
        data = render(_open_shaping(args), text, kind, _shape_options(args), options, reporter)
    except ShapeFailed as error:
        print(f"fontgen: {error}", file=sys.stderr)
        return EXIT_CHECK_FAILED
    write_output(args.output, data)
    if args.output != STDOUT:
        reporter.note(f"wrote {args.output} ({len(data):,} bytes)")
    return EXIT_DONE


# inspect


def _add_inspect(commands: Any) -> None:
    parser = commands.add_parser(
        "inspect",
        help="show what a font runs",
        description="Shows what FONT would run in a host: imports, exports, memory, sizes, hashes, "
        "the model and the licences. Nothing in the font is run.",
    )
    parser.add_argument("font", type=Path, metavar="FONT")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(handler=_inspect)


def _inspect(args: argparse.Namespace) -> int:
    from fontgen.check.inspection import format_report, inspect_font

    report = inspect_font(args.font)
    print(json.dumps(report, ensure_ascii=False, indent=1) if args.json else format_report(report))
    return EXIT_DONE


# verify, eval, host


def _add_others(commands: Any) -> None:
    from fontgen.check import evaluation, verify
    from fontgen.host.native import cli as host_cli

    verify.register(commands)
    evaluation.register(commands)
    host_cli.register(commands)
