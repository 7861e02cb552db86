"""The loss on stories that were kept aside, in batches, shared by all processes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from model.data.batches import MASKED, Stories
from model.data.vocabulary import BOS
from model.training.network import Transformer
from model.training.team import Team

VALIDATION_TOKENS = 8192
"""Tokens that are looked at side by side."""


def padded(stories: Stories, length: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and targets (rows, time) of the stories, each alone and cut at ``length``, its end included.

    Stories of like length come side by side, so that less of a batch is empty.
    """
    cut = sorted((story[: length + 1] for story in stories.spans()), key=len)
    while cut:
        longest = len(cut[-1]) - 1
        some = [cut.pop() for _ in range(min(len(cut), max(1, VALIDATION_TOKENS // longest)))]
        inputs = np.full((len(some), longest), BOS)
        targets = np.full((len(some), longest), MASKED)
        for row, story in enumerate(some):
            inputs[row, : len(story) - 1] = story[:-1]
            targets[row, : len(story) - 1] = story[1:]
        yield torch.from_numpy(inputs), torch.from_numpy(targets)


@torch.no_grad()
def validation_loss(model: Transformer, stories: Stories, team: Team) -> float:
    """Mean nats per token, the end of a story included; the same number in every process."""
    sums = torch.zeros(2, dtype=torch.float64, device=team.device)
    for index, (inputs, targets) in enumerate(padded(stories, model.config.max_seq_len)):
        if index % team.size == team.rank:
            loss = model.loss(inputs.to(team.device), targets.to(team.device), reduction="sum")
            sums += torch.stack([loss.double(), (targets != MASKED).sum().to(loss.device)])
    total, count = team.sum(sums).tolist()
    return total / max(count, 1)
