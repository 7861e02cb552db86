"""A language model that knows English becomes a teacher that speaks the student's tokens.

    python -m model.training.teacher model/teacher -o build/model/teacher    # from the adapters in the repository

A base model (``smollm2-135m-instruct``, or whatever `fontgen build` reads) is read into this package's `Transformer`,
and its vocabulary gives way to the student's: the vector of each new token is the mean of the vectors of the old tokens
that spell it (Gee et al. 2022, "Fast vocabulary transfer for language model compression", arXiv:2402.09977). Nine
tenths of the student's tokens are one of the old ones. With one vocabulary, the teacher judges every token that the
student reads, and what it expects can be learned as it is (Hinton et al. 2015, arXiv:1503.02531); and its classifier is
a twelfth of what it was.

``recipes/teacher.toml`` fine-tunes it then: adapters beside frozen matrices (`network.Adapted`), the vectors and
the norms. These are all that has to be kept (``adapter.safetensors``, bfloat16); the base comes from where it came.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from safetensors.torch import load_file, save_file

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.model import Vocabulary
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from model.training.network import Adapted, ModelConfig, Transformer
from model.training.weights import save_model

ADAPTER = "adapter.safetensors"
STORY_END = b"<|endoftext|>"
"""The base's token that becomes BOS, where it has it; its own end otherwise."""
MATRICES = (
    "attention.wq",
    "attention.wk",
    "attention.wv",
    "attention.wo",
    "feed_forward.w1",
    "feed_forward.w2",
    "feed_forward.w3",
)


class Speller:
    """How a base spells the student's tokens in its own."""

    def __init__(self, base: Vocabulary, vocabulary: sentencepiece.SentencePieceProcessor) -> None:
        self.vocabulary = vocabulary
        self.tokenizer = ReferenceTokenizer(base)
        self.tokens = {piece: token for token, piece in enumerate(base.pieces)}
        self.end = self.tokens.get(STORY_END, base.eos or 0)

    def spell(self, token: int) -> list[int]:
        """The old tokens of a new one; the end of a story for BOS and what has no spelling."""
        piece = self.vocabulary.id_to_piece(token)
        if self.vocabulary.is_byte(token):
            return [self.tokens.get(bytes([int(piece[1:-1], 16)]), self.end)]
        if self.vocabulary.is_control(token) or self.vocabulary.is_unknown(token):
            return [self.end]
        text = piece.replace("\N{LOWER ONE EIGHTH BLOCK}", " ")
        return self.tokenizer.encode(text, at_start=False)


def read_base(
    base: str, vocabulary: sentencepiece.SentencePieceProcessor, max_seq_len: int
) -> Transformer:
    """Read a base model (whatever ``fontgen build`` reads), float32, with another vocabulary.

    Raises what `fontgen.llama.checkpoints.load` does, and `FontgenError` for a model that is no plain Llama.
    """
    model = checkpoints.load(base)
    config = model.config
    if config.rope_factors or config.rope_attention != 1 or not config.tied_embeddings:
        raise FontgenError("scaled RoPE or a classifier of its own is not supported", path=base)
    tensors = {name: torch.from_numpy(np.array(each)) for name, each in model.tensors.items()}
    speller, old = Speller(model.vocabulary, vocabulary), tensors["tok_embeddings.weight"]
    spelled = (speller.spell(token) for token in range(vocabulary.vocab_size()))
    tensors["tok_embeddings.weight"] = torch.stack([old[ids].mean(0) for ids in spelled])
    network = Transformer(
        ModelConfig(
            dim=config.dim,
            n_layers=config.n_layers,
            n_heads=config.n_heads,
            n_kv_heads=config.n_kv_heads,
            hidden_dim=config.hidden_dim,
            vocab_size=vocabulary.vocab_size(),
            max_seq_len=max_seq_len,
            norm_eps=config.norm_eps,
            rope_theta=config.rope_theta,
        )
    )
    network.load_state_dict(tensors)
    return network


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
    parser = argparse.ArgumentParser(description="Merge adapters into their base model.")
    parser.add_argument("folder", type=Path, help="folder of adapter.safetensors and adapter.json")
    parser.add_argument("--base", help="instead of the one that adapter.json names")
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
