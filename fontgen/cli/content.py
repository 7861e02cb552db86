"""``fontgen content``: what a font without Wasm is made of, told by a model."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from fontgen.automaton.content.cast import read_cast
from fontgen.automaton.content.format import content_bytes
from fontgen.automaton.content.maker import Sources, make_content, prompts_in
from fontgen.automaton.content.texts import TextSource
from fontgen.cli.common import reporter
from fontgen.files import check_output, write_output
from fontgen.llama.checkpoints import load
from fontgen.llama.checkpoints.hub import default_model_path
from fontgen.typed_toml import read_toml


@dataclass(frozen=True)
class ContentOptions:
    """``[content]``: a checkpoint, by default fontgen's own; a cast; files of whole prompts; of how many openings, the
    commonest, the model tells bridges."""

    cast: Path
    prompts: list[Path] = field(default_factory=list)
    checkpoint: Path | None = None
    openings: int | None = None


@dataclass(frozen=True)
class TextOptions:
    """``[[texts]]``. ``half``: leave out half of the stories, to measure by. ``sentences``: learn from how each of
    their sentences begins, not from the texts' beginnings alone."""

    path: str
    half: bool = False
    sentences: bool = False


@dataclass(frozen=True)
class Recipe:
    """A recipe. Paths are relative to its folder, those of texts to the working folder, as in training."""

    content: ContentOptions
    texts: list[TextOptions] = field(default_factory=list)


def content(args: argparse.Namespace) -> int:
    """Tell, read, and write the content."""
    recipe = read_toml(args.recipe, Recipe)
    checkpoint = args.model or recipe.content.checkpoint or default_model_path()
    check_output(args.output, [args.recipe, recipe.content.cast, checkpoint])
    sources = Sources(
        read_cast(recipe.content.cast),
        [TextSource(Path(text.path), text.half, text.sentences) for text in recipe.texts],
        [prompt for path in recipe.content.prompts for prompt in prompts_in(path)],
        args.limit or recipe.content.openings,
    )
    report = reporter(args)
    with report.steps(total=5) as steps:
        steps.begin("Reading the checkpoint")
        made = make_content(load(checkpoint), sources, args.work, steps)
    data = content_bytes(made, compress=args.output.suffix == ".xz")
    write_output(args.output, data)
    ends = len(made.ends_with_hero) + len(made.ends_without_hero)
    report.note(f"wrote {args.output} ({len(data):,} bytes): {ends:,} known ends of prompts")
    return 0
