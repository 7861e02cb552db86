"""Models of GGUF's architecture ``llama``, tokenizer included.

Queries and keys lie as Meta's do, neighbours turned as a pair: llama.cpp's converter reorders those
of Hugging Face.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.byte_level import GGUF_NAMES, make_byte_level_vocabulary
from fontgen.llama.checkpoints.gguf_reader import GgufFile
from fontgen.llama.checkpoints.rope_scaling import scaled_as_in_gguf
from fontgen.llama.checkpoints.tensors import drop_padding, in_order, settle_classifier
from fontgen.llama.checkpoints.values import Values
from fontgen.llama.checkpoints.vocabulary import (
    CONTROL,
    SPACE,
    make_vocabulary,
    settle_user_defined,
)
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import Model, ModelCard, ModelConfig, PreTokenizer, Vocabulary

OF_MODEL = {
    "token_embd.weight": "tok_embeddings.weight",
    "output_norm.weight": "norm.weight",
    "output.weight": "output.weight",
}
OF_BLOCK = {
    "attn_norm": "attention_norm",
    "attn_q": "attention.wq",
    "attn_k": "attention.wk",
    "attn_v": "attention.wv",
    "attn_output": "attention.wo",
    "ffn_norm": "ffn_norm",
    "ffn_gate": "feed_forward.w1",
    "ffn_down": "feed_forward.w2",
    "ffn_up": "feed_forward.w3",
}
"""Meta's names of GGUF's."""
BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
ROPE_FACTORS = {
    "rope_freqs.weight": "always",
    "rope_factors_short.weight": "short",
    "rope_factors_long.weight": "long",
}
"""What RoPE's frequencies are divided by: in Llama 3.1; in LongRoPE, by the length of the context."""
ENDS = ("<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>")
"""Control tokens that end a text whatever the metadata says, as in llama.cpp (``special_eog_ids``)."""


def read(path: Path, tokenizer: Path | None, target: Target) -> Model:
    """Read a GGUF file; its own tokenizer unless one is given.

    Raises:
        FontgenError: cut short or damaged, another architecture, or a feature not supported.
    """
    file = GgufFile(path)
    keys = file.metadata
    with naming(path):
        config = fit(_config(keys, file), target)
    tensors, factors = {}, {}
    for name, tensor in file.tensors():
        if name in ROPE_FACTORS:
            factors[ROPE_FACTORS[name]] = tensor
        else:
            tensors[_meta_name(name)] = tensor
    with naming(path):
        config = scaled_as_in_gguf(config, keys, factors)
    config = settle_classifier(config, tensors, None, path)
    if tokenizer is None:
        with naming(path):
            vocabulary = _vocabulary(keys)
    else:
        vocabulary = tokenizers.read_fitting(
            tokenizer, path.parent, config.vocab_size, path, padded=True
        )
    if len(vocabulary) <= config.vocab_size:
        config = drop_padding(config, tensors, vocabulary)
    card = ModelCard(
        name=keys.text("general.name", path.stem),
        license=keys.text("general.license", ModelCard.license),
        description=keys.text("general.description", ""),
        source=path.name,
        sha256=file.sha256,
    )
    template = keys.text("tokenizer.chat_template", "") if tokenizer is None else ""
    return Model(config, in_order(tensors, config), vocabulary, card, template)


def _config(keys: Values, file: GgufFile) -> ModelConfig:
    architecture = keys.get("general.architecture")
    if architecture != "llama":
        raise FontgenError(f"is of the architecture {architecture!r}; only 'llama' is read")
    embeddings = file.shapes.get("token_embd.weight", ())
    if len(embeddings) != 2:
        raise FontgenError("tensor token_embd.weight is missing or no matrix")
    heads = keys.integer("llama.attention.head_count")
    config = ModelConfig(
        dim=keys.integer("llama.embedding_length"),
        hidden_dim=keys.integer("llama.feed_forward_length"),
        n_layers=keys.integer("llama.block_count"),
        n_heads=heads,
        n_kv_heads=keys.integer("llama.attention.head_count_kv", heads),
        vocab_size=embeddings[0],
        context_length=keys.integer("llama.context_length"),
        # float32 in the file: 1e-05 comes back as 9.999999747378752e-06
        norm_eps=float(
            str(np.float32(keys.number("llama.attention.layer_norm_rms_epsilon", 1e-5)))
        ),
        rope_theta=keys.number("llama.rope.freq_base", 10000.0),
    )
    config.check()
    for key in ("rope.dimension_count", "attention.key_length", "attention.value_length"):
        value = keys.integer(f"llama.{key}", config.head_size)
        if value != config.head_size:
            raise FontgenError(
                f"has llama.{key} {value}, which is not supported: embedding_length {config.dim} / "
                f"head_count {heads} would be"
            )
    if keys.integer("llama.expert_count", 0):
        raise FontgenError("is a mixture of experts, which is not supported")
    window = keys.integer("llama.attention.sliding_window", 0)
    if window and window < config.context_length:
        raise FontgenError(f"has a sliding window of {window} tokens, which is not supported")
    return config


def _meta_name(name: str) -> str:
    """Meta's name of a tensor, or the name as it is, which `Model.check` will refuse."""
    match = BLOCK.fullmatch(name)
    if match and match[2] in OF_BLOCK:
        return f"layers.{match[1]}.{OF_BLOCK[match[2]]}.weight"
    return OF_MODEL.get(name, name)


# ---- Vocabulary: ``tokenizer.ggml.*`` ----


def _vocabulary(keys: Values) -> Vocabulary:
    kind = keys.text("tokenizer.ggml.model", "missing")
    if kind not in ("llama", "gpt2"):
        raise FontgenError(
            f"its tokenizer is {kind}; sentencepiece BPE ('llama') and byte-level BPE ('gpt2') are supported"
        )
    tokens = keys.list("tokenizer.ggml.tokens", str)
    types = _per_token(keys, "token_type", int, len(tokens))
    vocabulary = (
        _sentencepiece(keys, tokens, types) if kind == "llama" else _byte_level(keys, tokens, types)
    )
    ends = [keys.token(f"tokenizer.ggml.{name}_token_id", len(tokens)) for name in ("eot", "eom")]
    ends += [
        token
        for token, (piece, type_) in enumerate(zip(tokens, types, strict=True))
        if piece in ENDS and type_ == CONTROL
    ]
    others = dict.fromkeys(token for token in ends if token not in (None, vocabulary.eos))
    return dataclasses.replace(
        vocabulary, stops=tuple(token for token in others if token is not None)
    )


def _sentencepiece(keys: Values, tokens: list[str], types: list[int]) -> Vocabulary:
    # Where there are no scores they are all 0, as in llama.cpp.
    scores = [0.0] * len(tokens)
    if "tokenizer.ggml.scores" in keys:
        scores = _per_token(keys, "scores", float, len(tokens))
    return make_vocabulary(
        [token.replace(SPACE, " ").encode() for token in tokens],
        scores,
        settle_user_defined(tokens, types),
        bos=_special(keys, "bos", 1, len(tokens)),
        eos=_special(keys, "eos", 2, len(tokens)),
        unk=_special(keys, "unknown", 0, len(tokens)),
        add_bos=keys.boolean("tokenizer.ggml.add_bos_token", True),
        add_dummy_prefix=keys.boolean("tokenizer.ggml.add_space_prefix", True),
        remove_extra_whitespaces=keys.boolean("tokenizer.ggml.remove_extra_whitespaces", False),
    )


def _byte_level(keys: Values, tokens: list[str], types: list[int]) -> Vocabulary:
    name = keys.text("tokenizer.ggml.pre", "default")
    if name not in GGUF_NAMES:
        raise FontgenError(
            f"its tokenizer splits text as {name!r} (tokenizer.ggml.pre); gpt-2, smollm, llama-bpe and "
            "qwen2 are supported"
        )
    pre_tokenizer = GGUF_NAMES[name]
    as_llama = pre_tokenizer == PreTokenizer.LLAMA_BPE
    bos, eos = (
        keys.token(f"tokenizer.ggml.{name}_token_id", len(tokens)) for name in ("bos", "eos")
    )
    add_bos = keys.boolean("tokenizer.ggml.add_bos_token", as_llama)
    return make_byte_level_vocabulary(
        tokens,
        types,
        keys.list("tokenizer.ggml.merges", str),
        pre_tokenizer,
        bos=eos if bos is None else bos,
        eos=eos,
        add_bos=add_bos and bos is not None,
        ignore_merges=as_llama,
    )


def _per_token(keys: Values, name: str, kind: type, length: int) -> list:
    values = keys.list(f"tokenizer.ggml.{name}", kind)
    if len(values) != length:
        raise FontgenError(f"tokenizer.ggml.{name} has {len(values)} entries for {length} tokens")
    return values


def _special(keys: Values, name: str, default: int, n_tokens: int) -> int | None:
    key = f"tokenizer.ggml.{name}_token_id"
    return keys.token(key, n_tokens) if key in keys else default if default < n_tokens else None
