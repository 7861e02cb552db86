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


@dataclass
class Grid:
    """A quantised matrix, as `fontgen.llama.quantised.QuantisedMatrix`.

    values: int8 (rows, columns). group_scales: uint8 (rows, groups). scales: float32 (rows,).
    """

    values: np.ndarray
    group_scales: np.ndarray
    scales: np.ndarray
    group_size: int

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
    inverse = np.linalg.inv(hessian)
    factor = np.linalg.cholesky((inverse + inverse.T) / 2).T
    grid = _by_rows(weights, group_size, factor)
    _refine(grid, weights, hessian)
    return grid


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
    """Coordinate descent on integers, group scales and row scales, in place."""
    columns = weights.shape[1]
    groups = _groups(columns, grid.group_size)
    target = weights.T.astype(np.float64)
    values = grid.values.T.astype(np.float64)
    group_scales = grid.group_scales.T.astype(np.float64)
    scales = grid.scales.astype(np.float64)
    diagonal = np.diagonal(hessian)
    for _ in range(REFINEMENTS):
        gradient = hessian @ (target - _weights(values, group_scales, scales, groups))
        for i, group in enumerate(groups):
            within = hessian[group, group]
            step = group_scales[i] * scales
            divisors = np.where(step > 0, step, 1)
            local, before = gradient[group].copy(), values[group].copy()
            for j in range(len(before)):
                column = group.start + j
                wanted = values[column] + local[j] / diagonal[column] / divisors
                new = np.where(step > 0, np.rint(wanted).clip(LOWEST, HIGHEST), 0)
                change = (new - values[column]) * step
                values[column] = new
                local -= within[:, j, None] * change
            # One number for the whole group: its scale, at the minimum of a parabola.
            curvature = (values[group] * (within @ values[group])).sum(axis=0) * scales
            slope = (values[group] * local).sum(axis=0)
            move = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 0)
            moved = np.rint(group_scales[i] + move).clip(0, LARGEST_GROUP_SCALE)
            gradient -= hessian[:, group] @ (values[group] * moved * scales - before * step)
            group_scales[i] = moved
        current = _weights(values, group_scales, scales, groups)
        image = hessian @ current
        power = (current * image).sum(axis=0)
        slope = (target * image).sum(axis=0)
        factor = np.divide(slope, power, out=np.ones_like(slope), where=(power > 0) & (slope > 0))
        scales = (scales * factor).astype(np.float32).astype(np.float64)
    grid.values[:] = values.T
    grid.group_scales[:] = group_scales.T
    grid.scales[:] = scales


def _weights(
    values: np.ndarray, group_scales: np.ndarray, scales: np.ndarray, groups: list[slice]
) -> np.ndarray:
    """(columns, rows): what the numbers stand for."""
    sizes = [group.stop - group.start for group in groups]
    return values * np.repeat(group_scales, sizes, axis=0) * scales
