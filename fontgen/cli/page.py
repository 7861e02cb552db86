"""``fontgen page``: a font that runs in any browser, as one file or as a folder."""

from __future__ import annotations

import argparse
import os
import webbrowser
from pathlib import Path

from fontgen.cli.common import reporter
from fontgen.cli.text_options import features_of
from fontgen.errors import FontgenError
from fontgen.files import STDOUT, check_output, write_output
from fontgen.font.file import split_member
from fontgen.host.browser.page import PageFont, PageOptions, one_file, write_folder


def page(args: argparse.Namespace) -> int:
    """Write the page of FONT, or a page for each."""
    report = reporter(args)
    features_of(args)  # raises an error for what is none
    fonts = [PageFont.open(path) for path in args.fonts]
    for path, font in zip(args.fonts, fonts, strict=True):
        if font.kind == "opentype":
            report.note(f"{path}: has no Wasm table, so its page shows it by OpenType")
    options = PageOptions(args.text, args.features)
    name = args.output or args.fonts[0].with_suffix(".html").name
    output = Path(name)
    if name.endswith(("/", os.sep)) or output.is_dir():
        written = write_folder(fonts, options, output, report)
        report.note(f"wrote {output} ({len(written)} files)")
        output /= "index.html"
    elif len(fonts) > 1:
        raise FontgenError(
            "is no folder, which several fonts need: write it with / at its end", path=output
        )
    else:
        check_output(output, [split_member(font)[0] for font in args.fonts])
        data = one_file(fonts[0], options, report)
        write_output(output, data)
        if output != STDOUT:
            report.note(f"wrote {output} ({len(data):,} bytes)")
    if args.open:
        if output == STDOUT:
            raise FontgenError("--open needs a file: name one with -o")
        webbrowser.open(output.resolve().as_uri())
    return 0
