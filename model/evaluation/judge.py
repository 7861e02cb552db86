"""What a larger model thinks of continuations: a teacher's likelihood of them, beside that of real ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sentencepiece
import torch

from model.data.vocabulary import BOS
from model.stories.checks import Story
from model.training.network import Transformer
from model.training.weights import load_model

SIDE_BY_SIDE = 8
OPENING_WORDS = 8
"""Words of a held-out story that count as its prompt."""


@dataclass(frozen=True)
class Judgement:
    """Of several continuations: nats per token (the prompt's aside), and bits per byte of their text."""

    nats_per_token: float
    bits_per_byte: float


class Judge:
    """A teacher (a folder of weights and the vocabulary that it shares with the student)."""

    def __init__(self, folder: Path, vocabulary: Path) -> None:
        self.model: Transformer = load_model(folder)
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))

    def n_bytes(self, tokens: list[int]) -> int:
        """UTF-8 bytes that tokens spell."""
        return len(self.tokenizer.decode(tokens).encode())

    @torch.no_grad()
    def judge(self, stories: Sequence[Story]) -> Judgement:
        """How likely the continuations are, each given its prompt, as far as they fit the context."""
        length = self.model.config.max_seq_len
        nats, n_tokens, n_bytes = 0.0, 0, 0
        for at in range(0, len(stories), SIDE_BY_SIDE):
            some = stories[at : at + SIDE_BY_SIDE]
            inputs = np.full((len(some), length), BOS)
            targets = np.full((len(some), length), -1)
            for row, story in enumerate(some):
                told = self.tokenizer.encode(story.prompt + story.text)
                # The prompt's tokens, as far as the story begins with them: the last may go on in it.
                prompt = self.tokenizer.encode(story.prompt)
                same = next(
                    (i for i, (a, b) in enumerate(zip(prompt, told, strict=False)) if a != b),
                    min(len(prompt), len(told)),
                )
                tokens = [BOS, *told][: length + 1]
                inputs[row, : len(tokens) - 1] = tokens[:-1]
                targets[row, same : len(tokens) - 1] = tokens[same + 1 :]
                n_tokens += len(tokens) - same - 1
                n_bytes += self.n_bytes(tokens[1:]) - self.n_bytes(tokens[1 : same + 1])
            loss = self.model.loss(
                torch.from_numpy(inputs), torch.from_numpy(targets), reduction="sum"
            )
            nats += float(loss)
        return Judgement(nats / max(n_tokens, 1), nats / math.log(2) / max(n_bytes, 1))


def real_continuations(stories: Sequence[str], count: int) -> list[Story]:
    """The first ``count`` held-out stories, their first words as a prompt."""
    continued = []
    for story in stories[:count]:
        words = story.split(" ")
        prompt = " ".join(words[:OPENING_WORDS])
        continued.append(Story(prompt, story[len(prompt) :], True))
    return continued
