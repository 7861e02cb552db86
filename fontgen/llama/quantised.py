"""Quantised tensors: what the quantiser makes of a `Model` and the font table carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    def integers(self, rows: slice | int = slice(None), dtype: type = np.int32) -> np.ndarray:
        """(rows, columns) of some rows, or of one: what `scales` multiply, group scales included. They are below
        2**24, which int32, float32 and float64 hold exactly."""
        integers: np.ndarray = self.values[rows].astype(dtype)
        if self.group_scales is not None:
            steps: np.ndarray = np.repeat(
                self.group_scales[rows].astype(dtype), self.group_size, axis=-1
            )
            integers *= steps[..., : integers.shape[-1]]
        return integers

    def dequantised(self) -> np.ndarray:
        """float32 (rows, columns): the weights that the integers stand for."""
        weights = self.integers(dtype=np.float32)
        weights *= self.scales[:, None]
        return weights

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

    @property
    def n_parameters(self) -> int:
        return sum(array.size for array in self.norms.values()) + sum(
            matrix.values.size for matrix in self.matrices.values()
        )

    def dequantised(self) -> Model:
        """The float32 model that the quantised weights stand for (activations stay float)."""
        return Model(self.config, dict(DequantisedTensors(self)), self.vocabulary, self.card)


class DequantisedTensors(Mapping[str, np.ndarray]):
    """The float32 tensors that a quantised model stands for, each made anew whenever it is asked for: all of them
    together take four to eight times the memory of the integers."""

    def __init__(self, model: QuantisedModel):
        self._model = model

    def __getitem__(self, name: str) -> np.ndarray:
        matrix = self._model.matrices.get(name)
        return self._model.norms[name] if matrix is None else matrix.dequantised()

    def __iter__(self) -> Iterator[str]:
        return iter([*self._model.matrices, *self._model.norms])

    def __len__(self) -> int:
        return len(self._model.matrices) + len(self._model.norms)
