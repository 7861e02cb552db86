"""What is damaged, and the commands that see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.ttLib import TTFont
from support import checkpoint_writers
from support.base_fonts import make_font, saved
from support.built_fonts import build_on
from support.paths import REPOSITORY

from fontgen.font.base import default_base_path
from mutants.damage import damaged, damaged_json, damaged_text

TEXT = "The cat! abc fi"
STORY = "abc!!!!!!!!"
DEFAULT_FONT = REPOSITORY / "fonts" / "llama.ttf"
TOML = b"""[font]
family = "Boxes"
[quantise]
bits = 8
[shaper]
flavour = 'portable'
kept_marks = 3
max_tokens_per_call = 100
[replace]
"abc" = "cab"
"""

FEATURES = """
    languagesystem DFLT dflt; languagesystem latn dflt; languagesystem latn TRK;
    feature liga { sub uni0066 uni0069 by uni0078; } liga;
    feature ss01 { sub uni0061 by uni007A; } ss01;
    feature calt { sub uni0062 uni0063' by uni0065; } calt;
    feature kern { pos uni0061 uni0062 -40; } kern;
"""


Commands = Callable[[Path, Path], Iterator[list[str | Path]]]


@dataclass(frozen=True)
class Subject:
    """A file to damage.

    file_name: of the mutant, whose suffix may tell its kind.
    commands: given the mutant's path and a folder to write in, the arguments of each.
    folder: where the mutant must lie, beside files that belong to it.
    at_once: mutants tried in one process.
    """

    name: str
    file_name: str
    data: bytes
    commands: Commands
    damage: Callable[[bytes, int], bytes] = damaged
    folder: Path | None = None
    at_once: int = 50


def subjects(folder: Path, fonts: Sequence[Path] = ()) -> list[Subject]:
    """All of them, with what they need beside them in ``folder``; other base fonts, too, if wanted."""
    checkpoint = checkpoint_writers.write_llama2c(folder, checkpoint_writers.random_model())
    base = folder / "base.ttf"
    base.write_bytes(saved(_plain()))
    return [
        *_finished_fonts(base),
        *_base_fonts(checkpoint, fonts),
        Subject("TOML", "mutant.toml", TOML, _configured(checkpoint, base), damaged_text),
        *_checkpoints(folder, base),
        *_tokenizers(checkpoint, base),
    ]


def _finished_fonts(base: Path) -> Iterator[Subject]:
    def looked_at(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield ["inspect", mutant, "--json"]
        yield ["shape", mutant, TEXT]
        yield ["shape", mutant, STORY]

    fonts = {"a font of fontgen": build_on(base)}
    if DEFAULT_FONT.exists():
        fonts["the default font"] = DEFAULT_FONT.read_bytes()
    for name, data in fonts.items():
        # A host does not run a program again that has failed, for a minute: one process each.
        yield Subject(name, "mutant.ttf", data, looked_at, at_once=1)


def _base_fonts(checkpoint: Path, others: Sequence[Path]) -> Iterator[Subject]:
    def built(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield ["build", "-q", "--model", checkpoint, "--base", mutant, "-o", output / "out.ttf"]

    yield Subject("Roboto", "mutant.ttf", default_base_path().read_bytes(), built)
    yield Subject("a TrueType font", "mutant.ttf", saved(_plain(variable=True)), built)
    yield Subject("a CFF font", "mutant.otf", saved(_plain(cff=True)), built)
    for path in others:
        yield Subject(path.name, f"mutant{path.suffix}", path.read_bytes(), built)


def _configured(checkpoint: Path, base: Path) -> Commands:
    def commands(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield [
            "build", "-q", mutant, "--model", checkpoint, "--base", base, "-o", output / "out.ttf",
        ]  # fmt: skip

    return commands


def _checkpoints(folder: Path, base: Path) -> Iterator[Subject]:
    """Among them each file of a Hugging Face folder."""

    def read(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        model = mutant if mutant.suffix == ".gguf" else mutant.parent
        yield ["build", "-q", "--model", model, "--base", base, "-o", output / "out.ttf"]

    gguf = checkpoint_writers.write_gguf(folder / "model.gguf", checkpoint_writers.random_model())
    yield Subject("GGUF", "mutant.gguf", gguf.read_bytes(), read)
    for name in ("model.safetensors", "config.json", "tokenizer.model"):
        own = checkpoint_writers.write_huggingface(
            folder / Path(name).stem, checkpoint_writers.random_model()
        )
        data = (own / name).read_bytes()
        damage = damaged_json if name == "config.json" else damaged
        yield Subject(f"folder, {name}", name, data, read, damage, own)


def _tokenizers(checkpoint: Path, base: Path) -> Iterator[Subject]:
    def commands(mutant: Path, output: Path) -> Iterator[list[str | Path]]:
        yield [
            "build", "-q", "--model", checkpoint, "--tokenizer", mutant, "--base", base,
            "-o", output / "out.ttf",
        ]  # fmt: skip

    data = json.dumps(checkpoint_writers.tokenizer_json()).encode()
    yield Subject("tokenizer.json, bytes", "mutant.json", data, commands)
    yield Subject("tokenizer.json, values", "mutant.json", data, commands, damaged_json)


def _plain(**kind: bool) -> TTFont:
    font = make_font(**kind)
    addOpenTypeFeaturesFromString(font, FEATURES)
    return font
