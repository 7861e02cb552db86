"""The architecture that ``make lint`` checks: here, that it would notice."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import REPOSITORY

pytest.importorskip("importlinter", reason="import-linter comes with the extra `test`")

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
MOST_LINES_OF_A_FUNCTION = 60
MOST_LINES_OF_A_FILE = 400
LONGER = {
    # A description of a protobuf message, field by field.
    "fontgen/llama/checkpoints/sentencepiece_model.py: model_proto_class",
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages without their binaries, and the contracts."""
    for package in ("fontgen", "model"):
        shutil.copytree(
            REPOSITORY / package,
            tmp_path / package,
            ignore=lambda folder, names: [n for n in names if Path(n).suffix not in ("", ".py")],
        )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(copy: Path) -> None:
    done = _lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module, climb, contract",
    [
        ("fontgen/errors.py", "from fontgen.files import STDOUT", "Each layer knows only"),
        ("fontgen/font/names.py", "from fontgen.llama.model import ModelCard", "Each layer knows"),
        ("fontgen/llama/model.py", "import fontgen.build.llama", "Each layer knows only"),
        ("fontgen/text/layout.py", "import fontgen.text.render", "No circles"),
        ("fontgen/llama/loss.py", "import model.recipe", "fontgen needs nothing of what makes"),
        ("model/data/names.py", "import model.stories.checks", "The same of what makes the model"),
        ("fontgen/build/llama.py", "import fontgen.llama.reference.sampler", "What a font is made"),
    ],
)
def test_a_climb_is_noticed(copy: Path, module: str, climb: str, contract: str) -> None:
    path = copy / module
    path.write_text(path.read_text() + f"\n{climb}\n")
    done = _lint(copy)
    assert done.returncode == 1
    broken = done.stdout.partition("Broken contracts")[2]
    assert contract in broken


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def _c_functions(path: Path) -> Iterator[tuple[str, int]]:
    """Those whose body ends with a brace in the first column, as clang-format writes them."""
    start, name = 0, ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.endswith("{") and not line.startswith((" ", "#", "}")):
            start, name = number, line
        elif line.startswith("}") and start:
            yield name, number - start + 1
            start = 0


def test_no_function_and_no_file_is_too_long_to_read() -> None:
    long = set()
    for path in sorted((REPOSITORY / "fontgen").rglob("*.py")):
        if path.read_text().count("\n") > MOST_LINES_OF_A_FILE:
            long.add(path.relative_to(REPOSITORY).as_posix())
    python = [*(REPOSITORY / "fontgen").rglob("*.py"), *(REPOSITORY / "model").rglob("*.py")]
    lengths = {path: _functions(path) for path in python}
    lengths |= {path: _c_functions(path) for path in (REPOSITORY / "wasm").rglob("*.[ch]")}
    for path, functions in lengths.items():
        name = path.relative_to(REPOSITORY).as_posix()
        long |= {f"{name}: {f}" for f, n in functions if n > MOST_LINES_OF_A_FUNCTION}
    assert long <= LONGER
