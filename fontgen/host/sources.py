"""HarfBuzz's pinned sources, of which both hosts are made.

They come in uharfbuzz's source archive, from PyPI through pip.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO

from fontgen.errors import FontgenError
from fontgen.host.patches import PATCHES

UHARFBUZZ_VERSION = "0.57.0"
UHARFBUZZ_SDIST = f"uharfbuzz-{UHARFBUZZ_VERSION}.tar.gz"
UHARFBUZZ_SHA256 = "55136df18a9dd09fec36d1ceb77965f3108de6d86c338b3825feedb0730d84b7"
HARFBUZZ_VERSION = "15.0.0"  # bundled in that sdist

# `pip download` of a source archive first asks its build backend for metadata, which for uharfbuzz
# installs Cython and more and generates C++ for a quarter of a minute: all that to learn a name
# and a version. This stands in for setuptools in that one question.
_METADATA_BACKEND = f"""
import os
def _metadata(directory, *args, **kwargs):
    name = "uharfbuzz-{UHARFBUZZ_VERSION}.dist-info"
    os.makedirs(os.path.join(directory, name), exist_ok=True)
    with open(os.path.join(directory, name, "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: uharfbuzz\\n")
        file.write("Version: {UHARFBUZZ_VERSION}\\n")
    return name
prepare_metadata_for_build_wheel = _metadata
def get_requires_for_build_wheel(*args, **kwargs):
    return []
def build_wheel(*args, **kwargs):
    raise SystemExit("only the metadata is wanted")
"""


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _pip_download(directory: Path, log: IO[str], *, own_backend: bool) -> bool:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check"]
    # The archive's demand for Python 3.11 is for its limited-API build, which older ones skip.
    command += ["--ignore-requires-python", "--no-binary", "uharfbuzz", "--dest", str(directory)]
    environment = dict(os.environ)
    if own_backend:
        backend = directory / "backend" / "setuptools"
        backend.mkdir(parents=True, exist_ok=True)
        (backend / "__init__.py").write_text("", encoding="utf-8")
        (backend / "build_meta.py").write_text(_METADATA_BACKEND, encoding="utf-8")
        environment["PYTHONPATH"] = str(backend.parent)
        command += ["--no-build-isolation"]
    command += [f"uharfbuzz=={UHARFBUZZ_VERSION}"]
    log.write("$ " + " ".join(command) + "\n")
    log.flush()
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, check=False
    )
    return done.returncode == 0 and (directory / UHARFBUZZ_SDIST).is_file()


def fetch(downloads: Path, log: IO[str]) -> Path:
    """The archive in ``downloads``, downloaded unless a sound copy is there already.

    ``$FONTGEN_UHARFBUZZ_SDIST`` names a copy to use instead, for machines without an index.

    Raises:
        FontgenError: pip could not download it, or its SHA-256 is not the pinned one.
    """
    given = os.environ.get("FONTGEN_UHARFBUZZ_SDIST")
    archive = Path(given) if given else downloads / UHARFBUZZ_SDIST
    if given and not archive.is_file():
        raise FontgenError("no such file (from FONTGEN_UHARFBUZZ_SDIST)", path=archive)
    if not archive.is_file() or (not given and _sha256(archive) != UHARFBUZZ_SHA256):
        if subprocess.run(
            [sys.executable, "-m", "pip", "--version"], capture_output=True
        ).returncode:
            raise FontgenError(
                "pip is not installed: `python -m ensurepip`, or name a downloaded "
                f"{UHARFBUZZ_SDIST} in FONTGEN_UHARFBUZZ_SDIST",
                path=sys.executable,
            )
        temporary = downloads.with_name(f"downloads.{os.getpid()}")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            if not (
                _pip_download(temporary, log, own_backend=True)
                or _pip_download(temporary, log, own_backend=False)
            ):
                raise FontgenError(f"pip could not download {UHARFBUZZ_SDIST} (log: {log.name})")
            downloads.mkdir(parents=True, exist_ok=True)
            os.replace(temporary / UHARFBUZZ_SDIST, archive)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    if _sha256(archive) != UHARFBUZZ_SHA256:
        raise FontgenError(
            f"is not the expected archive: SHA-256 differs from {UHARFBUZZ_SHA256}",
            path=archive,
        )
    return archive


def extract(archive: Path, directory: Path) -> tuple[Path, Path]:
    """Unpacks and patches what is compiled; returns HarfBuzz's ``src`` and uharfbuzz's.

    Raises:
        FontgenError: the archive cannot be read, or a patch does not fit it.
    """
    root = f"uharfbuzz-{UHARFBUZZ_VERSION}/"
    wanted = (
        root + "harfbuzz/src/",
        root + "src/uharfbuzz/",
        root + "LICENSE",
        root + "harfbuzz/COPYING",
    )
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                # Only plain files below the wanted folders; the digest was checked before.
                if not member.isfile() or not member.name.startswith(wanted):
                    continue
                path = directory / member.name[len(root) :]
                path.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None
                path.write_bytes(content.read())
    except (tarfile.TarError, OSError) as error:
        raise FontgenError(f"cannot be unpacked: {error}", path=archive) from error
    harfbuzz = directory / "harfbuzz" / "src"
    for patch in PATCHES:
        path = harfbuzz / patch.file
        text = path.read_text(encoding="utf-8")
        if text.count(patch.old) != 1:
            raise FontgenError("a patch of the host does not apply", path=patch.file)
        path.write_text(text.replace(patch.old, patch.new), encoding="utf-8")
    return harfbuzz, directory / "src" / "uharfbuzz"
