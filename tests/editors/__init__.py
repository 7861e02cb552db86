"""The font in real programs, typed into by xdotool under Xvfb.

`harness` starts a program; each further module describes one program or family of programs, and
``tests/editors/test_editors.py`` does with all of them what a person would. ``python -m editors``, in
``tests/``, says which of them this machine can test.
"""

from __future__ import annotations

import importlib
import pkgutil

from .harness import Program


def programs() -> list[type[Program]]:
    """Every program that a module here describes, by name."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "__main__":
            importlib.import_module(f"{__name__}.{module.name}")
    found: list[type[Program]] = []
    pending = [Program]
    while pending:
        for kind in pending.pop().__subclasses__():
            pending.append(kind)
            if "executable" in vars(kind):
                found.append(kind)
    return sorted(found, key=lambda kind: kind.name.lower())
