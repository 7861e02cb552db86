"""Quantised tensors: what the quantiser makes of a `Model` and the font table carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.model import Model, ModelCard, ModelConfig, Vocabulary

LARGEST = 127
"""Largest magnitude of an 8-bit value; -128 is not used, so that negation never overflows."""


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
