"""Average the weights of models that come from one another, a "model soup".

    python -m model.training.average model=0.5 build/model/export=0.5 -o build/model/average

Fine-tuning leaves a model near enough to what it was that the weights between the two are good ones
as well, often better on text of neither kind (Wortsman et al. 2022, arXiv:2203.05482). A share
below zero takes a step back: ``other=0.5 before=-0.5 after=1`` is half of ``other``, half of ``before``
and all that came after it. Shares add up to 1. Everything but the weights is copied from the last folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from model.training.weights import WEIGHTS, save_weights


def read_share(text: str) -> tuple[float, Path]:
    """Take ``FOLDER=SHARE`` apart."""
    folder, _, share = text.rpartition("=")
    if not (Path(folder) / WEIGHTS).is_file():
        raise argparse.ArgumentTypeError(f"{text}: no {WEIGHTS} in {folder or 'no folder'}")
    try:
        return float(share), Path(folder)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: {share!r} is not a number") from None


def average(parts: list[tuple[float, Path]], output: Path) -> None:
    """Write the weighted mean of the folders' weights, float16, to ``output``.

    Raises:
        ValueError: shares that do not add up to 1, or tensors that differ in name or shape.
    """
    if abs(sum(share for share, _ in parts) - 1) > 1e-6:
        raise ValueError("the shares do not add up to 1")
    mean: dict[str, torch.Tensor] = {}
    for share, folder in parts:
        tensors = load_file(folder / WEIGHTS)
        if mean and {k: v.shape for k, v in tensors.items()} != {
            k: v.shape for k, v in mean.items()
        }:
            raise ValueError(
                f"{folder / WEIGHTS}: other tensors than those of {parts[0][1] / WEIGHTS}"
            )
        for name, tensor in tensors.items():
            mean[name] = mean.get(name, torch.zeros(())) + share * tensor.float()
    save_weights(mean, parts[-1][1], output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="+", type=read_share, metavar="FOLDER=SHARE")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        average(arguments.parts, arguments.output)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
