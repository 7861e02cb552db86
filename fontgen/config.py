"""The font configuration: one TOML file says which model goes into which font, and how.

The same names serve as flags, which override the file::

    [model]
    checkpoint = "../model"       # file, folder or known name; default: fontgen's own model
    tokenizer = "tok4096.model"   # default: the one beside the checkpoint that fits

    [font]
    base = "Some.ttf"             # default: Roboto Regular
    index = 1                     # member of a collection
    family = "Llama TTF Sans"     # default: chosen by the looks of the base font
    output = "llama.ttf"

    [quantise]
    bits = 8

    [shaper]
    flavour = "universal"         # or "simd128" or "portable" alone
    kept_marks = 3                # exclamation marks of a run that stay exclamation marks
    max_tokens_per_call = 1000    # bound on the work of one call

    [replace]
    "(c)" = "©"                   # what is typed, and what is shown instead

Paths in the file are relative to its folder; paths on the command line to the working folder.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints.hub import KNOWN as KNOWN_MODELS
from fontgen.llama.tables import Settings
from fontgen.shapers.flavours import MODULES, UNIVERSAL
from fontgen.typed_toml import names, not_in_toml, read_toml


@dataclass(frozen=True)
class ModelOptions:
    """``[model]``. None means the default of each."""

    checkpoint: Path | None = names(None, KNOWN_MODELS)
    tokenizer: Path | None = None


@dataclass(frozen=True)
class FontOptions:
    """``[font]``. ``base`` may end in ``#1``, a member; ``Path("-")`` as output is stdout."""

    base: Path | None = None
    index: int | None = None
    family: str | None = None
    output: Path = Path("llama.ttf")


@dataclass(frozen=True)
class QuantiseOptions:
    """``[quantise]``."""

    bits: int = 8


@dataclass(frozen=True)
class ShaperOptions:
    """``[shaper]``. See `fontgen.llama.tables.Settings` for the two numbers."""

    flavour: str = UNIVERSAL
    kept_marks: int = Settings.kept_marks
    max_tokens_per_call: int = Settings.max_tokens_per_call


@dataclass(frozen=True)
class Config:
    """A whole font configuration. `Config()` builds the default font into the working folder."""

    model: ModelOptions = field(default_factory=ModelOptions)
    font: FontOptions = field(default_factory=FontOptions)
    quantise: QuantiseOptions = field(default_factory=QuantiseOptions)
    shaper: ShaperOptions = field(default_factory=ShaperOptions)
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
        if self.font.family is not None and not self.font.family.strip():
            self._refuse("font.family", "is empty")

    def settings(self) -> Settings:
        """What the shaper itself is told, for the font table of the settings."""
        return Settings(
            self.shaper.kept_marks, self.shaper.max_tokens_per_call, tuple(self.replace.items())
        )

    def override(self, **sections: dict[str, Any]) -> Config:
        """A copy in which the given values replace the file's; those that are None change nothing.

        >>> Config().override(quantise={"bits": 4}, shaper={"flavour": None}).quantise.bits
        4
        """
        changes = {}
        for section, values in sections.items():
            given = {key: value for key, value in values.items() if value is not None}
            changes[section] = dataclasses.replace(getattr(self, section), **given)
        return dataclasses.replace(self, **changes)

    def _refuse(self, key: str, cause: str) -> None:
        raise FontgenError(f"{key}: {cause}", path=self.path)


def read_config(path: Path) -> Config:
    """Read a TOML font configuration.

    Raises:
        FontgenError: the file cannot be read, is not TOML, has a section or key that is not known,
            or a value of the wrong type or out of range. Names the file and the key.
    """
    config = dataclasses.replace(read_toml(path, Config), path=path)
    config.check()
    return config
