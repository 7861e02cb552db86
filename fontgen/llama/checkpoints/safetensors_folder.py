"""This project's checkpoints: ``model.safetensors``, ``config.json`` and ``tokenizer.model``.

Tensors have Meta's names (see `fontgen.llama.model`) and are float16, bfloat16 or float32. The keys of
``config.json``:

- ``dim``, ``n_layers``, ``n_heads``, ``hidden_dim``, ``vocab_size``, ``max_seq_len``: integers;
- ``n_kv_heads`` (``n_heads``), ``norm_eps`` (1e-5), ``rope_theta`` (10000), ``tied_embeddings``
  (whether ``output.weight`` is absent): optional, with these defaults;
- ``name``, ``license``, ``description``: what the font says of its model.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.tensors import (
    decode_safetensors,
    drop_padding,
    in_order,
    settle_classifier,
)
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import Model, ModelCard, ModelConfig


def read(path: Path, tokenizer: Path | None, target: Target) -> Model:
    """Read the folder or the ``.safetensors`` file in it, and the tokenizer given or beside it."""
    folder = path if path.is_dir() else path.parent
    weights = folder / "model.safetensors" if path.is_dir() else path
    keys = Values.read_json(folder / "config.json")
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
    with naming(keys.path):
        config = fit(config, target)
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
    vocabulary = tokenizers.read_fitting(tokenizer, folder, config.vocab_size, weights, padded=True)
    config = drop_padding(config, tensors, vocabulary)
    return Model(config, in_order(tensors, config), vocabulary, card)
