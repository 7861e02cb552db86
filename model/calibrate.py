#!/usr/bin/env python3
"""Make a model as sure of its tokens as it may be.

    python model/calibrate.py build/model/average --text build/model/data/valid.npy -o model

A model that has seen its text many times is too sure on other text. One number mends that: the
temperature at which stories that it has not learned, the kept-aside ones of ``prepare.py``, are most
likely (temperature scaling, Guo et al. 2017, arXiv:1706.04599). The weights of the final norm are
divided by it, and so are all logits. The most likely token stays the most likely one.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch
from prepare import BOS
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from model import Transformer, load_model

NAME = "model.safetensors"


@torch.no_grad()
def read_logits(model: Transformer, tokens: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n, vocab_size) and the tokens (n,) that follow, of stories that each begin with BOS.

    Each story stands alone and is cut at the context; its end is left out, as in ``evaluate.py``.
    """
    starts = np.flatnonzero(tokens == BOS)
    logits, following = [], []
    for start, end in zip(starts[:-1], starts[1:], strict=True):
        story = torch.from_numpy(tokens[start : min(end, start + model.config.max_seq_len + 1)])
        logits.append(model.logits(story[None, :-1].long())[0])
        following.append(story[1:].long())
    return torch.cat(logits), torch.cat(following)


def find_temperature(logits: torch.Tensor, following: torch.Tensor) -> tuple[float, float, float]:
    """The best temperature, and the nats per token without and with it."""
    logarithm = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([logarithm], max_iter=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(logits * torch.exp(-logarithm), following)
        value.backward()
        return value

    before = float(loss().detach())
    optimizer.step(loss)
    return float(logarithm.detach().exp()), before, float(loss().detach())


def calibrate(folder: Path, text: Path, output: Path) -> float:
    """Write the model of ``folder`` with the best temperature for ``text`` to ``output``; return it."""
    tokens = np.load(text).astype(np.int64)
    temperature, before, after = find_temperature(*read_logits(load_model(folder).eval(), tokens))
    print(f"temperature {temperature:.3f}: {before:.4f} -> {after:.4f} nats per token")
    tensors = load_file(folder / NAME)
    tensors["norm.weight"] = (tensors["norm.weight"].float() / temperature).half()
    output.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.name != NAME and folder.resolve() != output.resolve():
            shutil.copyfile(path, output / path.name)
    save_file(tensors, output / NAME, metadata={"format": "pt"})
    return temperature


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of a model")
    parser.add_argument("--text", type=Path, required=True, help="token file of kept-aside stories")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    calibrate(arguments.folder, arguments.text, arguments.output)


if __name__ == "__main__":
    main()
