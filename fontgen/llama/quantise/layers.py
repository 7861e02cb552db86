"""Walks through a model, quantising each matrix for the inputs that it will really get.

Two streams of the same calibration text go through the model side by side, layer by layer: one
through the float weights, one through what is quantised already. A matrix gets the inputs X' of
the second, and is asked to give the outputs of the first: where it differs from X' W' by least
squares (a ridge towards W keeps it from over-fitting), the weights are moved there before they are
rounded. So later matrices correct what earlier ones spoilt, as far as they can (GPTAQ,
arXiv:2504.02692; QEP, arXiv:2504.09629).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from fontgen.errors import FontgenError
from fontgen.llama.model import Model, ModelConfig
from fontgen.llama.quantise.calibration import CalibrationText, sample_text
from fontgen.llama.quantise.gptq import Grid, damped, quantise_gptq, quantise_search
from fontgen.llama.transformer import Transformer


class Progress(Protocol):
    """Called with what begins, how many steps are done, and of how many."""

    def __call__(self, what: str, done: int, total: int) -> object: ...


RIDGE = 0.3
"""Holds corrected weights to the original ones: a share of the mean square of the inputs."""
EMBEDDING_DAMPING = 0.05
"""More than elsewhere: a tied embedding also begins the residual stream: all columns count."""
ROWS_AT_ONCE = 4096


def quantise_layers(
    model: Model,
    group_size: int,
    *,
    fixed: dict[str, np.ndarray] | None = None,
    seed: int = 0,
    opening: Sequence[int] = (),
    progress: Progress | None = None,
    text: CalibrationText | None = None,
) -> dict[str, Grid]:
    """GPTQ on every matrix of a model, on text that it writes itself.

    Args:
        model: the checkpoint.
        group_size: columns that share a group scale.
        fixed: embeddings that are quantised already: the float32 weights that they stand for, by
            name.
        seed: of the calibration text. opening: what it begins with, see `sample_text`.
        progress: told what begins.
        text: calibration text to use instead.

    Returns:
        Integers and scales by name, of every matrix that is not fixed.

    Raises:
        FontgenError: activations overflow, so that there is nothing to fit weights to.
    """
    with _one_thread(), np.errstate(all="ignore"):  # `_gram` sees what overflows
        progress = progress or (lambda what, done, total: None)
        tell = functools.partial(progress, done=0, total=_steps(model.config))
        tell("writing calibration text")
        if text is None:
            text = sample_text(model, seed=seed, opening=opening, tell=tell)
        return _Walk(model, group_size, fixed or {}, progress, text).walk()


def _steps(config: ModelConfig) -> int:
    """The text, the embedding, and two halves of each layer."""
    return 2 * config.n_layers + 2


def _one_thread() -> AbstractContextManager[object]:
    """Keeps BLAS to one thread, where threadpoolctl is installed.

    Sums then have the same order on any number of cores, so the integers do not depend on it. And
    on a busy machine OpenBLAS's threads wait for each other in loops, which was seen to take tens
    of times longer.
    """
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits


class _Walk:
    def __init__(
        self,
        model: Model,
        group_size: int,
        fixed: dict[str, np.ndarray],
        progress: Progress,
        text: CalibrationText,
    ):
        self._model, self._group_size = model, group_size
        self._fixed = fixed
        self._text, self._used = text, text.used
        self._progress = progress
        self._steps = _steps(model.config)
        self._grids: dict[str, Grid] = {}
        self._original = Transformer(model.config, model.tensors)
        self._tensors = model.tensors | fixed  # replaced one by one by what is quantised
        self._quantised = Transformer(model.config, self._tensors)

    def walk(self) -> dict[str, Grid]:
        config = self._model.config
        text = self._text
        self._progress("quantising the embedding", 1, self._steps)
        self._quantise_embeddings(text)
        x, y = self._original.embed(text.tokens), self._quantised.embed(text.tokens)
        for layer in range(config.n_layers):
            prefix = f"layers.{layer}."
            self._progress(f"quantising attention of layer {layer}", 2 + 2 * layer, self._steps)
            name = prefix + "attention_norm.weight"
            inputs_x, inputs_y = self._original.norm(x, name), self._quantised.norm(y, name)
            names = [f"{prefix}attention.w{letter}.weight" for letter in "qkv"]
            self._shared(names, inputs_x, inputs_y)
            inputs_x = self._original.attend(inputs_x, layer)
            inputs_y = self._quantised.attend(inputs_y, layer)
            x, y = self._residual(prefix + "attention.wo.weight", inputs_x, inputs_y, x, y)
            self._progress(f"quantising feed-forward of layer {layer}", 3 + 2 * layer, self._steps)
            name = prefix + "ffn_norm.weight"
            inputs_x, inputs_y = self._original.norm(x, name), self._quantised.norm(y, name)
            self._shared([f"{prefix}feed_forward.w{n}.weight" for n in (1, 3)], inputs_x, inputs_y)
            inputs_x = self._original.activate(inputs_x, layer)
            inputs_y = self._quantised.activate(inputs_y, layer)
            x, y = self._residual(prefix + "feed_forward.w2.weight", inputs_x, inputs_y, x, y)
        self._progress("done", self._steps, self._steps)
        return self._grids

    def _quantise_embeddings(self, text: CalibrationText) -> None:
        classifier = self._original.classifier
        name = "tok_embeddings.weight"
        if name != classifier and name not in self._fixed:
            self._keep(name, quantise_search(self._model.tensors[name], self._group_size))
        if classifier not in self._fixed:
            # Every other sequence says enough of so narrow a vector.
            some = slice(None, None, 2)
            hidden = self._original.forward(text.tokens[some])[text.used[some]]
            hessian = _gram(hidden, hidden)
            weights = self._model.tensors[classifier]
            grid = quantise_gptq(weights, self._group_size, hessian, damping=EMBEDDING_DAMPING)
            self._keep(classifier, grid)

    def _shared(self, names: list[str], inputs_x: np.ndarray, inputs_y: np.ndarray) -> None:
        """Matrices that read the same vectors."""
        x, y = self._flat(inputs_x), self._flat(inputs_y)
        hessian = _gram(y, y)
        ridge = damped(hessian, RIDGE)
        # W X = (W + D) X' by least squares, for every W: D = W (X - X') X'^T (X' X'^T)^-1.
        correction = np.linalg.solve(ridge, _gram(y, x - y)).T
        # One call for all of them: what is made of the Hessian serves them all.
        weights = np.concatenate([self._model.tensors[name] for name in names])
        grid = quantise_gptq(weights + weights @ correction, self._group_size, hessian)
        start = 0
        for name in names:
            stop = start + len(self._model.tensors[name])
            self._keep(name, grid.rows(start, stop))
            start = stop

    def _residual(
        self, name: str, inputs_x: np.ndarray, inputs_y: np.ndarray, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A matrix that adds to the residual stream, whose error so far it should take back too."""
        weights = self._model.tensors[name]
        after = x + self._original.linear(inputs_x, name)
        inputs = self._flat(inputs_y)
        missing = self._flat(after) - self._flat(y) - inputs @ weights.T
        hessian = _gram(inputs, inputs)
        correction = np.linalg.solve(damped(hessian, RIDGE), _gram(inputs, missing)).T
        self._keep(name, quantise_gptq(weights + correction, self._group_size, hessian))
        return after, y + self._quantised.linear(inputs_y, name)

    def _keep(self, name: str, grid: Grid) -> None:
        self._grids[name] = grid
        self._tensors[name] = grid.dequantised()

    def _flat(self, x: np.ndarray) -> np.ndarray:
        """(n, width): the positions that are no padding."""
        return x[self._used]


def _gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 a'b / n; float32 within a few thousand rows, double precision between them."""
    total = np.zeros((a.shape[1], b.shape[1]))
    for start in range(0, len(a), ROWS_AT_ONCE):
        total += a[start : start + ROWS_AT_ONCE].T @ b[start : start + ROWS_AT_ONCE]
    if not np.isfinite(total).all():
        raise FontgenError(
            "the activations overflow on text that the model writes itself, so 4-bit weights cannot be "
            "fitted to them; only 8 bits work"
        )
    return total / len(a)
