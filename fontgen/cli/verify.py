"""``fontgen verify``: a font against the references."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict

from fontgen.check.automaton import RANDOM_TEXTS, verify_automaton_font
from fontgen.check.pictures import program_of, verify_picture_font
from fontgen.check.verify import N_TOKENS, verify_font
from fontgen.cli.common import print_json, reporter
from fontgen.errors import FontgenError
from fontgen.font.tables import WASM_TAG
from fontgen.font.tale import TALE_TAG
from fontgen.text.shape import ShapingFont

TIMEOUT_MS = 60_000
"""For a call of the host, unless its user says otherwise: what is slow on a busy machine is not wrong."""
VERDICTS = {True: "ok    ", False: "FAILED", None: "note  "}


def verify(args: argparse.Namespace) -> int:
    """Print what was compared; 1: a comparison failed."""
    if args.tokens is not None and args.tokens < 1:
        raise FontgenError(f"--tokens {args.tokens}: at least one token is needed")
    if args.texts is not None and args.texts < 1:
        raise FontgenError(f"--texts {args.texts}: at least one text is needed")
    os.environ.setdefault("FONTGEN_WASM_TIMEOUT_MS", str(TIMEOUT_MS))
    prompts = tuple(args.prompt) if args.prompt else None
    font = ShapingFont.open(args.font)
    module = bytes(font.face.reference_table(WASM_TAG).data)
    if module and program_of(module):
        checks = verify_picture_font(font, module, reporter=reporter(args))
    elif bytes(font.face.reference_table(TALE_TAG).data):
        checks = verify_automaton_font(
            font,
            content=args.content,
            prompts=prompts or (),
            marks=args.tokens or N_TOKENS,
            texts=args.texts or RANDOM_TEXTS,
            reporter=reporter(args),
        )
    else:
        checks = verify_font(
            args.font, n_tokens=args.tokens, prompts=prompts, reporter=reporter(args)
        )
    if args.json:
        print_json({"font": str(args.font), "checks": [asdict(check) for check in checks]})
    elif not args.quiet:
        for check in checks:
            print(f"{VERDICTS[check.passed]}  {check.name}: {check.detail}")
    return 1 if any(check.passed is False for check in checks) else 0
