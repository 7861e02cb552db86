"""This project's checkpoints: ``model.safetensors``, ``config.json`` and ``tokenizer.model``.

Tensors have Meta's names (see `fontgen.model`) and are float16, bfloat16 or float32. The keys of
``config.json``:

- ``dim``, ``n_layers``, ``n_heads``, ``hidden_dim``, ``vocab_size``, ``max_seq_len``: integers;
- ``n_kv_heads`` (``n_heads``), ``norm_eps`` (1e-5), ``rope_theta`` (10000), ``tied_embeddings``
  (whether ``output.weight`` is absent): optional, with these defaults;
- ``name``, ``license``, ``description``: what the font says of its model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, deserialize

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.config_json import ConfigJson
from fontgen.llama.checkpoints.limits import check_fits
from fontgen.llama.model import Model, ModelCard, ModelConfig, tensor_shapes

NUMPY_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
"""safetensors' names of the dtypes that NumPy has."""


def read(path: Path, tokenizer: Path | None) -> Model:
    """Read the folder or the ``.safetensors`` file in it, and the tokenizer given or beside it."""
    folder = path if path.is_dir() else path.parent
    weights = folder / "model.safetensors" if path.is_dir() else path
    keys = ConfigJson.read(folder / "config.json")
    if not weights.is_file():
        raise FontgenError("the folder has no model.safetensors", path=folder)
    n_heads = keys.integer("n_heads")
    tied = keys.boolean("tied_embeddings") if "tied_embeddings" in keys else None
    config = ModelConfig(
        dim=keys.integer("dim"),
        hidden_dim=keys.integer("hidden_dim"),
        n_layers=keys.integer("n_layers"),
        n_heads=n_heads,
        n_kv_heads=keys.integer("n_kv_heads", n_heads),
        vocab_size=keys.integer("vocab_size"),
        context_length=keys.integer("max_seq_len"),
        norm_eps=keys.number("norm_eps", 1e-5),
        rope_theta=keys.number("rope_theta", 10000.0),
        tied_embeddings=tied is not False,
    )
    _check_config(config, keys.path)
    data = weights.read_bytes()
    tensors = decode_safetensors(data, weights)
    config = settle_classifier(config, tensors, tied, weights)
    card = ModelCard(
        name=keys.text("name", folder.resolve().name),
        license=keys.text("license", ModelCard.license),
        description=keys.text("description", ""),
        source=weights.name,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    vocabulary = tokenizers.read_fitting(tokenizer, folder, config.vocab_size, weights)
    return Model(config, in_order(tensors, config), vocabulary, card)


def _check_config(config: ModelConfig, path: Path) -> None:
    with naming(path):
        config.check()
        check_fits(config)


def decode_safetensors(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """float32 tensors of a safetensors file (float16, bfloat16, float32 or float64 in it).

    Args:
        data: the whole file.
        path: for errors.

    Raises:
        FontgenError: not a safetensors file, cut short, or a tensor is not floating-point.
    """
    try:
        entries = deserialize(data)
    except SafetensorError as error:
        raise FontgenError(_why_not_safetensors(data, error), path=path) from error
    tensors = {}
    for name, entry in entries:
        dtype, shape, raw = entry["dtype"], entry["shape"], entry["data"]
        if dtype == "BF16":  # bfloat16 is the upper half of a float32
            tensor = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        elif dtype in NUMPY_DTYPES:
            with np.errstate(over="ignore"):  # becomes an infinity, which `Model.check` refuses
                tensor = np.frombuffer(raw, NUMPY_DTYPES[dtype]).astype(np.float32, copy=False)
        else:
            raise FontgenError(
                f"tensor {name} is {dtype}; float16, bfloat16 and float32 are read", path=path
            )
        tensors[name] = tensor.reshape(shape)
    return tensors


def _why_not_safetensors(data: bytes, error: SafetensorError) -> str:
    """The arithmetic when the file is cut short, else the library's words."""
    if len(data) >= 8:
        header_end = 8 + int.from_bytes(data[:8], "little")
        if 8 < header_end <= len(data) and data[8:9] == b"{":
            try:
                header = json.loads(data[8:header_end])
                ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
                needed = header_end + max(ends, default=0)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
                return f"is not a safetensors file: {error}"
            if needed > len(data):
                return f"is cut short: its header needs {needed:,} bytes, has {len(data):,}"
            if needed < len(data):
                return f"does not match its header, which needs {needed:,} bytes; has {len(data):,}"
    return f"is not a safetensors file: {error}"


def settle_classifier(
    config: ModelConfig, tensors: dict[str, np.ndarray], tied: bool | None, path: Path
) -> ModelConfig:
    """Make ``output.weight`` and ``tied_embeddings`` agree.

    Args:
        tensors: under Meta's names; a classifier that repeats the embeddings of a tied model is
            removed from it.
        tied: what the configuration says, None where it leaves that to the tensors.

    Raises:
        FontgenError: it says one thing and the tensors another.
    """
    output = tensors.get("output.weight")
    embeddings = tensors.get("tok_embeddings.weight", np.empty(0))
    if tied is None:
        tied = output is None or np.array_equal(output, embeddings)
    if not tied and output is None:
        raise FontgenError(
            "the configuration says that the classifier is not tied to the embeddings, but there "
            "is no tensor for it (output.weight, lm_head.weight)",
            path=path,
        )
    if tied and output is not None:
        if not np.array_equal(output, embeddings):
            raise FontgenError(
                "the configuration says that the classifier is tied to the embeddings, but there "
                "is a tensor for it that differs from them",
                path=path,
            )
        del tensors["output.weight"]
    return dataclasses.replace(config, tied_embeddings=tied)


def in_order(tensors: dict[str, np.ndarray], config: ModelConfig) -> dict[str, np.ndarray]:
    """The same tensors in the order of `tensor_shapes`, strangers (for `Model.check`) last."""
    ordered = {name: tensors[name] for name in tensor_shapes(config) if name in tensors}
    return ordered | tensors
