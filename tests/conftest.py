"""What the tests share: the Wasm-enabled HarfBuzz and the two fonts, each built once a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings
from support.outcome import Outcome
from support.paths import REPOSITORY

# Somebody's change should not fail for an example that it has nothing to do with: in CI they are the same each
# time, at a desk they are new ones.
# No example is timed: a busy machine is nobody's error.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record",
        action="store_true",
        help="write the golden images anew instead of comparing with them",
    )


_host_error: BaseException | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Build the Wasm-enabled HarfBuzz if it is not there, and load its ``uharfbuzz``.

    Now, before any test module imports the released one (fontTools does so on the quiet). A failure
    is kept for the `host` fixture, so that it fails the tests of the host and no others.
    """
    global _host_error
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # the fonts made here keep the base font's dates
    if session.config.option.collectonly:
        return
    from fontgen.host import native as host

    try:
        host.build()
        host.load()
    except Exception as error:
        _host_error = error


@pytest.fixture(scope="session")
def host() -> object:
    """The Wasm-enabled HarfBuzz (`fontgen.host.native.Host`). When its build failed, so do its tests."""
    from fontgen.host.native import find

    if _host_error is not None:
        raise _host_error
    return find()


@pytest.fixture(scope="session")
def uharfbuzz(host: object) -> ModuleType:
    """The module of that name which uses the host."""
    from fontgen.host.native import load

    return load()


def _build(folder: Path, flavour: str | None = None) -> Path:
    """Build the default font from its shipped configuration, from the sources as they stand."""
    from fontgen.build.llama import build_font
    from fontgen.config import read_config

    config = read_config(REPOSITORY / "fonts" / "llama.toml")
    path = folder / "llama.ttf"
    path.write_bytes(build_font(config.override(shaper={"flavour": flavour})))
    return path


@pytest.fixture(scope="session")
def font_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default font: portable, with the SIMD128 flavour inside."""
    return _build(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="session")
def portable_font_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the portable flavour alone, for hosts to have no choice."""
    return _build(tmp_path_factory.mktemp("portable"), "portable")


@pytest.fixture(scope="session")
def llama(uharfbuzz: ModuleType, font_path: Path) -> object:
    """The default font, open for shaping (`fontgen.text.shape.ShapingFont`)."""
    from fontgen.text.shape import ShapingFont

    return ShapingFont(uharfbuzz, font_path.read_bytes(), font_path)


@pytest.fixture(scope="session")
def base_path() -> Path:
    """The base font of the default font."""
    from fontgen.font.base import default_base_path

    return default_base_path()


@pytest.fixture
def fontgen(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Outcome]:
    """Runs the command line in this process: ``fontgen("shape", path, "text")``."""
    from fontgen.cli.main import main

    def run(*arguments: object) -> Outcome:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse
            code = int(exit.code or 0)
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out.decode("latin-1"), captured.err.decode())

    return run
