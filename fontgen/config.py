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
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints.hub import KNOWN as KNOWN_MODELS
from fontgen.llama.tables import Settings
from fontgen.shapers.flavours import MODULES, UNIVERSAL

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class ModelOptions:
    """``[model]``. None means the default of each."""

    checkpoint: Path | None = None
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
    path: Path | None = None
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


_SECTIONS: dict[str, type] = {
    "model": ModelOptions,
    "font": FontOptions,
    "quantise": QuantiseOptions,
    "shaper": ShaperOptions,
}

# What each value must be; a `Path` is a string in TOML.
_KEYS: dict[str, dict[str, type]] = {
    "model": {"checkpoint": Path, "tokenizer": Path},
    "font": {"base": Path, "index": int, "family": str, "output": Path},
    "quantise": {"bits": int},
    "shaper": {"flavour": str, "kept_marks": int, "max_tokens_per_call": int},
}


def read_config(path: Path) -> Config:
    """Read a TOML font configuration.

    Raises:
        FontgenError: the file cannot be read, is not TOML, has a section or key that is not known,
            or a value of the wrong type or out of range. Names the file and the key.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FontgenError(f"is not TOML: {error}", path=path) from error

    sections: dict[str, Any] = {}
    for section, values in document.items():
        if section not in (*_SECTIONS, "replace"):
            known = [*_SECTIONS, "replace"]
            raise FontgenError(_unknown("section", section, known), path=path)
        if not isinstance(values, dict):
            raise FontgenError(f"{section} must be a section, [{section}]", path=path)
        if section == "replace":
            for word, shown in values.items():
                if not isinstance(shown, str):
                    raise FontgenError(f"replace.{word!r} must be a string", path=path)
            sections[section] = values
            continue
        for key in values:
            if key not in _KEYS[section]:
                known = list(_KEYS[section])
                raise FontgenError(_unknown("key", key, known, within=section), path=path)
        given = {key: _value(path, section, key, value) for key, value in values.items()}
        sections[section] = _SECTIONS[section](**given)
    config = Config(**sections, path=path)
    config.check()
    return config


def _value(path: Path, section: str, key: str, value: Any) -> Any:
    """A value of the right type, paths joined to the file's folder."""
    kind = _KEYS[section][key]
    if kind is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise FontgenError(f"{section}.{key} must be a whole number", path=path)
        return value
    if not isinstance(value, str):
        raise FontgenError(f"{section}.{key} must be a string", path=path)
    if kind is str:
        return value
    if not value:
        raise FontgenError(f"{section}.{key} is empty", path=path)
    if key == "checkpoint" and value in KNOWN_MODELS:
        return Path(value)
    return path.parent / value


def _unknown(what: str, name: str, known: list[str], within: str = "") -> str:
    place = f" in [{within}]" if within else ""
    return f"unknown {what} {name!r}{place}; there are {', '.join(known)}"
