"""Muon for the matrices inside the layers, AdamW for everything else, one schedule for both.

Sources: Jordan et al. 2024, "Muon" (torch.optim.Muon); Loshchilov and Hutter 2017, "Decoupled weight decay
regularization" (arXiv:1711.05101).
"""

from __future__ import annotations

from typing import Any

import torch

from model.recipe import Train
from model.training.network import Adapted, Transformer


class Optimizers:
    """Both optimizers, and the rates that they begin with."""

    def __init__(self, model: Transformer, train: Train) -> None:
        adapted = any(isinstance(module, Adapted) for module in model.modules())
        trained = [p for p in model.parameters() if p.requires_grad]
        # The two parts of an adapter are no matrices that Muon's orthogonal steps would suit.
        by_muon = not adapted and train.muon_lr > 0
        matrices = [p for p in model.layers.parameters() if p.dim() == 2] if by_muon else []
        others = [p for p in trained if not any(p is m for m in matrices)]
        self.each: list[torch.optim.Optimizer] = []
        if matrices:
            self.each.append(
                torch.optim.Muon(
                    matrices,
                    lr=train.muon_lr,
                    momentum=train.muon_momentum,
                    weight_decay=train.weight_decay,
                )
            )
        betas = (train.adamw_betas[0], train.adamw_betas[1])
        self.each.append(
            torch.optim.AdamW(others, lr=train.adamw_lr, betas=betas, weight_decay=0.0)
        )
        self._base = [[group["lr"] for group in one.param_groups] for one in self.each]

    def step(self, rate: float) -> None:
        """One step of both at ``rate`` times their learning rates; the gradients are gone then."""
        for one, rates in zip(self.each, self._base, strict=True):
            for group, base in zip(one.param_groups, rates, strict=True):
                group["lr"] = base * rate
            one.step()
            one.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [one.state_dict() for one in self.each]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for one, state in zip(self.each, states, strict=True):
            one.load_state_dict(state)


def learning_rate(progress: float, warmup: float, decay: float) -> float:
    """The factor on the learning rate when ``progress`` (0 to 1) of the budget is spent."""
    return max(0.0, min(1.0, progress / max(warmup, 1e-9), (1.0 - progress) / max(decay, 1e-9)))
