"""What a file says of a model, by key, with errors that name the file and the key."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from fontgen.errors import FontgenError

T = TypeVar("T")


class Values:
    """A JSON object or a GGUF file's metadata. Getters check types; null counts as absent, as Hugging Face means it.

    ``path``: named in errors.
    """

    def __init__(self, path: Path, values: Mapping[str, Any]):
        self.path = path
        self._values = values

    @classmethod
    def read_json(cls, path: Path) -> Values:
        """Raise `FontgenError` when the file is not a JSON object."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise FontgenError(f"is not JSON: {error}", path=path) from error
        if not isinstance(values, dict):
            raise FontgenError("is not a JSON object", path=path)
        return cls(path, values)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def get(self, key: str) -> Any:
        """The value, of whatever type; None where there is none."""
        return self._values.get(key)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise FontgenError(f"{key} is {value!r}, expected an integer", path=self.path)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FontgenError(f"{key} is {value!r}, expected a number", path=self.path)
        return self._finite(key, value)

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

    def object(self, key: str) -> Values:
        """A JSON object inside this one; empty where there is none."""
        value = self.get(key)
        if value is not None and not isinstance(value, dict):
            raise FontgenError(f"{key} is {value!r}, expected an object", path=self.path)
        return Values(self.path, value or {})

    def list(self, key: str, kind: type, default: list[Any] | None = None) -> list[Any]:
        """A list of values of this type."""
        value = self._value(key, default)
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise FontgenError(f"{key} is no list of {kind.__name__}", path=self.path)
        return value

    def numbers(self, key: str) -> list[float]:  # type: ignore[valid-type]
        """A list of finite numbers."""
        values = self.list(key, object)
        if not all(isinstance(item, (int, float)) for item in values):
            raise FontgenError(f"{key} is no list of numbers", path=self.path)
        return [self._finite(key, item) for item in values]

    def token(self, key: str, vocab_size: int) -> int | None:
        """A token id; None where there is none, or one outside the vocabulary."""
        value = self.get(key)
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and 0 <= value < vocab_size else None

    def _finite(self, key: str, value: float) -> float:
        if (
            not abs(value) <= sys.float_info.max
        ):  # an integer may be larger; NaN compares with nothing
            shown = value if isinstance(value, float) else "too large"
            raise FontgenError(f"{key} is {shown}", path=self.path)
        return float(value)

    def _value(self, key: str, default: T | None) -> T | Any:
        value = self.get(key)
        if value is not None:
            return value
        if default is None:
            raise FontgenError(f"lacks {key}", path=self.path)
        return default
