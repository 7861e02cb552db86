"""Byte-level vocabularies trained by `tokenizers`, in each of the splittings that the engine knows."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from fontgen.llama.character_classes import character_classes
from fontgen.llama.checkpoints.byte_level import LETTERS
from fontgen.llama.model import PieceKind, PreTokenizer, Vocabulary

TEXT = (
    "The little fox isn't hungry. They've 12 friends and 2024 apples!!  She'll say: \"DON'T go\"\n\n"
    "Жила-была лиса, café naïve — 東京に行きました。 ١٢٣ x² Ⅷ \t\r\n  def f(x):\n    return x+1\n 😀😀 'the theme' "
) * 20
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

_LLAMA_BPE = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _split(expression: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


PRE_TOKENIZERS = {
    PreTokenizer.GPT_2: pre_tokenizers.ByteLevel(add_prefix_space=False),
    PreTokenizer.SMOLLM: pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    ),
    PreTokenizer.LLAMA_BPE: _split(_LLAMA_BPE),
    PreTokenizer.QWEN2: _split(_LLAMA_BPE.replace("{1,3}", "")),
}


def train(kind: PreTokenizer, size: int = 700) -> tokenizers.Tokenizer:
    """A tokenizer of Hugging Face's library, as `kind` splits."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = PRE_TOKENIZERS[kind]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT], trainer)
    return tokenizer


def vocabulary_of(tokenizer: tokenizers.Tokenizer, kind: PreTokenizer, **options) -> Vocabulary:
    """The same for the engine."""
    model = json.loads(tokenizer.to_str())["model"]
    names = [name for name, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    kinds = [PieceKind.CONTROL if name in SPECIAL else PieceKind.NORMAL for name in names]
    pieces = [
        name.encode() if name in SPECIAL else bytes(LETTERS[character] for character in name)
        for name in names
    ]
    merges = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    ids = model["vocab"]
    vocabulary = Vocabulary(
        tuple(pieces),
        np.zeros(len(pieces), np.float32),
        np.array(kinds, np.uint8),
        bos=ids[SPECIAL[0]],
        eos=ids[SPECIAL[2]],
        unk=None,
        add_dummy_prefix=False,
        add_bos=False,
        pre_tokenizer=kind,
        merges=np.array([[ids[a], ids[b], ids[a + b]] for a, b in merges], np.uint32),
        character_classes=character_classes(),
    )
    vocabulary = dataclasses.replace(vocabulary, **options)
    vocabulary.check()
    return vocabulary
