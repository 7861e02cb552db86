"""GGUF files of the architecture ``llama`` (llama.cpp's format), tokenizer included, by `gguf`.

Weights of all types that the gguf package dequantises are read: F32, F16, BF16, Q8_0, Q4_0, others.
Queries and keys lie as Meta's do, neighbours turned as a pair: llama.cpp's converter reorders those
of Hugging Face.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.limits import check_fits
from fontgen.llama.checkpoints.safetensors_folder import in_order, settle_classifier
from fontgen.llama.model import Model, ModelCard, ModelConfig, Vocabulary

if TYPE_CHECKING:
    from gguf import GGUFReader

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


def read(path: Path, tokenizer: Path | None) -> Model:
    """Read a GGUF file; its own tokenizer unless one is given.

    Raises:
        FontgenError: cut short or damaged, another architecture, or a feature not supported.
    """
    reader = _open(path)
    fields = _Fields(reader)
    config = _config(fields, reader)
    config.check()
    check_fits(config)
    tensors = {}
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight":
            _check_rope_freqs(_dequantise(tensor))
            continue
        tensors[_meta_name(tensor.name)] = _dequantise(tensor)
    config = settle_classifier(config, tensors, None, path)
    if tokenizer is None:
        vocabulary = _vocabulary(fields)
    else:
        vocabulary = tokenizers.read_fitting(tokenizer, path.parent, config.vocab_size, path)
    card = ModelCard(
        name=fields.text("general.name", path.stem),
        license=fields.text("general.license", ModelCard.license),
        description=fields.text("general.description", ""),
        source=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    return Model(config, in_order(tensors, config), vocabulary, card)


def _open(path: Path) -> GGUFReader:
    try:
        import gguf
    except ImportError as error:
        raise FontgenError(
            "is a GGUF file, read by the gguf package, which is not installed: "
            "pip install 'fontgen[checkpoints]'"
        ) from error

    class BoundedReader(gguf.GGUFReader):
        """Refuses what lies past the file's end, where NumPy would quietly give empty arrays."""

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "data":  # each slice of a memmap costs three of a plain array over it
                value = np.asarray(value).view(np.ndarray)
            super().__setattr__(name, value)

        def _get(self, offset: int, dtype: Any, count: int = 1, *args: Any, **options: Any) -> Any:
            self._require(int(offset) + np.dtype(dtype).itemsize * int(count))
            return super()._get(offset, dtype, count, *args, **options)

        def _build_tensors(self, start_offs: int, fields: Any) -> None:
            for field in fields:
                dims, type_, offset = field.parts[3:6]
                block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(type_[0])]
                elements = 1
                for length in dims:
                    elements *= int(length)
                self._require(int(start_offs) + int(offset[0]) + elements // block * size)
            super()._build_tensors(start_offs, fields)

        def _require(self, needed: int) -> None:
            if needed > len(self.data):
                raise FontgenError(
                    f"is cut short: needs {needed:,} bytes or more, has {len(self.data):,}"
                )

    try:
        return BoundedReader(path)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise FontgenError(f"is not a GGUF file that can be read: {error}") from error


class _Fields:
    """Metadata by key, with the types that GGUF gives them checked."""

    def __init__(self, reader: GGUFReader):
        self.values = reader.fields

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self.values:
            return default
        try:
            return self.values[key].contents()
        except (ValueError, IndexError) as error:
            raise FontgenError(f"its {key} cannot be read: {error}") from error

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            what = "lacks it" if value is None else f"has {value!r}"
            raise FontgenError(f"{key} should be an integer, but the file {what}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            what = "lacks it" if value is None else f"has {value!r}"
            raise FontgenError(f"{key} should be a number, but the file {what}")
        return float(value)

    def text(self, key: str, default: str) -> str:
        return str(self.get(key, default))

    def list(self, key: str, kind: type, length: int | None = None) -> list[Any]:
        """A list of this many (or any number) of this type."""
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise FontgenError(f"{key} is missing or no list of {kind.__name__}")
        if length is not None and len(value) != length:
            raise FontgenError(f"{key} has {len(value)} entries for {length} tokens")
        return value


def _config(fields: _Fields, reader: GGUFReader) -> ModelConfig:
    architecture = fields.get("general.architecture")
    if architecture != "llama":
        raise FontgenError(f"is of the architecture {architecture!r}; only 'llama' is read")
    embeddings = next((t for t in reader.tensors if t.name == "token_embd.weight"), None)
    if embeddings is None or len(embeddings.shape) != 2:
        raise FontgenError("tensor token_embd.weight is missing or no matrix")
    heads = fields.integer("llama.attention.head_count")
    config = ModelConfig(
        dim=fields.integer("llama.embedding_length"),
        hidden_dim=fields.integer("llama.feed_forward_length"),
        n_layers=fields.integer("llama.block_count"),
        n_heads=heads,
        n_kv_heads=fields.integer("llama.attention.head_count_kv", heads),
        vocab_size=int(embeddings.shape[1]),
        context_length=fields.integer("llama.context_length"),
        # float32 in the file: 1e-05 comes back as 9.999999747378752e-06
        norm_eps=float(
            str(np.float32(fields.number("llama.attention.layer_norm_rms_epsilon", 1e-5)))
        ),
        rope_theta=fields.number("llama.rope.freq_base", 10000.0),
    )
    config.check()
    for key in ("rope.dimension_count", "attention.key_length", "attention.value_length"):
        value = fields.integer(f"llama.{key}", config.head_size)
        if value != config.head_size:
            raise FontgenError(
                f"has llama.{key} {value}, which is not supported: embedding_length {config.dim} / "
                f"head_count {heads} would be"
            )
    scaling = fields.get("llama.rope.scaling.type", "none")
    if scaling != "none" or fields.get("llama.rope.scale_linear", 1) != 1:
        raise FontgenError(f"has a rope scaling of type {scaling!r}, which is not supported")
    if fields.get("llama.expert_count", 0):
        raise FontgenError("is a mixture of experts, which is not supported")
    window = fields.get("llama.attention.sliding_window", 0)
    if window and window < config.context_length:
        raise FontgenError(f"has a sliding window of {window} tokens, which is not supported")
    return config


def _meta_name(name: str) -> str:
    """Meta's name of a tensor, or the name as it is, which `Model.check` will refuse."""
    match = BLOCK.fullmatch(name)
    if match and match[2] in OF_BLOCK:
        return f"layers.{match[1]}.{OF_BLOCK[match[2]]}.weight"
    return OF_MODEL.get(name, name)


def _dequantise(tensor: Any) -> np.ndarray:
    import gguf

    try:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
    except (NotImplementedError, ValueError) as error:
        raise FontgenError(
            f"tensor {tensor.name} is {tensor.tensor_type.name}, which gguf does not dequantise"
        ) from error
    # A copy: the file's memory map is let go.
    return np.array(values, np.float32).reshape([int(n) for n in reversed(tensor.shape)])


def _check_rope_freqs(factors: np.ndarray) -> None:
    """Factors of RoPE's frequencies, which Llama 3.1 scales."""
    if not np.array_equal(factors, np.ones_like(factors)):
        raise FontgenError("has rope_freqs.weight, a rope scaling, which is not supported")


def _vocabulary(fields: _Fields) -> Vocabulary:
    """The tokenizer in the file: ``tokenizer.ggml.*``."""
    model = fields.get("tokenizer.ggml.model")
    if model != "llama":
        kind = {"gpt2": "a byte-level BPE", None: "missing"}.get(model, repr(model))
        raise FontgenError(
            f"its tokenizer is {kind}; only sentencepiece BPE ('llama') is supported"
        )
    tokens = fields.list("tokenizer.ggml.tokens", str)
    types = fields.list("tokenizer.ggml.token_type", int, len(tokens))

    def token_id(name: str, default: int | None) -> int | None:
        value = fields.get(f"tokenizer.ggml.{name}_token_id", default)
        return value if isinstance(value, int) and 0 <= value < len(tokens) else None

    return tokenizers.make_vocabulary(
        [token.replace(tokenizers.SPACE, " ").encode() for token in tokens],
        fields.list("tokenizer.ggml.scores", float, len(tokens)),
        tokenizers.settle_user_defined(tokens, types),
        bos=token_id("bos", 1),
        eos=token_id("eos", 2),
        unk=token_id("unknown", 0),
        add_dummy_prefix=bool(fields.get("tokenizer.ggml.add_space_prefix", True)),
        remove_extra_whitespaces=bool(fields.get("tokenizer.ggml.remove_extra_whitespaces", False)),
    )
