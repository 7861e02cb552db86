"""Checkpoint readers: whatever file a Llama model came in, `load` makes a `Model` of it.

=====================================  =====================================  ======================
what                                   how it is recognised                   reader
=====================================  =====================================  ======================
llama2.c ``.bin``, versions 0, 1, 2    "ak42" or a plausible bare header      `llama2c`
this project's folder                  ``config.json`` with ``dim``           `safetensors_folder`
Hugging Face ``LlamaForCausalLM``      ``config.json`` with ``model_type``    `huggingface`
GGUF, architecture ``llama``           "GGUF"                                 `gguf_file`
a name that people know                no file of that name                   see `known`
=====================================  =====================================  ======================
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints import gguf_file, huggingface, llama2c, safetensors_folder
from fontgen.llama.checkpoints.known import KNOWN, named
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.memory import Target
from fontgen.llama.model import Model

__all__ = ["load"]

READABLE = (
    "a llama2.c .bin, a folder with config.json and safetensors (this project's or Hugging Face's) "
    "or a GGUF file"
)
Reader = Callable[[Path, "Path | None", Target], Model]


def load(
    path: str | os.PathLike[str],
    *,
    tokenizer: str | os.PathLike[str] | None = None,
    target: Target | None = None,
) -> Model:
    """Read a checkpoint and its tokenizer.

    Args:
        path: a file, a folder, or a name that people know (see `known.KNOWN`), which is downloaded once and
            cached.
        tokenizer: ``tokenizer.model``, ``tokenizer.bin`` or ``tokenizer.json``. By default the one
            that the checkpoint holds, or the file beside it that fits its vocabulary.
        target: what it is read for; the model's context is shortened to the target's.

    Returns:
        A model that passes `Model.check`, its tensors float32 and perhaps read-only.

    Raises:
        FontgenError: the input is unusable; the message names the file and the cause.
    """
    tokenizer_path = None if tokenizer is None else Path(tokenizer)
    known_name = None
    checkpoint = Path(path)
    if not checkpoint.exists():
        if str(path) not in KNOWN:
            raise FontgenError(
                f"there is no such file or folder, and no model is known by that name "
                f"(known: {', '.join(KNOWN)})",
                path=path,
            )
        known_name = str(path)
        checkpoint, tokenizer_path = KNOWN[known_name].fetch(known_name, tokenizer_path)
    with naming(checkpoint):
        try:
            model = _reader_of(checkpoint)(checkpoint, tokenizer_path, target or Target())
        except OSError as error:
            path = error.filename or checkpoint
            raise FontgenError(error.strerror or str(error), path=path) from error
        except MemoryError as error:
            raise FontgenError("does not fit into this machine's memory") from error
        if known_name:
            model = dataclasses.replace(model, card=named(known_name, model.card))
        model.check()
    return model


def _reader_of(path: Path) -> Reader:
    """What reads a file or folder, judged by its contents."""
    if path.is_dir():
        return _reader_of_folder(path)
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"GGUF":
        return gguf_file.read
    if path.suffix == ".safetensors" or path.name.endswith(".safetensors.index.json"):
        return _reader_of_folder(path.parent)
    if head[:4] == b"PK\x03\x04" or head[:2] in (b"\x80\x02", b"\x80\x04"):
        raise FontgenError(f"is a PyTorch pickle, which is not read; fontgen reads {READABLE}")
    return llama2c.read


def _reader_of_folder(folder: Path) -> Reader:
    if not (folder / "config.json").is_file():
        raise FontgenError(
            f"the folder has no config.json, so it is no checkpoint; fontgen reads {READABLE}",
            path=folder,
        )
    config = Values.read_json(folder / "config.json")
    if "dim" in config:
        return safetensors_folder.read
    if "model_type" in config or "architectures" in config:
        return huggingface.read
    raise FontgenError(
        "has neither dim (this project's checkpoints) nor model_type (Hugging Face's)",
        path=folder / "config.json",
    )
