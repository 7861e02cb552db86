"""The font configuration: one TOML file says which program goes into which font, and how.

The same names serve as flags, which override the file::

    [model]
    checkpoint = "../model"       # file, folder or known name; default: fontgen's own model
    tokenizer = "tok4096.model"   # default: the one beside the checkpoint that fits
    context_length = 512          # positions; default: the model's own, at most 2,048

    [font]
    base = "Some.ttf"             # default: Roboto Regular
    index = 1                     # member of a collection
    family = "Llama TTF Sans"     # default: chosen by the looks of the base font
    output = "llama.ttf"

    [quantise]
    bits = 8                      # of a weight; 4 halves the font
    kv_cache_bits = 32            # of what the model remembers of each token; 16 takes half the memory
    method = "gptq"               # how 4 bits are chosen: "search" is quicker and worse, "absmax" more so

    [shaper]
    program = "llama"             # what the font does; see below
    flavour = "universal"         # or "simd128" or "portable" alone
    kept_marks = 3                # exclamation marks of a run that stay exclamation marks
    max_tokens_per_call = 1000    # bound on the work of one call

    [sampling]                    # where the caller's features (TEMP and so on) say nothing else
    temperature = 0.7             # 0: always the most likely token
    top_p = 0.9                   # among the likeliest tokens with this share of the probability
    top_k = 40                    # among so many likeliest tokens; 0: all
    seed = 0                      # chooses among the possible continuations
    no_repeat = 8                 # no sequence of so many tokens is told twice; 0: any may be

    [prompt]                      # what the model reads around typed text; special tokens by name
    chat = true                   # as the checkpoint's own chat template has it, for turns of a user
    before = "<|user|>"           # or by hand: at the beginning,
    after = "<|assistant|>"       # behind typed text,
    between = "<|end|><|user|>"   # and behind an answer, where a second run goes on with a further turn
    stop = ["<|end|>"]            # tokens that end a run, besides those that the checkpoint names

    [replace]
    "(c)" = "©"                   # what is typed, and what is shown instead

Other programs are ``tetromino``, ``maze`` and ``chess``, which show pictures; ``gsub-maze``, which needs no
Wasm; a folder of C files; and a ``.wasm`` file. They have these keys instead of those of the language model::

    [shaper]
    program = "tetromino"

    [picture]
    trigger = "blocks"            # the word that a picture begins with
    cell = 0.5                    # width of a cell, in em
    lines = "tall"                # lines as high as a picture; "em": as high as the base font's
    rows = 22                     # cells that a tall line has room for
    palette = "night"             # the one that is shown where nobody chooses another
    maze = "12x12,wilson,7"       # for "gsub-maze" alone: the maze that is in the font

    [picture.colours]
    I = "#00bcd4"                 # colours of that palette

    [picture.shapes]              # for a program of one's own: SVG paths in hundredths of a cell
    block = [{ path = "M4 4V96H96V4Z", colour = "#e53935" }]

The program ``automaton`` tells stories without Wasm, those of a content file::

    [shaper]
    program = "automaton"

    [automaton]
    content = "content.json.xz"   # default: fontgen's own; see fontgen/automaton/content/format.py

Paths in the file are relative to its folder; paths on the command line to the working folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints.known import KNOWN as KNOWN_MODELS
from fontgen.llama.quantise.methods import Method
from fontgen.llama.tables import Settings
from fontgen.shapers.flavours import MODULES, UNIVERSAL
from fontgen.typed_toml import keys_in, names, not_in_toml, read_toml

LLAMA, GSUB_MAZE, AUTOMATON = "llama", "gsub-maze", "automaton"
PROGRAM_NAMES = (LLAMA, "tetromino", "maze", "chess", GSUB_MAZE, AUTOMATON)

_OF_LLAMA = (
    "model",
    "prompt",
    "quantise",
    "replace",
    "sampling",
    "shaper.flavour",
    "shaper.kept_marks",
    "shaper.max_tokens_per_call",
)
"""Sections and keys that only the language model has."""


@dataclass(frozen=True)
class ModelOptions:
    """``[model]``. None means the default of each."""

    checkpoint: Path | None = names(None, KNOWN_MODELS)
    tokenizer: Path | None = None
    context_length: int | None = None


@dataclass(frozen=True)
class FontOptions:
    """``[font]``. ``base`` may end in ``#1``, a member; ``Path("-")`` as output is stdout."""

    base: Path | None = None
    index: int | None = None
    family: str | None = None
    output: Path = Path("llama.ttf")


@dataclass(frozen=True)
class QuantiseOptions:
    """``[quantise]``. ``method`` matters at 4 bits."""

    bits: int = 8
    kv_cache_bits: Literal[32, 16] = 32
    method: Method = "gptq"


@dataclass(frozen=True)
class ShaperOptions:
    """``[shaper]``. See `fontgen.llama.tables.Settings` for the two numbers."""

    program: Path = names(Path(LLAMA), PROGRAM_NAMES)
    """One of `PROGRAM_NAMES`, or a folder of C files, or a ``.wasm`` file."""
    flavour: str = UNIVERSAL
    kept_marks: int = Settings.kept_marks
    max_tokens_per_call: int = Settings.max_tokens_per_call


@dataclass(frozen=True)
class LayerOptions:
    """A layer of a shape: an SVG path, and a colour or its name; without one, the text's."""

    path: str
    colour: str = ""


@dataclass(frozen=True)
class PictureOptions:
    """``[picture]``. None means what the program says."""

    trigger: str | None = None
    cell: float | None = None
    lines: Literal["tall", "em"] = "tall"
    rows: float | None = None
    palette: str | None = None
    maze: str | None = None
    """For ``gsub-maze``: size, method and seed, as they are typed into the maze font."""
    colours: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, str | list[LayerOptions]] = field(default_factory=dict)


@dataclass(frozen=True)
class SamplingOptions:
    """``[sampling]``. See `fontgen.llama.tables.Settings`, which counts the first two in hundredths."""

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = Settings.top_k
    seed: int = Settings.seed
    no_repeat: int = Settings.no_repeat


@dataclass(frozen=True)
class AutomatonOptions:
    """``[automaton]``. None means fontgen's own content."""

    content: Path | None = None


@dataclass(frozen=True)
class PromptOptions:
    """``[prompt]``. See `fontgen.llama.frame`."""

    chat: bool = False
    before: str = ""
    after: str = ""
    between: str = ""
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Config:
    """A whole font configuration. `Config()` builds the default font into the working folder."""

    model: ModelOptions = field(default_factory=ModelOptions)
    font: FontOptions = field(default_factory=FontOptions)
    quantise: QuantiseOptions = field(default_factory=QuantiseOptions)
    shaper: ShaperOptions = field(default_factory=ShaperOptions)
    picture: PictureOptions = field(default_factory=PictureOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    prompt: PromptOptions = field(default_factory=PromptOptions)
    automaton: AutomatonOptions = field(default_factory=AutomatonOptions)
    replace: dict[str, str] = field(default_factory=dict)
    """``[replace]``: words of the typed text and what is shown instead."""
    path: Path | None = not_in_toml(None)
    """The file that this came from, named in errors."""

    def check(self) -> None:
        """Raise `FontgenError` when a value is out of its range."""
        if self.shaper.flavour not in MODULES:
            self._refuse(
                "shaper.flavour", f"{self.shaper.flavour!r} is not one of {', '.join(MODULES)}"
            )
        with naming(self.path):
            self.settings().check()
        prompt = self.prompt
        if prompt.chat and (prompt.before or prompt.after or prompt.between):
            self._refuse(
                "prompt.chat", "is the checkpoint's own frame: before, after or between are another"
            )
        if self.font.family is not None and not self.font.family.strip():
            self._refuse("font.family", "is empty")
        for key, value in (("cell", self.picture.cell), ("rows", self.picture.rows)):
            if value is not None and not value > 0:
                self._refuse(f"picture.{key}", f"is {value:g}, not above 0")
        program = self.program_path()
        if program and not (program.is_dir() or (program.suffix == ".wasm" and program.is_file())):
            known = ", ".join(PROGRAM_NAMES)
            self._refuse(
                "shaper.program",
                f"{str(program)!r} is none of {known}, and there is no such folder or .wasm file",
            )

    @property
    def program(self) -> str:
        """What the font does: one of `PROGRAM_NAMES`, or a path."""
        return str(self.shaper.program)

    def program_path(self) -> Path | None:
        """The folder or file of a program of one's own."""
        return None if self.program in PROGRAM_NAMES else self.shaper.program

    def settings(self) -> Settings:
        """What the shaper itself is told, for the font table of the settings."""
        temperature = self._hundredths("temperature")
        top_p = self._hundredths("top_p")
        if top_p == 0:
            self._refuse("sampling.top_p", "is 0, which leaves no token; 1 leaves all")
        return Settings(
            kept_marks=self.shaper.kept_marks,
            max_tokens_per_call=self.shaper.max_tokens_per_call,
            replacements=tuple(self.replace.items()),
            temperature=temperature,
            top_p=0 if top_p == 100 else top_p,
            top_k=self.sampling.top_k,
            seed=self.sampling.seed,
            no_repeat=self.sampling.no_repeat,
        )

    def _hundredths(self, key: str) -> int:
        value: float = getattr(self.sampling, key)
        if not 0 <= value <= 1000 or abs(value * 100 - round(value * 100)) > 1e-6:
            self._refuse(f"sampling.{key}", f"{value} is no number of whole hundredths")
        return round(value * 100)

    def override(self, **sections: dict[str, Any]) -> Config:
        """A copy in which the given values replace the file's; those that are None change nothing.

        >>> Config().override(quantise={"bits": 4}, shaper={"flavour": None}).quantise.bits
        4
        """
        changes = {}
        for section, values in sections.items():
            given = {key: value for key, value in values.items() if value is not None}
            self._check_owner([f"{section}.{key}" for key in given])
            changes[section] = dataclasses.replace(getattr(self, section), **given)
        return dataclasses.replace(self, **changes)

    def _check_owner(self, keys: Iterable[str]) -> None:
        """Refuse a key that belongs to another program than the font's."""
        foreign = [] if self.program == LLAMA else [*_OF_LLAMA]
        if self.program in (LLAMA, AUTOMATON):
            foreign.append("picture")
        if self.program != GSUB_MAZE:
            foreign.append("picture.maze")
        if self.program != AUTOMATON:
            foreign.append("automaton")
        for key in keys:
            if key in foreign or key.partition(".")[0] in foreign:
                self._refuse(key, f"does not belong to the program {self.program!r}")

    def _refuse(self, key: str, cause: str) -> None:
        raise FontgenError(f"{key}: {cause}", path=self.path)


def read_config(path: Path) -> Config:
    """Read a TOML font configuration.

    Raises:
        FontgenError: the file cannot be read, is not TOML, has a section or key that is not known,
            or a value of the wrong type or out of range. Names the file and the key.
    """
    config = dataclasses.replace(read_toml(path, Config), path=path)
    keys = list(keys_in(path))
    config._check_owner(keys)
    if config.program != LLAMA and "font.output" not in keys:
        stem = config.shaper.program.resolve().stem
        config = config.override(font={"output": Path(f"{stem}.ttf")})
    config.check()
    return config
