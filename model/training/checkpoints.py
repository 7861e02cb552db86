"""What a run leaves on disk: the last states to go on from, the last weights, and the best ones."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.training.network import Transformer
from model.training.weights import save_model

LAST, MEAN, BEST = "weights", "weights-ema", "best"
"""Folders of weights in a run's: of the last step, the running mean, and the better of both at its best."""
FIGURES = "training.json"


class Checkpoints:
    """The folder of one run.

    ``checkpoints/000060.pt`` is the whole state after step 60. ``best/training.json`` says which of the two
    weights were the best so far by validation loss, and when.
    """

    def __init__(self, run: Path, keep: int) -> None:
        self.run = run
        self.folder = run / "checkpoints"
        self.keep = keep

    def newest(self) -> Path | None:
        """The last state, if there is one."""
        return max(self.folder.glob("*.pt"), default=None)

    def save_state(self, state: dict[str, Any]) -> None:
        """Write a state, all or nothing, and let go of those that are older than the last ``keep``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{state['step']:06}.pt"
        torch.save(state, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        for old in sorted(self.folder.glob("*.pt"))[: -self.keep]:
            old.unlink()

    def save_weights(
        self,
        models: Mapping[str, tuple[Transformer, float]],
        about: Mapping[str, str],
        figures: Mapping[str, Any],
    ) -> dict[str, Transformer]:
        """Write each folder's model, and the one with the lowest validation loss as the best, if it is.

        Returns what stands in which folder now.
        """
        written = {name: model for name, (model, _) in models.items()}
        for name, (model, _) in models.items():
            save_model(model, self.run / name, about)
        name = min(models, key=lambda each: models[each][1])
        loss = models[name][1]
        path = self.run / BEST / FIGURES
        so_far = (
            json.loads(path.read_text())["validation_nats_per_token"] if path.exists() else math.inf
        )
        if loss < so_far:
            written[BEST] = models[name][0]
            save_model(written[BEST], self.run / BEST, about)
            kind = "running mean" if name == MEAN else "last step"
            best = {**figures, "validation_nats_per_token": round(loss, 4), "weights": kind}
            path.write_text(json.dumps(best, indent=1) + "\n")
        return written
