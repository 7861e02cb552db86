"""``config.json``, read with errors that name the file and the key."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from fontgen.errors import FontgenError

T = TypeVar("T")


class ConfigJson:
    """A JSON object whose getters check types; null counts as absent, as Hugging Face means it."""

    def __init__(self, path: Path, values: dict[str, Any]):
        self.path = path
        self.values = values

    @classmethod
    def read(cls, path: Path) -> ConfigJson:
        """Raise `FontgenError` when the file is not a JSON object."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise FontgenError(f"is not JSON: {error}", path=path) from error
        if not isinstance(values, dict):
            raise FontgenError("is not a JSON object", path=path)
        return cls(path, values)

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise FontgenError(f"{key} is {value!r}, expected an integer", path=self.path)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FontgenError(f"{key} is {value!r}, expected a number", path=self.path)
        if not math.isfinite(value):
            raise FontgenError(f"{key} is {value}", path=self.path)
        return float(value)

    def boolean(self, key: str, default: bool | None = None) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise FontgenError(f"{key} is {value!r}, expected true or false", path=self.path)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str):
            raise FontgenError(f"{key} is {value!r}, expected a string", path=self.path)
        return value

    def _value(self, key: str, default: T | None) -> T | Any:
        value = self.values.get(key)
        if value is not None:
            return value
        if default is None:
            raise FontgenError(f"lacks {key}", path=self.path)
        return default
