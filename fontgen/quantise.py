"""Float32 tensors to 8-bit integers: `Model` -> `QuantisedModel`.

Weights are quantised once, here, symmetrically and with one scale per row (per output): the row's largest
magnitude becomes 127. Activations are quantised by the engine, one scale per vector, so that every dot
product is a sum of integer products, exact in any order: that is what lets the SIMD128 engine, the portable
engine and the NumPy reference agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import FontgenError
from .model import Model, ModelCard, ModelConfig, Vocabulary

LARGEST = 127
"""Largest magnitude of a quantised value; -128 is not used, so that negation never overflows."""


@dataclass(frozen=True)
class QuantisedMatrix:
    """A matrix of small integers; row ``r`` stands for ``values[r] * scales[r]``.

    values: int8 (rows, columns), within -127..127. scales: float32 (rows,).
    """

    values: np.ndarray
    scales: np.ndarray

    def dequantised(self) -> np.ndarray:
        """float32 (rows, columns): the weights that the integers stand for."""
        return self.values.astype(np.float32) * self.scales[:, None]


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


def quantise(model: Model, bits: int = 8) -> QuantisedModel:
    """Quantise every matrix of a model; RMSNorm weights stay float32.

    Raises `FontgenError` for a number of bits that the engine has no kernel for.
    """
    if bits != 8:
        raise FontgenError(f"weights of {bits} bits are not supported, only 8")
    matrices = {name: quantise_rows(t) for name, t in model.tensors.items() if t.ndim == 2}
    norms = {name: t for name, t in model.tensors.items() if t.ndim == 1}
    return QuantisedModel(model.config, model.vocabulary, matrices, norms, model.card)
