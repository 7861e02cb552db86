"""Continues and scores many texts at once with a KV cache: NumPy alone, so that any checkpoint will do.

`Decoder` keeps a fixed number of rows, each a text at its own position. A step takes one token of
every row through the model, whether the token is part of a prompt or was just chosen; a row whose
text has ended takes the next text that waits. With some hundred rows a step is a handful of matrix
products of full width, and no work is lost on padding ("continuous batching", Yu et al. 2022, Orca).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from fontgen.llama.model import Model
from fontgen.llama.transformer import Transformer, rotate

ROWS = 128
"""Texts side by side: more make the cache larger than the processor's own, fewer the products thin."""


@dataclass
class Job:
    """A text to be continued.

    Attributes:
        number: what the caller knows it by.
        prompt: token ids, BOS first.
        most: tokens to add at most.
        seed: of the draws; the same text continues in the same way whatever runs beside it.
        temperature, top_p: of the draws; temperature 0 takes the likeliest token.
        new: the tokens that were added, without BOS or EOS.
        ended: whether the model ended the text.
    """

    number: int
    prompt: Sequence[int]
    most: int
    seed: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    new: list[int] = field(default_factory=list)
    ended: bool = False
    position: int = 0


class Decoder:
    """Runs a `Model` over many rows.

    Args:
        model: float32 tensors.
        rows: texts side by side.
    """

    def __init__(self, model: Model, rows: int = ROWS):
        config = model.config
        self.config = config
        self.transformer = Transformer(config, _contiguous(model.tensors))
        self.ends = {model.vocabulary.bos, model.vocabulary.eos} - {None}
        shape = (config.n_layers, rows, config.n_kv_heads, config.context_length, config.head_size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._angles = self.transformer._rope  # (positions, head_size / 2, 2)
        self._rows = rows

    def continuations(
        self, jobs: Iterator[Job], stop: Callable[[list[int]], bool] = lambda new: False
    ) -> Iterator[Job]:
        """Yield each job when its text has ended: at BOS or EOS, at ``most`` tokens, at the context's end, or
        where ``stop`` says so of the new tokens."""
        active: list[Job | None] = [None] * self._rows
        jobs = iter(jobs)
        while True:
            for row, job in enumerate(active):
                if job is None:
                    active[row] = next(jobs, None)
            rows = np.array([row for row, job in enumerate(active) if job is not None])
            if not len(rows):
                return
            current = [active[row] for row in rows]
            tokens = np.array([_token_at(job, job.position) for job in current])
            positions = np.array([job.position for job in current])
            hidden = self._step(rows, tokens, positions)
            asked = [k for k, job in enumerate(current) if job.position >= len(job.prompt) - 1]
            for job in current:
                job.position += 1
            if not asked:
                continue
            logits = self.transformer.classify(hidden[asked])
            for k, row_logits in zip(asked, logits, strict=True):
                job = current[k]
                token = choose(row_logits, job)
                job.ended = token in self.ends
                if not job.ended:
                    job.new.append(token)
                full = len(job.new) >= job.most or job.position >= self.config.context_length
                if job.ended or full or stop(job.new):
                    active[rows[k]] = None
                    yield job

    def _step(self, rows: np.ndarray, tokens: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """What the classifier gets, (rows, dim), for one token of each row."""
        transformer = self.transformer
        length = int(positions.max()) + 1
        angles = self._angles[positions][:, None]
        future = np.where(np.arange(length) > positions[:, None], np.float32(-1e30), np.float32(0))
        whole = len(rows) == self._rows

        def attend(normed: np.ndarray, layer: int) -> np.ndarray:
            q, k, v = transformer.project(normed, layer)
            keys, values = self._keys[layer], self._values[layer]
            keys[rows, :, positions], values[rows, :, positions] = rotate(k, angles), v
            known_keys = (keys if whole else keys[rows])[:, :, :length]
            known_values = (values if whole else values[rows])[:, :, :length]
            return self._attend(rotate(q, angles), known_keys, known_values, future)

        return transformer.through(tokens, attend)

    def _attend(
        self, q: np.ndarray, k: np.ndarray, v: np.ndarray, future: np.ndarray
    ) -> np.ndarray:
        n, groups = len(q), self.config.n_kv_heads
        q = q.reshape(n, groups, -1, self.config.head_size) * np.float32(
            self.config.head_size**-0.5
        )
        scores = q @ k.swapaxes(-1, -2) + future[:, None, None]
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ v).reshape(n, -1)


def choose(logits: np.ndarray, job: Job) -> int:
    """The next token: the likeliest, or a draw from the nucleus (Holtzman et al. 2020, arXiv:1904.09751)."""
    if job.temperature == 0:
        return int(logits.argmax())
    scaled = logits / np.float32(job.temperature)
    weights = np.exp(scaled - scaled.max())
    order = np.argsort(-weights)[:256]
    cumulated = np.cumsum(weights[order]) / weights.sum()
    nucleus = order[: int(np.searchsorted(cumulated, job.top_p)) + 1]
    share = weights[nucleus] / weights[nucleus].sum()
    draw = np.random.default_rng((job.seed, len(job.new))).random()
    return int(nucleus[min(int(np.searchsorted(np.cumsum(share), draw)), len(nucleus) - 1)])


def _token_at(job: Job, position: int) -> int:
    known = len(job.prompt)
    return job.prompt[position] if position < known else job.new[position - known]


def _contiguous(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
