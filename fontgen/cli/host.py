"""``fontgen host``: the HarfBuzz that runs these fonts, built or found."""

from __future__ import annotations

import argparse

from fontgen.cli.common import print_json, reporter
from fontgen.errors import FontgenError
from fontgen.host import native
from fontgen.host.browser import builder as browser


def build(args: argparse.Namespace) -> int:
    """Build the host unless it is there, and print its directory; of the browser's, the file."""
    if args.browser:
        print(browser.ensure_built(reporter(args), force=args.force))
        return 0
    print(native.build(force=args.force, quiet=args.quiet).directory)
    return 0


def path(args: argparse.Namespace) -> int:
    """Print where the host's libraries are."""
    found = native.find()
    if found is None:
        raise FontgenError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
    if args.json:
        print_json(
            {
                "directory": str(found.directory),
                "library": str(found.library),
                "library_directory": str(found.library_directory),
                "python_directory": str(found.python_directory) if found.has_uharfbuzz else None,
                "versions": found.versions,
            }
        )
    else:
        print(found.library_directory)
    return 0
