"""Recipes: what a training configuration may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from fontgen.errors import FontgenError
from model.recipe import read_recipe

RECIPES = Path(__file__).parents[2] / "model" / "recipes"
LEAST = """
[model]
dim = 8
n_layers = 1
n_heads = 1
n_kv_heads = 1
hidden_dim = 8
vocab_size = 300
max_seq_len = 16
[data]
folder = "data"
vocab_size = 300
sources = [{ name = "text", path = "text.txt" }]
[train]
run = "run"
steps = 1
phases = [{ until = 1, mixture = { text = 1 } }]
"""


@pytest.mark.parametrize(
    "path", sorted(path for path in RECIPES.rglob("*.toml") if path.stem != "make"), ids=str
)
def test_every_recipe_is_one(path: Path) -> None:
    recipe = read_recipe(path)
    names = {source.name for source in recipe.data.sources}
    names |= {f"{source.name}-renamed" for source in recipe.data.sources if source.renamed}
    for phase in recipe.train.phases:
        for name in phase.mixture:
            assert name in names or name.endswith("?") or path.stem == "refine"


@pytest.mark.parametrize("name", ["teacher", "student"])
def test_recipe_that_extends_another(name: str) -> None:
    recipe, extended = read_recipe(RECIPES / f"{name}.toml"), read_recipe(RECIPES / "train.toml")
    assert (recipe.model == extended.model) is (name == "student")
    assert recipe.data == extended.data
    assert recipe.train.clip == extended.train.clip
    assert recipe.train.run != extended.train.run
    assert recipe.train.phases != extended.train.phases


def test_arguments_take_the_place_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(LEAST)
    assert read_recipe(path).train.steps == 1
    train = read_recipe(path, minutes=2.0, run="elsewhere", seed=None).train
    assert (train.minutes, train.steps, train.run, train.seed) == (2.0, None, "elsewhere", 1)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("dim = 8\n", "dim = 8\ndimension = 8\n", r"unknown key 'dimension' in \[model\]"),
        ("dim = 8\n", 'dim = "8"\n', r"model\.dim must be a whole number"),
        ("dim = 8\n", "", "model lacks dim"),
        ('path = "text.txt"', 'path = "t", hub = "h"', "one of path, hub and grammar"),
        ('path = "text.txt"', 'path = "t", blank_lines = "x"', "'x' is not one of also, only"),
        ("steps = 1", "steps = 1\nminutes = 1", "either steps or minutes"),
        ("until = 1,", "until = 0.5,", r"lasts until = 1\.0"),
        ("text = 1 }", 'text = "much" }', "must be a number"),
        ("steps = 1", 'steps = 1\nstart = "a"\nbase = "b"', "exclude each other"),
        ("[data]", "[data]\nleave_out = 'heldout.txt'", "leave_out must be a list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    assert LEAST.count(before) == 1 or before == "dim = 8\n"
    path.write_text(LEAST.replace(before, after, 1))
    with pytest.raises(FontgenError, match=message) as raised:
        read_recipe(path)
    assert str(path) in str(raised.value)
