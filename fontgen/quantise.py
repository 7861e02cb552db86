"""Float32 tensors to small integers: `Model` -> `QuantisedModel`.

Weights are quantised once, here; activations by the engine, one scale per vector, to 8 bits. Every
dot product is then a sum of integer products, exact in any order: that is what lets the SIMD128
engine, the portable engine and the NumPy reference agree bit for bit.

- 8 bits: symmetrically, with one scale per row (per output): the row's largest magnitude becomes
  127.
- 4 bits: each group of neighbouring columns has a scale of its own, itself an integer of 8 bits
  relative to the row's, so that sums over groups stay integers. Integers and scales are chosen by
  `fontgen.quantisation`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import FontgenError
from .model import Model, ModelCard, ModelConfig, Vocabulary

if TYPE_CHECKING:
    from .quantisation.gptq import Grid
    from .quantisation.layers import Progress

LARGEST = 127
"""Largest magnitude of an 8-bit value; -128 is not used, so that negation never overflows."""
GROUP_SIZE = 32
"""Columns that share a group scale, unless asked otherwise: 4.25 bits a weight."""
METHODS = ("gptq", "search", "absmax")


@dataclass(frozen=True)
class QuantisedMatrix:
    """A matrix of small integers.

    Without groups row ``r`` stands for ``values[r] * scales[r]``. With groups the weight in column
    ``c`` is ``values[r, c] * group_scales[r, c // group_size] * scales[r]``; the last group may be
    shorter.

    values: int8 (rows, columns), within -127..127 at 8 bits and -8..7 at 4.
    scales: float32 (rows,). bits: 8 or 4. group_size: columns of a group, 0 for none.
    group_scales: uint8 (rows, ceil(columns / group_size)), or None without groups.
    """

    values: np.ndarray
    scales: np.ndarray
    bits: int = 8
    group_size: int = 0
    group_scales: np.ndarray | None = None

    def integers(self) -> np.ndarray:
        """int32 (rows, columns): what `scales` multiply, group scales included."""
        integers = self.values.astype(np.int32)
        if self.group_scales is not None:
            steps = np.repeat(self.group_scales.astype(np.int32), self.group_size, axis=1)
            integers *= steps[:, : integers.shape[1]]
        return integers

    def dequantised(self) -> np.ndarray:
        """float32 (rows, columns): the weights that the integers stand for."""
        # The integers are below 2**24, so float32 holds them exactly.
        return self.integers().astype(np.float32) * self.scales[:, None]

    def check(self) -> None:
        """Raise `FontgenError` unless every product with 8-bit activations fits in an int32."""
        magnitudes = np.abs(self.values.astype(np.int64))
        if self.group_scales is not None:
            starts = np.arange(0, magnitudes.shape[1], self.group_size)
            magnitudes = np.add.reduceat(magnitudes, starts, axis=1) * self.group_scales
        largest = int(magnitudes.sum(axis=1).max(initial=0)) * LARGEST
        if largest >= 1 << 31:
            raise FontgenError(
                f"a row of {self.values.shape[1]} weights of {self.bits} bits can add up to "
                f"{largest:,}; 32-bit integers end at {(1 << 31) - 1:,}"
            )


@dataclass(frozen=True)
class QuantisedModel:
    """A model as the font carries it.

    matrices: every two-dimensional tensor of `fontgen.model.tensor_shapes`, by name.
    norms: every one-dimensional tensor (RMSNorm weights), float32, by name.
    """

    config: ModelConfig
    vocabulary: Vocabulary
    matrices: dict[str, QuantisedMatrix]
    norms: dict[str, np.ndarray]
    card: ModelCard

    def dequantised(self) -> Model:
        """The float32 model that the quantised weights stand for (activations stay float)."""
        tensors = {name: matrix.dequantised() for name, matrix in self.matrices.items()}
        return Model(self.config, tensors | self.norms, self.vocabulary, self.card)


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
    from .quantisation.gptq import HIGHEST, quantise_absmax, quantise_search

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
        progress: called with what begins, steps done and steps in all; only ``gptq`` takes long.

    Raises:
        FontgenError: a number of bits or a group size that is not supported, or a matrix so wide
            that its dot products could leave 32 bits, or (``gptq``) activations that overflow.
    """
    if bits not in (4, 8):
        raise FontgenError(f"weights of {bits} bits are not supported, only 8 and 4")
    embedding_bits = bits if embedding_bits is None else embedding_bits
    if embedding_bits not in (bits, 8):
        raise FontgenError(
            f"an embedding of {embedding_bits} bits with layers of {bits} is not supported"
        )
    group_size = (GROUP_SIZE if bits == 4 else 0) if group_size is None else group_size
    if group_size % 16 or group_size < 0 or (group_size == 0 and bits == 4):
        raise FontgenError(f"a group size of {group_size} is not supported, only multiples of 16")
    if method not in METHODS:
        raise FontgenError(f"no quantiser is called {method}; there are {', '.join(METHODS)}")
    weights = {name: tensor for name, tensor in model.tensors.items() if tensor.ndim == 2}
    by_row = {} if group_size or bits == 4 else weights
    if embedding_bits != bits:
        by_row = {name: weights[name] for name in EMBEDDINGS if name in weights}
    matrices = {name: quantise_rows(tensor) for name, tensor in by_row.items()}
    if bits == 4 and method == "gptq":
        from .quantisation.layers import quantise_layers

        fixed = {name: matrix.dequantised() for name, matrix in matrices.items()}
        grids = quantise_layers(model, group_size, fixed=fixed, seed=seed, progress=progress)
        matrices |= {name: _matrix(grid, bits) for name, grid in grids.items()}
    else:
        search = bits == 4 and method == "search"
        matrices |= {
            name: quantise_groups(tensor, bits, group_size, search=search)
            for name, tensor in weights.items()
            if name not in matrices
        }
    for name, matrix in matrices.items():
        try:
            matrix.check()
        except FontgenError as error:
            raise FontgenError(f"tensor {name}: {error.cause}") from error
    norms = {name: tensor for name, tensor in model.tensors.items() if tensor.ndim == 1}
    ordered = {name: matrices[name] for name in weights}
    return QuantisedModel(model.config, model.vocabulary, ordered, norms, model.card)


EMBEDDINGS = ("tok_embeddings.weight", "output.weight")


def _matrix(grid: Grid, bits: int) -> QuantisedMatrix:
    return QuantisedMatrix(grid.values, grid.scales, bits, grid.group_size, grid.group_scales)
