"""Matrices as the table ``Llam`` holds them: rows interleaved, so that one stream feeds all lanes of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.quantised import QuantisedMatrix
from fontgen.llama.tables.layout import BLOCK_ROWS, MODEL_TAG, UNIT_BYTES
from fontgen.llama.tables.sections import SectionReader

DESCRIPTION = f"""\
A matrix of R rows (outputs) and C columns (inputs) is stored with R rounded up to a multiple of {BLOCK_ROWS} and C to
a multiple of 4 at 8 bits, of 8 at 4 bits; the padding is zero weights with a zero scale. At 8 bits it is two sections:

    scales   float32[R]                         weight = scale * integer
    weights  uint8[R / {BLOCK_ROWS}][C / 4][{BLOCK_ROWS}][4]     row block, column quad, row, column

so that one sequential stream feeds {BLOCK_ROWS} outputs at a time. A weight is a signed byte in -127..127; the even
columns have 128 added (their top bit flipped), which lets a 16-bit lane hold `(w0 + 128) + 256 * w1`: see
`matmul_simd128.c` for how that is multiplied. At 4 bits it is three, with G = C / group_size, rounded up:

    scales        float32[R]                     weight = scale * group scale * integer
    group_scales  uint8[R / {BLOCK_ROWS}][G][{BLOCK_ROWS}]
    weights       uint8[R / {BLOCK_ROWS}][C / 8][{BLOCK_ROWS}][4]   row block, column octet, row, 8 columns

A weight is in -8..7, the first column of a byte in its low half. Three columns of each four have 8 added, all but the
fourth, so that a 16-bit lane holds `(w0 + 8) + 16 * (w1 + 8) + 256 * (w2 + 8) + 4096 * w3`."""

_OFFSET_NIBBLES = np.array([8, 8, 8, 0], np.uint8)
"""Flipping the top bit of four bits adds 8 to the signed number that they stand for, as unsigned."""


def pack_weights(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """int8 (rows, columns) to uint8 in the stored order (row block, column unit, row, byte)."""
    rows, columns = values.shape
    unit_columns = 8 * UNIT_BYTES // bits
    padded = np.zeros((_round_up(rows, BLOCK_ROWS), _round_up(columns, unit_columns)), np.int8)
    padded[:rows, :columns] = values
    stored: np.ndarray = padded.view(np.uint8)
    if bits == 8:
        stored[:, 0::2] ^= 0x80
    else:
        nibbles = (stored & 0xF) ^ _OFFSET_NIBBLES[np.arange(padded.shape[1]) % 4]
        stored = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
    blocks = stored.reshape(-1, BLOCK_ROWS, stored.shape[1] // UNIT_BYTES, UNIT_BYTES)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))


def unpack_weights(stored: np.ndarray, rows: int, columns: int, bits: int = 8) -> np.ndarray:
    """Inverse of `pack_weights`: int8 (rows, columns)."""
    units = _round_up(columns, 8 * UNIT_BYTES // bits) * bits // (8 * UNIT_BYTES)
    blocks = stored.reshape(-1, units, BLOCK_ROWS, UNIT_BYTES)
    padded = blocks.transpose(0, 2, 1, 3).reshape(_round_up(rows, BLOCK_ROWS), -1).copy()
    if bits == 8:
        padded[:, 0::2] ^= 0x80
        return padded.view(np.int8)[:rows, :columns].copy()
    nibbles = np.stack([padded & 0xF, padded >> 4], axis=-1).reshape(len(padded), -1)
    nibbles = nibbles ^ _OFFSET_NIBBLES[np.arange(nibbles.shape[1]) % 4]
    return ((nibbles ^ 8).astype(np.int8) - 8)[:rows, :columns]


def matrix_sections(matrix: QuantisedMatrix) -> Iterator[np.ndarray]:
    """What is written of a matrix, in order."""
    rows = len(matrix.scales)
    scales = np.zeros(_round_up(rows, BLOCK_ROWS), dtype="<f4")
    scales[:rows] = matrix.scales
    yield scales
    if matrix.group_scales is not None:
        groups = matrix.group_scales.shape[1]
        padded = np.zeros((len(scales), groups), np.uint8)
        padded[:rows] = matrix.group_scales
        blocks = padded.reshape(-1, BLOCK_ROWS, groups)
        yield np.ascontiguousarray(blocks.transpose(0, 2, 1))
    yield pack_weights(matrix.values, matrix.bits)


def take_matrix(
    sections: SectionReader, rows: int, columns: int, bits: int, group_size: int
) -> QuantisedMatrix:
    """Inverse of `matrix_sections`; raises `FontgenError` where the table ends before the matrix does."""
    padded_rows = _round_up(rows, BLOCK_ROWS)
    scales = sections.take("<f4", padded_rows)[:rows].astype(np.float32)
    group_scales = None
    if bits == 8:
        group_size = 0
    elif group_size < 1:
        raise FontgenError(f"table {MODEL_TAG} has weights of 4 bits without groups")
    else:
        groups = -(-columns // group_size)
        stored = sections.take("u1", padded_rows, groups).reshape(-1, groups, BLOCK_ROWS)
        group_scales = stored.transpose(0, 2, 1).reshape(padded_rows, groups)[:rows].copy()
    unit_columns = 8 * UNIT_BYTES // bits
    stored = sections.take("u1", padded_rows, _round_up(columns, unit_columns) * bits // 8)
    values = unpack_weights(stored, rows, columns, bits)
    return QuantisedMatrix(values, scales, bits, group_size, group_scales)


def _round_up(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
