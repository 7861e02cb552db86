"""The fonts that programs see: those of one run, and those that are installed for a user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from support.outcome import Outcome
from support.paths import REPOSITORY

from fontgen.errors import FontgenError
from fontgen.host.native import Host, fonts

Fontgen = Callable[..., Outcome]

needs_fontconfig = pytest.mark.skipif(
    shutil.which("fc-list") is None, reason="fontconfig is not installed"
)
FAMILY = "Llama TTF Sans"


@pytest.fixture
def home(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory where nothing has been configured yet, but that the host is built."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("FONTGEN_HOST_DIR", str(tmp_path / "host"))
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / host.directory.name).symlink_to(host.directory)
    return home


def families(*arguments: object, folder: Path) -> str:
    """What ``fc-list`` says of the font when it is started by ``fontgen run ARGUMENTS``."""
    command = [sys.executable, "-m", "fontgen", "run", *map(str, arguments), "fc-list", FAMILY]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


@needs_fontconfig
def test_a_font_for_one_run(home: Path, font_path: Path, tmp_path: Path) -> None:
    """And no other of its folder."""
    shutil.copy(font_path, tmp_path / "a font & more.ttf")
    (tmp_path / "other.ttf").write_bytes(b"not to be looked at")
    seen = families("--font", tmp_path / "a font & more.ttf", folder=home)
    assert FAMILY in seen and "a font & more.ttf" in seen
    assert "other" not in seen


@needs_fontconfig
def test_a_packed_font_for_one_run(home: Path, font_path: Path, tmp_path: Path) -> None:
    with TTFont(font_path) as font:
        font.flavor = "woff"
        font.save(tmp_path / "font.woff")
    assert FAMILY in families("--font", tmp_path / "font.woff", folder=home)


@needs_fontconfig
def test_a_font_that_was_made_anew(home: Path, font_path: Path, tmp_path: Path) -> None:
    """fontconfig remembers what is in a directory by the directory's time."""
    path = tmp_path / "font.ttf"
    with TTFont(font_path) as font:
        for record in font["name"].names:
            record.string = "Another Name"
        font.save(path)
    assert FAMILY not in families("--font", path, folder=home)
    shutil.copy(font_path, path)
    assert FAMILY in families("--font", path, folder=home)


@needs_fontconfig
def test_no_font_is_said(home: Path) -> None:
    """Outside of a checkout, with nothing installed, a program would start without the font."""
    assert "sees no font from here: name one with --font FILE" in families(folder=home)


@needs_fontconfig
def test_an_installed_font(
    home: Path, fontgen: Fontgen, font_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = fontgen("install", font_path)
    installed = home / ".local" / "share" / "fonts" / "fontgen" / font_path.name
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == f"{FAMILY}: installed as {installed}"
    assert "fontgen run -- " in done.out
    assert installed.read_bytes() == font_path.read_bytes()
    # Every program sees it, with the host and without.
    listed = subprocess.run(["fc-list", FAMILY], capture_output=True, text=True, check=True).stdout
    assert str(installed) in listed
    seen = families(folder=home)
    assert str(installed) in seen and "sees no font" not in seen

    assert fontgen("install").out == f"{FAMILY}: {installed}\n"
    assert fontgen("install", "--remove", font_path.name).out == f"removed {installed}\n"
    assert fonts.installed() == []
    again = fontgen("install", "--remove", font_path.name)
    assert (again.code, again.out) == (2, "")
    assert "is not installed by fontgen" in again.err


def test_a_packed_font_is_installed_plain(home: Path, font_path: Path, tmp_path: Path) -> None:
    with TTFont(font_path) as font:
        font.flavor = "woff"
        font.save(tmp_path / "packed.woff")
        tables = set(font.keys())
    installed = fonts.install(fonts.plain_font(tmp_path / "packed.woff"))
    assert installed.name == "packed.ttf"
    with TTFont(installed) as font:
        assert font.flavor is None
        assert set(font.keys()) == tables


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "No such file"), (b"", "is not a font"), (b"\0\1\0\0" + bytes(200), "is not a font")],
)
def test_what_is_no_font(
    content: bytes | None, cause: str, home: Path, fontgen: Fontgen, tmp_path: Path
) -> None:
    path = tmp_path / "font.ttf"
    if content is not None:
        path.write_bytes(content)
    for command in (["install", path], ["run", "--font", path, "true"]):
        done = fontgen(*command)
        assert (done.code, done.out) == (2, "")
        assert str(path) in done.err and cause in done.err
    with pytest.raises(FontgenError, match=cause):
        fonts.plain_font(path)
    assert fonts.installed() == []
