"""``fontgen build``: a font from a configuration."""

from __future__ import annotations

import argparse

from fontgen.build import build_font
from fontgen.cli.common import reporter
from fontgen.config import Config, read_config
from fontgen.files import STDOUT, check_output, write_output
from fontgen.font.file import split_member
from fontgen.font.woff import pack


def build(args: argparse.Namespace) -> int:
    """Build the font of ``CONFIG.toml`` and the flags, and write it."""
    config = read_config(args.config) if args.config else Config()
    config = config.override(
        model={
            "checkpoint": args.model,
            "tokenizer": args.tokenizer,
            "context_length": args.context,
        },
        font={
            "base": args.base,
            "index": args.base_index,
            "family": args.family,
            "output": args.output,
        },
        quantise={
            "bits": args.bits,
            "kv_cache_bits": args.kv_cache_bits,
            "method": args.method,
        },
        shaper={"flavour": args.flavour},
    )
    output = config.font.output
    base = split_member(config.font.base)[0] if config.font.base else None
    inputs = [config.path, config.model.checkpoint, config.model.tokenizer, base]
    check_output(output, [*inputs, config.program_path()])
    report = reporter(args)
    data = pack(build_font(config, report), output.suffix)
    write_output(output, data)
    if output != STDOUT:
        report.note(f"wrote {output} ({len(data):,} bytes)")
    return 0
