"""Hugging Face folders of a ``LlamaForCausalLM``: ``config.json``, safetensors, a tokenizer.

Read after transformers' ``configuration_llama.py`` (defaults of keys left out) and
``modeling_llama.py``. Its RoPE turns element ``i`` of a head with ``i + head_size / 2``; ours, as
Meta's, turns neighbours: `interleave_rotary` reorders the rows of the queries and keys. What else
changes the arithmetic (biases, other activations) is refused. Scaled RoPE: see `rope_scaling`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.rope_scaling import rope_section, scaled
from fontgen.llama.checkpoints.tensors import (
    decode_safetensors,
    drop_padding,
    in_order,
    settle_classifier,
)
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import Model, ModelCard, ModelConfig, Vocabulary

INDEX = "model.safetensors.index.json"
OF_MODEL = {
    "model.embed_tokens.weight": "tok_embeddings.weight",
    "model.norm.weight": "norm.weight",
    "lm_head.weight": "output.weight",
}
OF_LAYER = {
    "input_layernorm": "attention_norm",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
}
"""Meta's names of Hugging Face's."""
LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.weight")
IGNORED = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")
"""A table that old versions of transformers saved; rope_theta says the same."""


def read(path: Path, tokenizer: Path | None, target: Target) -> Model:
    """Read the folder, or the one that a ``.safetensors`` or index file lies in.

    Raises:
        FontgenError: another architecture, a feature that is not supported, a missing shard, or no
            tokenizer that fits.
    """
    folder = path if path.is_dir() else path.parent
    keys = Values.read_json(folder / "config.json")
    with naming(keys.path):
        config = scaled(fit(_config(keys), target), keys)
    loaded, digest, source = _read_weights(folder, path)
    tensors = {}
    for name in sorted(loaded):
        if not IGNORED.fullmatch(name):
            tensors[_meta_name(name)] = loaded[name]
    for name, n_heads in (("wq", config.n_heads), ("wk", config.n_kv_heads)):
        for layer in range(config.n_layers):
            full_name = f"layers.{layer}.attention.{name}.weight"
            tensor = tensors.get(full_name)
            if tensor is not None and tensor.shape == (n_heads * config.head_size, config.dim):
                tensors[full_name] = interleave_rotary(tensor, n_heads)
    config = settle_classifier(config, tensors, config.tied_embeddings, source)
    vocabulary = tokenizers.read_fitting(tokenizer, folder, config.vocab_size, source, padded=True)
    vocabulary = _configured(vocabulary, keys, folder, given=tokenizer is not None)
    config = drop_padding(config, tensors, vocabulary)
    card = ModelCard(name=folder.resolve().name, source=source.name, sha256=digest)
    return Model(config, in_order(tensors, config), vocabulary, card, _chat_template(folder))


def interleave_rotary(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Rows of a query or key matrix from Hugging Face's order of a head to Meta's.

    Args:
        weight: (n_heads * head_size, dim), of each head first the real, then the imaginary halves.

    Returns:
        The same shape, real and imaginary rows in turn.
    """
    rows, dim = weight.shape
    halves = weight.reshape(n_heads, 2, rows // n_heads // 2, dim)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, dim)


def _config(keys: Values) -> ModelConfig:
    architectures = keys.list("architectures", str, [])
    if any(name.lower() != "llamaforcausallm" for name in architectures):
        raise FontgenError(f"is {', '.join(architectures)}; only LlamaForCausalLM is read")
    if not architectures and keys.get("model_type") != "llama":
        raise FontgenError(f"is of model_type {keys.get('model_type')!r}; only 'llama' is read")
    for key, wanted in (
        ("hidden_act", ("silu", "swish")),
        ("attention_bias", (False,)),
        ("mlp_bias", (False,)),
        ("partial_rotary_factor", (1,)),
        ("quantization_config", ()),
    ):
        value = keys.get(key)
        if value is not None and value not in wanted:
            shown = f" {value!r}" if wanted else ""
            raise FontgenError(f"has {key}{shown}, which is not supported")
    heads = keys.integer("num_attention_heads")
    config = ModelConfig(
        dim=keys.integer("hidden_size"),
        hidden_dim=keys.integer("intermediate_size"),
        n_layers=keys.integer("num_hidden_layers"),
        n_heads=heads,
        n_kv_heads=keys.integer("num_key_value_heads", heads),
        vocab_size=keys.integer("vocab_size"),
        context_length=keys.integer("max_position_embeddings", 2048),
        norm_eps=keys.number("rms_norm_eps", 1e-6),
        rope_theta=rope_section(keys)[1].number("rope_theta", keys.number("rope_theta", 10000.0)),
        tied_embeddings=keys.boolean("tie_word_embeddings", False),
    )
    config.check()
    head_size = keys.integer("head_dim", config.head_size)
    if head_size != config.head_size:
        raise FontgenError(
            f"has head_dim {head_size}, which is not supported: hidden_size {config.dim} / "
            f"num_attention_heads {heads} would be"
        )
    return config


def _read_weights(folder: Path, given: Path) -> tuple[dict[str, np.ndarray], str, Path]:
    """Tensors under Hugging Face's names, SHA-256 over all shards in order of name, and the file to
    name in errors and on the card: the index of a sharded checkpoint."""
    is_file = given.is_file() and given.suffix == ".safetensors"
    single = given if is_file else folder / "model.safetensors"
    index = folder / INDEX
    if single.is_file() and (single.name == "model.safetensors" or not index.is_file()):
        files, source = [single], single
    elif index.is_file():
        files, source = _shards(index), index
    elif any(folder.glob("pytorch_model*.bin")):
        raise FontgenError(
            "its weights are PyTorch pickles, which are not read; save them as safetensors",
            path=folder,
        )
    else:
        raise FontgenError(f"the folder has neither model.safetensors nor {INDEX}", path=folder)
    tensors: dict[str, np.ndarray] = {}
    digest = hashlib.sha256()
    for file in files:
        data = file.read_bytes()
        digest.update(data)
        tensors.update(decode_safetensors(data, file))
    return tensors, digest.hexdigest(), source


def _shards(index: Path) -> list[Path]:
    weight_map = Values.read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise FontgenError("has no weight_map", path=index)
    shards = []
    for name in sorted(set(map(str, weight_map.values()))):
        if name != Path(name).name:
            raise FontgenError(f"names the shard {name!r}, which is no file name", path=index)
        if not (index.parent / name).is_file():
            raise FontgenError(f"names the shard {name}, which is missing", path=index)
        shards.append(index.parent / name)
    return shards


def _meta_name(name: str) -> str:
    """Meta's name of a tensor, or the name as it is, which `Model.check` will refuse."""
    match = LAYER.fullmatch(name)
    if match and match[2] in OF_LAYER:
        return f"layers.{match[1]}.{OF_LAYER[match[2]]}.weight"
    return OF_MODEL.get(name, name)


def _configured(vocabulary: Vocabulary, keys: Values, folder: Path, *, given: bool) -> Vocabulary:
    """The vocabulary with what the configurations add to it.

    Its own BOS and EOS come first, as in transformers and llama.cpp; ``config.json`` names them only where it does
    not. All EOS that ``config.json`` and ``generation_config.json`` name end a text.

    given: the tokenizer is not the folder's, so that ``tokenizer_config.json`` says nothing of it.
    """
    sources = [keys]
    if (folder / "generation_config.json").is_file():
        sources.append(Values.read_json(folder / "generation_config.json"))
    bos, ends = _named_tokens(sources, "bos", vocabulary), _named_tokens(sources, "eos", vocabulary)
    if vocabulary.eos is not None:
        ends.insert(0, vocabulary.eos)
    changes: dict[str, Any] = {}
    if vocabulary.bos is None and (bos or ends):
        changes["bos"] = [*bos, *ends][0]
        changes["add_bos"] = vocabulary.add_bos and bool(bos)
    if ends:
        changes["eos"] = ends[0]
        changes["stops"] = tuple(dict.fromkeys(token for token in ends if token != ends[0]))
    tokenizer_config = folder / "tokenizer_config.json"
    if not given and tokenizer_config.is_file():
        options = Values.read_json(tokenizer_config)
        changes["add_bos"] = options.boolean(
            "add_bos_token", changes.get("add_bos", vocabulary.add_bos)
        )
        if options.get("add_prefix_space") is False:
            changes["add_dummy_prefix"] = False
    return dataclasses.replace(vocabulary, **changes)


def _named_tokens(sources: list[Values], name: str, vocabulary: Vocabulary) -> list[int]:
    """Ids under ``bos_token_id`` or ``eos_token_id``, one or a list, in order of the sources."""
    found = []
    for source in sources:
        value = source.get(f"{name}_token_id")
        for token in value if isinstance(value, list) else [value]:
            whole = isinstance(token, int) and not isinstance(token, bool)
            if whole and 0 <= token < len(vocabulary):
                found.append(token)
    return found


def _chat_template(folder: Path) -> str:
    """``chat_template.jinja``, or the key of ``tokenizer_config.json`` that older folders have."""
    own, config = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    try:
        if own.is_file():
            return own.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FontgenError(f"is not UTF-8: {error}", path=own) from error
    template = Values.read_json(config).get("chat_template") if config.is_file() else None
    return template if isinstance(template, str) else ""
