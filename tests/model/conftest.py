"""A tiny model, trained from a text of its own: what the tests of training share."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from fontgen.llama.documents import SEPARATOR
from model.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "model" / "recipes"
LOSS = 0.45
"""Nats per token that the tiny model must reach on stories it has not seen. It starts above 5;
one that knows the sentences by heart, but forgets who is in them, stays near 0.3."""


def stories(count: int) -> list[str]:
    """Stories of one plot: who lost what, and where it is found."""
    rng = random.Random(7)
    written = []
    for _ in range(count):
        who = rng.choice(("fox", "bear", "owl", "mouse", "frog", "hen"))
        thing = rng.choice(("ball", "hat", "kite", "drum"))
        place = rng.choice(("tree", "house", "river"))
        written.append(
            f"Once upon a time there was a little {who}. The {who} had lost a {thing}.\n"
            f'"Where is my {thing}?" said the {who}. The {thing} was in the {place}.\n'
            f"The {who} ran to the {place} and found the {thing}. The {who} was happy."
        )
    return written


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """tiny.toml with its folders moved and its text written."""
    folder = tmp_path_factory.mktemp("training")
    text = folder / "stories.txt"
    text.write_text(f"\n{SEPARATOR}\n".join(stories(400)))
    read = read_recipe(RECIPES / "tiny.toml", run=str(folder / "run"))
    source = replace(read.data.sources[0], path=str(text))
    data = replace(read.data, folder=str(folder / "data"), sources=(source,))
    return replace(read, data=data)


@pytest.fixture(scope="session")
def trained(recipe: Recipe) -> Path:
    """The exported weights of a whole run, which must have reached the loss."""
    for package in ("torch", "matplotlib", "sentencepiece"):
        pytest.importorskip(package)
    from model.training.export import export
    from model.training.train import train

    assert train(recipe) < LOSS
    run = Path(recipe.train.run)
    export(run, run.parent / "weights", run.parent / "model.bin")
    return run.parent / "weights"
