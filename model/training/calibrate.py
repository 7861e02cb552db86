"""Make a model as sure of its tokens as it may be.

    python -m model.training.calibrate build/model/average --text build/model/data/valid/00000.npy -o model

A model that has seen its text many times is too sure on other text. One number mends that: the
temperature at which stories that it has not learned, the kept-aside ones of ``prepare.py``, are most
likely (temperature scaling, Guo et al. 2017, arXiv:1706.04599). The weights of the final norm are
divided by it, and so are all logits. The most likely token stays the most likely one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from model.data.batches import Stories
from model.training.network import Transformer
from model.training.weights import WEIGHTS, load_model, save_weights


@torch.no_grad()
def read_logits(model: Transformer, text: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (n, vocab_size) and the tokens (n,) that follow, of a token file's stories.

    Each story stands alone and is cut at the context; its end is left out, as in ``evaluate.py``.
    """
    length = model.config.max_seq_len
    logits, following = [], []
    for tokens in Stories([text], length, 0).spans():
        story = torch.from_numpy(tokens[:-1][: length + 1].astype(np.int64))
        logits.append(model.logits(story[None, :-1])[0])
        following.append(story[1:])
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
    temperature, before, after = find_temperature(*read_logits(load_model(folder), text))
    print(f"temperature {temperature:.3f}: {before:.4f} -> {after:.4f} nats per token")
    tensors = load_file(folder / WEIGHTS)
    tensors["norm.weight"] = tensors["norm.weight"].float() / temperature
    save_weights(tensors, folder, output)
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
