"""The command line answers at once: what is slow is imported when a command needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.paths import REPOSITORY

SLOW = ("numpy", "fontTools", "onnxruntime", "onnx", "wasmtime", "uharfbuzz", "PIL", "rich")

RUN = """
import sys
from fontgen.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments, code",
    [
        (["--help"], 0),
        (["--version"], 0),
        (["build", "--help"], 0),
        (["build", "--bits", "many"], 2),
        (["shape"], 2),
        (["no-such-command"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_nothing_slow_is_imported(arguments: list[str], code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == code
    imported = done.stderr.splitlines()[-1].split()
    assert "argparse" in imported
    assert not set(SLOW) & set(imported)


def test_every_command_has_its_handler() -> None:
    """Each ``handler`` names a function: a typing error would only show when somebody runs the command."""
    import argparse
    import pkgutil

    from fontgen.cli.parser import make_parser

    parsers: list[argparse.ArgumentParser] = [make_parser()]
    handlers = set()
    while parsers:
        parser = parsers.pop()
        handlers |= {parser.get_default("handler")} - {None}
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                parsers += action.choices.values()
    assert len(handlers) >= 11
    for handler in handlers:
        assert callable(pkgutil.resolve_name(handler))
