"""Tensors on their way into a `Model`, whatever names and dtypes they had."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, deserialize

from fontgen.errors import FontgenError
from fontgen.llama.model import ModelConfig, Vocabulary, tensor_shapes

NUMPY_DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
"""safetensors' names of the dtypes that NumPy has."""


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


def drop_padding(
    config: ModelConfig, tensors: dict[str, np.ndarray], vocabulary: Vocabulary
) -> ModelConfig:
    """Leave out the rows of embedding and classifier that no token of the vocabulary has; what contradicts the
    configuration stays as it is, for `Model.check`."""
    names = [name for name in ("tok_embeddings.weight", "output.weight") if name in tensors]
    shape = (config.vocab_size, config.dim)
    if any(tensors[name].shape != shape for name in names):
        return config
    for name in names:
        tensors[name] = tensors[name][: len(vocabulary)]
    return dataclasses.replace(config, vocab_size=len(vocabulary))
