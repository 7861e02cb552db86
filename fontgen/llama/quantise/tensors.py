"""Float32 tensors to small integers: `Model` -> `QuantisedModel`.

Weights are quantised once, here; activations by the engine, one scale per vector, to 8 bits. Every
dot product is then a sum of integer products, exact in any order: that is what lets the SIMD128
engine, the portable engine and the NumPy reference agree bit for bit.

- 8 bits: symmetrically, with one scale per row (per output): the row's largest magnitude becomes
  127.
- 4 bits: each group of neighbouring columns has a scale of its own, itself an integer of 8 bits
  relative to the row's, so that sums over groups stay integers. Integers and scales are chosen by
  this package.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fontgen.errors import FontgenError, naming
from fontgen.llama.model import Model
from fontgen.llama.quantise.gptq import HIGHEST, Grid, quantise_absmax, quantise_search
from fontgen.llama.quantise.layers import Progress, quantise_layers
from fontgen.llama.quantise.methods import METHODS
from fontgen.llama.quantised import LARGEST, QuantisedMatrix, QuantisedModel

GROUP_SIZE = 32
"""Columns that share a group scale, unless asked otherwise: 4.25 bits a weight."""


def quantise_rows(weights: np.ndarray) -> QuantisedMatrix:
    """Quantise a float32 (rows, columns) matrix to 8 bits with one scale per row."""
    largest = np.abs(weights).max(axis=1)
    scales = (largest / np.float32(LARGEST)).astype(np.float32)
    # A row of zeros, or one so small that its scale underflows, stands for zero with any scale.
    divisors = np.where(scales > 0, scales, np.float32(1))
    values = np.clip(np.rint(weights / divisors[:, None]), -LARGEST, LARGEST)
    return QuantisedMatrix(values.astype(np.int8), scales)


def quantise_groups(
    weights: np.ndarray, bits: int, group_size: int = GROUP_SIZE, *, search: bool = False
) -> QuantisedMatrix:
    """Quantise a float32 (rows, columns) matrix by groups, looking at nothing but the weights.

    Args:
        bits: 4 or 8.
        group_size: columns that share a group scale.
        search: at 4 bits, choose scales that may clip the largest weights where the squared error
            gains.
    """
    if search:
        grid = quantise_search(weights, group_size)
    else:
        grid = quantise_absmax(weights, group_size, LARGEST if bits == 8 else HIGHEST)
    return _matrix(grid, bits)


def quantise(
    model: Model,
    bits: int = 8,
    *,
    group_size: int | None = None,
    embedding_bits: int | None = None,
    method: str = "gptq",
    seed: int = 0,
    opening: Sequence[int] = (),
    progress: Progress | None = None,
) -> QuantisedModel:
    """Quantise every matrix of a model; RMSNorm weights stay float32.

    Args:
        model: the checkpoint.
        bits: of a weight, 8 or 4.
        group_size: columns that share a group scale, a multiple of 16; 0 for none. By default one
            scale per row at 8 bits (groups are for comparison there, the engine has no kernel for
            them) and 32 at 4.
        embedding_bits: of the embedding and the classifier, by default ``bits``. 8 with 4-bit
            layers gives them one scale per row.
        method: at 4 bits ``gptq`` (fits the weights to text that the model writes itself),
            ``search`` (least squared error of the weights) or ``absmax`` (rounding to nearest).
        seed: of that text. The same model, seed and machine give the same integers.
        opening: tokens that it begins with, as the font's texts do; by default BOS.
        progress: called with what begins, steps done and steps in all; only ``gptq`` takes long.

    Raises:
        FontgenError: a number of bits or a group size that is not supported, or a matrix so wide
            that its dot products could leave 32 bits, or (``gptq``) activations that overflow.
    """
    embedding_bits = bits if embedding_bits is None else embedding_bits
    group_size = (GROUP_SIZE if bits == 4 else 0) if group_size is None else group_size
    _check_request(bits, group_size, embedding_bits, method)
    weights = {name: tensor for name, tensor in model.tensors.items() if tensor.ndim == 2}
    by_row = {} if group_size or bits == 4 else weights
    if embedding_bits != bits:
        by_row = {name: weights[name] for name in EMBEDDINGS if name in weights}
    matrices = {name: quantise_rows(tensor) for name, tensor in by_row.items()}
    if bits == 4 and method == "gptq":
        fixed = {name: matrix.dequantised() for name, matrix in matrices.items()}
        grids = quantise_layers(
            model, group_size, fixed=fixed, seed=seed, opening=opening, progress=progress
        )
        matrices |= {name: _matrix(grid, bits) for name, grid in grids.items()}
    else:
        search = bits == 4 and method == "search"
        matrices |= {
            name: quantise_groups(tensor, bits, group_size, search=search)
            for name, tensor in weights.items()
            if name not in matrices
        }
    for name, matrix in matrices.items():
        with naming(None, f"tensor {name}"):
            matrix.check()
    norms = {name: tensor for name, tensor in model.tensors.items() if tensor.ndim == 1}
    ordered = {name: matrices[name] for name in weights}
    return QuantisedModel(model.config, model.vocabulary, ordered, norms, model.card)


def _check_request(bits: int, group_size: int, embedding_bits: int, method: str) -> None:
    """Raise `FontgenError` for what no kernel or quantiser is there for."""
    if bits not in (4, 8):
        raise FontgenError(f"weights of {bits} bits are not supported, only 8 and 4")
    if embedding_bits not in (bits, 8):
        raise FontgenError(
            f"an embedding of {embedding_bits} bits with layers of {bits} is not supported"
        )
    if group_size % 16 or group_size < 0 or (group_size == 0 and bits == 4):
        raise FontgenError(f"a group size of {group_size} is not supported, only multiples of 16")
    if method not in METHODS:
        raise FontgenError(f"no quantiser is called {method}; there are {', '.join(METHODS)}")


EMBEDDINGS = ("tok_embeddings.weight", "output.weight")


def _matrix(grid: Grid, bits: int) -> QuantisedMatrix:
    return QuantisedMatrix(grid.values, grid.scales, bits, grid.group_size, grid.group_scales)
