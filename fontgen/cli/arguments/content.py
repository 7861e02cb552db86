"""``fontgen content``"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    """Add the command to what `argparse.ArgumentParser.add_subparsers` returned."""
    parser = commands.add_parser(
        "content",
        help="let a model tell what a font without Wasm is made of",
        description="Writes the content file of a font of the program `automaton`: a model continues "
        "openings and tells stories, filters read them. Takes hours; what was told is kept in the "
        "working folder, so that it may be interrupted.",
    )
    parser.add_argument(
        "recipe", type=Path, metavar="RECIPE.toml", help="such as model/content/recipe.toml"
    )
    parser.add_argument("--model", type=Path, help="checkpoint, instead of the recipe's")
    parser.add_argument(
        "--work", type=Path, metavar="FOLDER", default=Path("build/content"),
        help="where what was told is kept (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=int, metavar="N", help="tell only the first N openings, the commonest ends"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="CONTENT.json.xz")
    parser.set_defaults(handler="fontgen.cli.content:content")
