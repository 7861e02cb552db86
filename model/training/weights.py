"""Checkpoint folders: ``config.json``, ``model.safetensors`` and what lies beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from model.training.network import Adapted, ModelConfig, Transformer

WEIGHTS = "model.safetensors"


def load_model(folder: Path, max_seq_len: int | None = None) -> Transformer:
    """Read ``config.json`` and ``model.safetensors`` from ``folder`` as a float32 model.

    ``max_seq_len``, where given, takes the place of the config's: no weight depends on it.
    Raises ``FileNotFoundError``, and ``RuntimeError`` where the tensors disagree with the config.
    """
    values = json.loads((folder / "config.json").read_text())
    if max_seq_len is not None:
        values["max_seq_len"] = max_seq_len
    model = Transformer(ModelConfig.from_dict(values))
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model


def merged_state(model: Transformer) -> dict[str, Tensor]:
    """The model's state with every adapter merged into the matrix that it changes."""
    state = model.state_dict()
    for name, module in model.named_modules():
        if isinstance(module, Adapted):
            state[f"{name}.weight"] = module.merged()
            del state[f"{name}.a"], state[f"{name}.b"]
    return state


def save_model(model: Transformer, folder: Path, about: Mapping[str, str]) -> None:
    """Write float16 weights and ``config.json``: ``about`` (name, license, description), shape."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {**about, **asdict(model.config), "tied_embeddings": True}
    (folder / "config.json").write_text(json.dumps(values, indent=1) + "\n")
    state = {name: value.half().contiguous() for name, value in merged_state(model).items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


def save_weights(tensors: dict[str, Tensor], source: Path, folder: Path) -> None:
    """Write ``tensors`` to ``folder`` as float16, beside copies of what else ``source`` has."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.model", "loss.png", "training.json"):
        if (source / name).exists() and source.resolve() != folder.resolve():
            shutil.copyfile(source / name, folder / name)
    halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    save_file(halves, folder / WEIGHTS, metadata={"format": "pt"})
