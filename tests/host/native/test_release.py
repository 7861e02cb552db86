"""Wheels of the host: who installs one needs no compiler, and gets what a build gives."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.paths import REPOSITORY

from fontgen import __version__
from fontgen.host.native import Host, library, release
from fontgen.host.native.platforms import Platform, here

INFO = f"fontgen_host-{__version__}.dist-info"


def files_of(host: Host) -> dict[str, bytes]:
    """What a release puts into the wheel, from a build that is there."""
    return {
        f"fontgen_host/{path.relative_to(host.directory).as_posix()}": path.read_bytes()
        for path in sorted(host.directory.rglob("*"))
        if path.is_file() and path.name != "build.log" and "__pycache__" not in path.parts
    }


def install(wheel: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-index", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True)


def in_environment(code: str, packages: Path, cache: Path) -> str:
    """What a program prints that has those packages, and nothing built yet."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(packages)]),
            "FONTGEN_HOST_DIR": str(cache),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


SHAPE = """
from fontgen.host import native
host = native.build()
uharfbuzz = native.load()
face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path({path!r}))
buffer = uharfbuzz.Buffer(); buffer.add_str("The fox!!!!!!"); buffer.guess_segment_properties()
with native.Observer() as observer:
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
outcome = observer.outcome(bytes(face.reference_table("Wasm").data))
print(host.directory, uharfbuzz.__file__, outcome.shaper, sep="\\n")
"""


@pytest.mark.skipif(here().system != "linux", reason="wheels are made for Linux")
def test_an_installed_host_is_used(host: Host, font_path: Path, tmp_path: Path) -> None:
    """Nothing is compiled or downloaded, nor written into the cache."""
    packages, cache = tmp_path / "packages", tmp_path / "cache"
    wheel = tmp_path / f"fontgen_host-{__version__}-{release.wheel_tag(here())}.whl"
    release.write_wheel(wheel, here(), files_of(host))
    install(wheel, packages)
    lines = in_environment(SHAPE.format(path=str(font_path)), packages, cache).splitlines()
    assert lines == [
        str(packages / "fontgen_host"),
        str(packages / "fontgen_host" / "python" / "uharfbuzz" / "__init__.py"),
        "wasm",
    ]
    assert not cache.exists()


@pytest.mark.parametrize("key", ["sources", "target"])
def test_a_host_of_another_version_or_platform_is_not_used(
    key: str, host: Host, tmp_path: Path
) -> None:
    package = tmp_path / "fontgen_host"
    (package / "lib").mkdir(parents=True)
    (package / "lib" / host.library.name).touch()
    manifest = json.loads((host.directory / library.MANIFEST).read_text())
    code = "from fontgen.host import native; print(native.find() is not None)"
    for value, expected in ((manifest[key], "True\n"), ("another", "False\n")):
        (package / library.MANIFEST).write_text(json.dumps({**manifest, key: value}))
        assert in_environment(code, tmp_path, tmp_path / "cache") == expected


def test_a_wheel_is_one(tmp_path: Path) -> None:
    """By PEP 427: its record lists every file with its hash; and the same files make the same bytes."""
    files = {"fontgen_host/lib/a.so": b"a" * 1000, f"{INFO}/licenses/COPYING": b"free"}
    for name in ("one.whl", "two.whl"):
        release.write_wheel(tmp_path / name, Platform("aarch64-linux-gnu.2.28"), files)
    assert (tmp_path / "one.whl").read_bytes() == (tmp_path / "two.whl").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.whl") as wheel:
        assert "Tag: py3-none-manylinux_2_28_aarch64\n" in wheel.read(f"{INFO}/WHEEL").decode()
        record = wheel.read(f"{INFO}/RECORD").decode().splitlines()
        assert {line.split(",")[0] for line in record} == set(wheel.namelist())
        for line in record:
            name, digest, size = line.split(",")
            if name == f"{INFO}/RECORD":
                continue
            data = wheel.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
            assert (digest, int(size)) == (f"sha256={expected.rstrip('=')}", len(data))
        assert "License-File: COPYING\n" in wheel.read(f"{INFO}/METADATA").decode()
