"""What is damaged, and the commands that see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from support import checkpoint_writers
from support.base_fonts import make_font, saved
from support.built_fonts import build_on

from fontgen.font.base import default_base_path
from mutants.damage import damaged, damaged_text

TEXT = "The cat! abc fi"
STORY = "abc!!!!!!!!"

FEATURES = """
    languagesystem DFLT dflt; languagesystem latn dflt; languagesystem latn TRK;
    feature liga { sub uni0066 uni0069 by uni0078; } liga;
    feature ss01 { sub uni0061 by uni007A; } ss01;
    feature calt { sub uni0062 uni0063' by uni0065; } calt;
    feature kern { pos uni0061 uni0062 -40; } kern;
"""


@dataclass(frozen=True)
class Subject:
    """A file to damage.

    commands: given the mutant's path and a folder to write in, the arguments of each.
    """

    name: str
    suffix: str
    data: bytes
    commands: Callable[[Path, Path], Iterator[list[str | Path]]]
    damage: Callable[[bytes, int], bytes] = damaged
    mutate_in: Path | None = None
    """The folder that the mutant must lie in, beside files that belong to it."""


def subjects(folder: Path) -> list[Subject]:
    """All of them, with what they need beside them in ``folder``."""
    checkpoint = checkpoint_writers.write_llama2c(folder, checkpoint_writers.random_model())
    base = folder / "base.ttf"
    base.write_bytes(saved(_plain()))

    def inspected(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield ["inspect", mutant, "--json"]
        yield ["shape", mutant, TEXT]
        yield ["shape", mutant, STORY]

    def based_on(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield ["build", "-q", "--model", checkpoint, "--base", mutant, "-o", output / "out.ttf"]

    def configured(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield [
            "build", "-q", mutant, "--model", checkpoint, "--base", base, "-o", output / "out.ttf",
        ]  # fmt: skip

    folder_of_hub = checkpoint_writers.write_huggingface(
        folder / "hub", checkpoint_writers.random_model()
    )
    gguf = checkpoint_writers.write_gguf(folder / "model.gguf", checkpoint_writers.random_model())
    tokenizer = json.dumps(checkpoint_writers.tokenizer_json()).encode()

    def read(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield ["build", "-q", "--model", mutant, "--base", base, "-o", output / "out.ttf"]

    def with_tokenizer(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield [
            "build", "-q", "--model", checkpoint, "--tokenizer", mutant, "--base", base,
            "-o", output / "out.ttf",
        ]  # fmt: skip

    toml = (
        "[font]\nfamily = \"Boxes\"\n[quantise]\nbits = 8\n[shaper]\nflavour = 'portable'\n"
        'kept_marks = 3\nmax_tokens_per_call = 100\n[replace]\n"abc" = "cab"\n'
    )
    return [
        Subject("a font of fontgen", ".ttf", build_on(base), inspected),
        Subject("Roboto", ".ttf", default_base_path().read_bytes(), based_on),
        Subject("a TrueType font", ".ttf", saved(_plain(variable=True)), based_on),
        Subject("a CFF font", ".otf", saved(_plain(cff=True)), based_on),
        Subject("TOML", ".toml", toml.encode(), configured, damaged_text),
        Subject("GGUF", ".gguf", gguf.read_bytes(), read),
        Subject(
            "safetensors",
            ".safetensors",
            (folder_of_hub / "model.safetensors").read_bytes(),
            read,
            mutate_in=folder_of_hub,
        ),
        Subject("tokenizer.json, bytes", ".json", tokenizer, with_tokenizer),
        Subject("tokenizer.json, words", ".json", tokenizer, with_tokenizer, damaged_text),
    ]


def _plain(**kind: bool):
    font = make_font(**kind)
    addOpenTypeFeaturesFromString(font, FEATURES)
    return font
