"""4-bit integers and group scales for one matrix, given what its inputs look like.

The error of a matrix W replaced by Q, over inputs X, is the sum over its rows of (w - q)
H (w - q), with H = X'X. GPTQ (Frantar et al. 2022, arXiv:2210.17323) rounds one column after the other
and lets the columns that are still to come make up for each error, as the inverse of H says. Here
every group's scale is chosen by doing just that for a dozen candidate scales side by side, and
keeping for each row the best. What greed missed is then put right by coordinate descent (as
QuantEase, arXiv:2309.01885): each integer, each group scale and each row scale in turn moves to
where the error is least, which can only lower it.

A weight is ``value * group_scale * scale``: int4, uint8 and, one for each row, float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOWEST, HIGHEST = -8, 7
LARGEST_GROUP_SCALE = 255
CLIPPINGS = np.linspace(6.5, 12.5, 13)
"""Candidates: how many steps a group's largest weight would be. Beyond 8 it is clipped."""
HEADROOM = 1.1
"""Scales may grow past what a row's weights ask for, since errors are moved into later columns."""
DAMPING = 0.01
"""Added to the diagonal of H, as a share of its mean, so that it can be inverted."""
REFINEMENTS = 3
ROWS_AT_ONCE = 512
SMALL = 64
"""Rows of a triangular matrix that is inverted as it is."""


@dataclass
class Grid:
    """A quantised matrix, as `fontgen.llama.quantised.QuantisedMatrix`.

    values: int8 (rows, columns). group_scales: uint8 (rows, groups). scales: float32 (rows,).
    """

    values: np.ndarray
    group_scales: np.ndarray
    scales: np.ndarray
    group_size: int

    def rows(self, start: int, stop: int) -> Grid:
        """Some of the rows, in the same memory."""
        some = slice(start, stop)
        parts = self.values[some], self.group_scales[some], self.scales[some]
        return Grid(*parts, self.group_size)

    def dequantised(self) -> np.ndarray:
        steps = np.repeat(self.group_scales.astype(np.float32), self.group_size, axis=1)
        return self.values * steps[:, : self.values.shape[1]] * self.scales[:, None]


def quantise_absmax(weights: np.ndarray, group_size: int, highest: int = HIGHEST) -> Grid:
    """Each group's largest magnitude becomes ``highest``; the rest is rounded to nearest."""
    rows, columns = weights.shape
    groups = _groups(columns, group_size)
    largest = np.stack([np.abs(weights[:, g]).max(axis=1) for g in groups], axis=1) / highest
    scales = (largest.max(axis=1) / LARGEST_GROUP_SCALE).astype(np.float32)
    divisors = np.where(scales > 0, scales, 1)[:, None]
    group_scales = np.minimum(np.ceil(largest / divisors), LARGEST_GROUP_SCALE)
    values = np.empty((rows, columns), np.int8)
    for i, g in enumerate(groups):
        steps = (group_scales[:, i : i + 1] * scales[:, None]).astype(np.float32)
        rounded = np.rint(weights[:, g] / np.where(steps > 0, steps, 1))
        values[:, g] = np.clip(rounded, -highest, highest)
    return Grid(values, group_scales.astype(np.uint8), scales, group_size)


def quantise_search(
    weights: np.ndarray, group_size: int, hessian: np.ndarray | None = None
) -> Grid:
    """Rounding to nearest, with the scales of least squared error.

    Columns count by the mean square of their inputs, the diagonal of H, where it is given.
    """
    columns = weights.shape[1]
    diagonal = np.ones(columns) if hessian is None else np.diagonal(hessian)
    return _by_rows(weights, group_size, np.diag(1 / np.sqrt(np.maximum(diagonal, 1e-12))))


def quantise_gptq(
    weights: np.ndarray, group_size: int, hessian: np.ndarray, *, damping: float = DAMPING
) -> Grid:
    """GPTQ with scale search and refinement.

    Args:
        weights: float (rows, columns).
        group_size: columns that share a group scale.
        hessian: float64 (columns, columns), the sum (or mean) of x'x over inputs x.
    """
    hessian = damped(hessian, damping)
    grid = _by_rows(weights, group_size, inverse_factor(hessian))
    single = hessian.astype(np.float32)
    for start in range(0, len(weights), ROWS_AT_ONCE):
        _refine(
            grid.rows(start, start + ROWS_AT_ONCE), weights[start : start + ROWS_AT_ONCE], single
        )
    return grid


def inverse_factor(hessian: np.ndarray) -> np.ndarray:
    """Upper triangular U with U'U the inverse of a positive definite matrix.

    Of the matrix turned round, whose Cholesky factor is the other way about: no inverse of a full matrix is needed,
    which takes thrice as long.
    """
    lower = np.linalg.cholesky(hessian[::-1, ::-1])
    return np.ascontiguousarray(_inverse_of_lower(lower)[::-1, ::-1])


def _inverse_of_lower(matrix: np.ndarray) -> np.ndarray:
    """Of a lower triangular matrix, by halves, so that all is matrix products."""
    n = len(matrix)
    if n <= SMALL:
        return np.tril(np.linalg.inv(matrix))
    half = n // 2
    inverse = np.zeros_like(matrix)
    inverse[:half, :half] = first = _inverse_of_lower(matrix[:half, :half])
    inverse[half:, half:] = second = _inverse_of_lower(matrix[half:, half:])
    inverse[half:, :half] = -second @ matrix[half:, :half] @ first
    return inverse


def damped(hessian: np.ndarray, damping: float) -> np.ndarray:
    """The matrix with a share of its mean diagonal added to the diagonal; the identity for zero."""
    mean = float(np.trace(hessian)) / len(hessian)
    if not mean > 0:
        return np.eye(len(hessian))
    return hessian + damping * mean * np.eye(len(hessian))


def _groups(columns: int, group_size: int) -> list[slice]:
    return [slice(i, min(i + group_size, columns)) for i in range(0, columns, group_size)]


def _by_rows(weights: np.ndarray, group_size: int, factor: np.ndarray) -> Grid:
    """`_gptq` of a few rows at a time, for the processor's caches; rows are independent."""
    parts = [
        _gptq(weights[start : start + ROWS_AT_ONCE], group_size, factor)
        for start in range(0, len(weights), ROWS_AT_ONCE)
    ]
    return Grid(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.group_scales for part in parts]),
        np.concatenate([part.scales for part in parts]),
        group_size,
    )


def _gptq(weights: np.ndarray, group_size: int, factor: np.ndarray) -> Grid:
    """One pass over the columns. factor: upper triangular, factor' factor is the inverse of H.

    With a diagonal factor nothing is moved to other columns: plain rounding with scale search.
    """
    rows, columns = weights.shape
    groups = _groups(columns, group_size)
    factor32 = factor.astype(np.float32)
    remaining = weights.T.astype(np.float32)  # columns first: each is then contiguous
    largest = np.stack([np.abs(remaining[g]).max(axis=0) for g in groups])
    scales = largest.max(axis=0) * np.float32(HEADROOM / CLIPPINGS[0] / LARGEST_GROUP_SCALE)
    divisors = np.where(scales > 0, scales, np.float32(1))
    values = np.zeros((columns, rows), np.int8)
    group_scales = np.zeros((len(groups), rows), np.uint8)
    for i, group in enumerate(groups):
        peak = np.abs(remaining[group]).max(axis=0) / divisors
        candidates = np.rint(peak / CLIPPINGS[:, None]).clip(0, LARGEST_GROUP_SCALE)
        steps = candidates.astype(np.float32) * scales
        tried, errors = _round_group(remaining[group], steps, factor32[group, group])
        best = (errors * errors).sum(axis=0).argmin(axis=0)
        each = np.arange(rows)
        values[group] = tried[:, best, each]
        group_scales[i] = candidates[best, each]
        remaining[group.stop :] -= factor32[group, group.stop :].T @ errors[:, best, each]
    return Grid(values.T.copy(), group_scales.T.copy(), scales, group_size)


def _round_group(
    weights: np.ndarray, steps: np.ndarray, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Round a group's columns (n, rows) on several grids (candidates, rows), each error moved on.

    Returns values and weighted errors, both float32 (n, candidates, rows).
    """
    n = len(weights)
    work = np.repeat(weights[:, None], len(steps), axis=1)
    divisors = np.where(steps > 0, steps, np.float32(1))
    values, errors = np.empty_like(work), np.empty_like(work)
    for j in range(n):
        value = np.rint(work[j] / divisors).clip(LOWEST, HIGHEST)
        value[steps <= 0] = 0
        values[j] = value
        errors[j] = (work[j] - value * steps) / factor[j, j]
        later = factor[j, j + 1 :]
        if later.any():
            work[j + 1 :] -= later[:, None, None] * errors[j]
    return values, errors


def _refine(grid: Grid, weights: np.ndarray, hessian: np.ndarray) -> None:
    """Coordinate descent on integers, group scales and row scales, in place. All in float32.

    ``wanted`` is H times the weights, ``image`` H times what the grid stands for: their difference is the direction of
    steepest descent, and is kept up to date from group to group.
    """
    groups = _groups(weights.shape[1], grid.group_size)
    target = weights.T.astype(np.float32)
    values = grid.values.T.astype(np.float32)
    group_scales = grid.group_scales.T.astype(np.float32)
    scales = grid.scales.astype(np.float32)
    wanted = hessian @ target
    image = hessian @ _weights(values, group_scales, scales, groups)
    for _ in range(REFINEMENTS):
        for i, group in enumerate(groups):
            within, before = hessian[group, group], values[group] * (group_scales[i] * scales)
            local = wanted[group] - image[group]
            _round_again(values[group], group_scales[i] * scales, local, within)
            # One number for the whole group: its scale, at the minimum of a parabola.
            curvature = (values[group] * (within @ values[group])).sum(axis=0) * scales
            slope = (values[group] * local).sum(axis=0)
            move = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 0)
            group_scales[i] = np.rint(group_scales[i] + move).clip(0, LARGEST_GROUP_SCALE)
            image += hessian[:, group] @ (values[group] * (group_scales[i] * scales) - before)
        current = _weights(values, group_scales, scales, groups)
        power, slope = (current * image).sum(axis=0), (target * image).sum(axis=0)
        factor = np.divide(slope, power, out=np.ones_like(slope), where=(power > 0) & (slope > 0))
        scales *= factor
        image *= factor
    grid.values[:] = values.T
    grid.group_scales[:] = group_scales.T
    grid.scales[:] = scales


def _round_again(
    values: np.ndarray, step: np.ndarray, local: np.ndarray, within: np.ndarray
) -> None:
    """Move each integer of a group (n, rows) in turn to where the error is least, and ``local`` along with it."""
    divisors = np.where(step > 0, step, np.float32(1))
    for j in range(len(values)):
        moved = np.rint(values[j] + local[j] / within[j, j] / divisors).clip(LOWEST, HIGHEST)
        moved[step <= 0] = 0
        change = (moved - values[j]) * step
        values[j] = moved
        local -= within[:, j, None] * change


def _weights(
    values: np.ndarray, group_scales: np.ndarray, scales: np.ndarray, groups: list[slice]
) -> np.ndarray:
    """(columns, rows): what the numbers stand for."""
    sizes = [group.stop - group.start for group in groups]
    return values * np.repeat(group_scales, sizes, axis=0) * scales
