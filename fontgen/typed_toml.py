"""TOML into dataclasses: the type hints say what each value must be, so that a key stands once.

A section is a dataclass, a key one of its fields. Understood are `str`, `int`, `float`, `bool`, `Path`, ``Literal``,
``X | None``, ``list[X]``, ``tuple[X, ...]``, ``dict[str, X]``, dataclasses, unions of those that TOML can tell apart,
and `Any`. A `Path` is joined to the file's folder, unless it is one of the `names` of its field.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from fontgen.errors import FontgenError, naming

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")

_PLAIN: dict[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a string"),
    Path: ((str,), "a string"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((float, int), "a number"),
}
"""What TOML gives for a type, and what the type is called."""


def not_in_toml(default: Any) -> Any:
    """A field that no file can set."""
    return dataclasses.field(default=default, metadata={"in_toml": False})


def names(default: Any, known: Collection[str]) -> Any:
    """A field of a `Path` that may be a name instead, which is left as it is."""
    return dataclasses.field(default=default, metadata={"names": frozenset(known)})


def read_toml(path: Path, kind: type[T]) -> T:
    """Read a file whose sections are the fields of the dataclass ``kind``.

    Raises:
        FontgenError: the file cannot be read, is not TOML, has a section or key that is not known, or a
            value of the wrong type. Names the file and the key.
    """
    document = read_document(path)
    with naming(path):
        return parse_document(document, kind, path.parent)


def keys_in(path: Path) -> Iterator[str]:
    """The keys that a file gives, as ``section.key``: errors as for `read_toml`."""
    for section, values in read_document(path).items():
        for key in values if isinstance(values, dict) else ():
            yield f"{section}.{key}"


def read_document(path: Path) -> dict[str, Any]:
    """Read a file as it is. Raises `FontgenError` where it cannot be read or is not TOML."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    except ValueError as error:  # also of bytes that are not UTF-8, and of numbers without end
        raise FontgenError(f"is not TOML: {error}", path=path) from error
    except RecursionError as error:
        raise FontgenError("is nested too deep", path=path) from error


def parse_document(document: dict[str, Any], kind: type[T], folder: Path) -> T:
    """What `read_toml` makes of a document; paths in it are joined to ``folder``."""
    return _Reader(folder).dataclass(document, kind, "")


class _Reader:
    def __init__(self, folder: Path):
        self._folder = folder

    def dataclass(self, table: dict[str, Any], kind: type[T], where: str) -> T:
        """``where``: the table's name, empty for the document."""
        hints = typing.get_type_hints(kind)
        fields = {
            field.name: field
            for field in dataclasses.fields(kind)  # type: ignore[arg-type]
            if field.metadata.get("in_toml", True)
        }
        given = {}
        for key, value in table.items():
            if key not in fields:
                what = f"key {key!r} in [{where}]" if where else f"section {key!r}"
                raise FontgenError(f"unknown {what}; there are {', '.join(fields)}")
            inner = f"{where}.{key}" if where else key
            known = fields[key].metadata.get("names", ())
            given[key] = self.value(value, hints[key], inner, known)
        missing = [
            name
            for name, field in fields.items()
            if name not in given
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise FontgenError(f"{where} lacks {missing[0]}")
        return kind(**given)

    def value(self, value: Any, hint: Any, where: str, known: Collection[str] = ()) -> Any:
        """A value of the hinted type; ``where`` is its key, for errors."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any:
            return value
        if origin in (Union, types.UnionType):
            options = [option for option in arguments if option is not type(None)]
            fitting = [option for option in options if _fits(value, option)]
            if not fitting and len(options) > 1:
                raise FontgenError(f"{where} must be {' or '.join(map(_called, options))}")
            return self.value(value, (fitting or options)[0], where, known)
        if origin is Literal:
            if value not in arguments:
                raise FontgenError(f"{where}: {value!r} is not one of {', '.join(arguments)}")
            return value
        if not _fits(value, hint):
            raise FontgenError(f"{where} must be {_called(hint, where)}")
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self.dataclass(value, hint, where)
        if origin is dict:
            return {
                key: self.value(entry, arguments[1], f"{where}.{key!r}")
                for key, entry in value.items()
            }
        if origin in (list, tuple):
            entries = [
                self.value(entry, arguments[0], f"{where}[{index}]")
                for index, entry in enumerate(value)
            ]
            return origin(entries)
        return self._plain(value, hint, where, known)

    def _plain(self, value: Any, hint: type, where: str, known: Collection[str]) -> Any:
        if hint is float:
            return float(value)
        if hint is not Path:
            return value
        if not value or "\0" in value:
            raise FontgenError(f"{where} is empty" if not value else f"{where} is not a path")
        return Path(value) if value in known else self._folder / value


def _fits(value: Any, hint: Any) -> bool:
    """Whether TOML's value has the shape of a type; what is inside it is not looked at."""
    origin = typing.get_origin(hint) or hint
    if dataclasses.is_dataclass(hint) or origin is dict:
        return isinstance(value, dict)
    if origin in (list, tuple):
        return isinstance(value, list)
    if origin is Literal:
        return value in typing.get_args(hint)
    given, _ = _PLAIN[origin]
    return isinstance(value, given) and (origin is bool or not isinstance(value, bool))


def _called(hint: Any, where: str = "") -> str:
    origin = typing.get_origin(hint) or hint
    if dataclasses.is_dataclass(hint) or origin is dict:
        return f"a section, [{where}]" if where and "[" not in where else "a table"
    if origin in (list, tuple):
        return "a list"
    return _PLAIN[origin][1]
