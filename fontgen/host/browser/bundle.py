"""The host's ES modules: as files, or joined into one classic script, for pages that are one file: a page from disk
cannot import modules.

Only what ``js/`` uses is understood: named imports and exports of declarations, one at the beginning of a line.
"""

from __future__ import annotations

import re
from pathlib import Path

from fontgen.host import limits

JAVASCRIPT = Path(__file__).parent / "js"

_IMPORT = re.compile(r'^import (?:(\{[^}]*\}) from )?"\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const|let)) (\w+)", re.MULTILINE)
# Comments that have lines of their own: the source is there for who wants to read it.
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/[ \t]*)\n", re.MULTILINE | re.DOTALL)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)

LIMITS_MODULE = "limits.js"
"""The one module that is not in ``js/``: it is made of `fontgen.host.limits`."""


def limits_module() -> str:
    """What a guest may do, for JavaScript: each limit under its own name."""
    names = sorted(name for name in vars(limits) if name.isupper())
    lines = [f"export const {name} = {getattr(limits, name)};" for name in names]
    return "\n".join(["// Of fontgen/host/limits.py, where they are explained.", "", *lines, ""])


def modules() -> dict[str, bytes]:
    """Every module of the host, by the name of its file."""
    files = {path.name: path.read_bytes() for path in sorted(JAVASCRIPT.glob("*.js"))}
    return {**files, LIMITS_MODULE: limits_module().encode()}


def bundle(*entries: str) -> str:
    """One script of the modules named and all that they import, each run once, in order.

    Raises:
        ValueError: a module imports or exports in a way that is not understood.
    """
    order: list[str] = []
    for entry in entries:
        _add(entry, order)
    body = "".join(map(_as_function, order))
    # A block of its own: a page may have several such scripts.
    return f'"use strict";\n{{\nconst modules = {{}};\n{body}}}\n'


def _source(name: str) -> str:
    return limits_module() if name == LIMITS_MODULE else (JAVASCRIPT / name).read_text("utf-8")


def _add(name: str, order: list[str], *, above: tuple[str, ...] = ()) -> None:
    """Puts what a module imports before it."""
    if name in order:
        return
    if name in above:
        raise ValueError(f"{name} imports itself, by way of {' and '.join(above)}")
    for match in _IMPORT.finditer(_source(name)):
        _add(match[2], order, above=(*above, name))
    order.append(name)


def _as_function(name: str) -> str:
    """A module as a function that returns its exports."""
    text = _source(name)
    exported = [match[2] for match in _EXPORT.finditer(text)]
    text = _IMPORT.sub(
        lambda match: (
            f'const {match[1].replace(" as ", ": ")} = modules["{match[2]}"];\n' if match[1] else ""
        ),
        text,
    )
    text = _COMMENT.sub("", _EXPORT.sub(r"\1 \2", text))
    # In a classic script there is no import.meta; what uses it is replaced by one-file.js.
    text = text.replace("import.meta.url", "document.baseURI")
    if left_over := _LEFT_OVER.search(text):
        raise ValueError(f"{name}: cannot be bundled: {left_over[0]}")
    return f'modules["{name}"] = (() => {{\n{text}return {{ {", ".join(exported)} }};\n}})();\n'
