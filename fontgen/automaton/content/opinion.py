"""The model's own opinion of a text: nats per token of what comes after a prompt.

A text is read in one pass beside others of about its length, so that a pass is a few products of full width.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fontgen.llama.model import Model
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.transformer import Transformer, rotate

TOKENS_AT_ONCE, TREES_AT_ONCE = 1024, 320
"""Tokens of the texts that are read side by side: apart, and as branches, of which each sees a mask of all."""


class _Tree(NamedTuple):
    """A prompt of ``shared`` tokens and branches of some ``lengths`` behind it; ``branch``: 0 for the prompt's.

    ``prompts``: tokens at each branch's beginning that are the prompt's, too, which others have otherwise.
    """

    tokens: list[int]
    positions: list[int]
    branch: list[int]
    shared: int
    lengths: list[int]
    prompts: list[int]


class Opinion:
    """Reads texts with a model of float32 tensors.

    `branches` reads several continuations of one prompt in one pass: they stand behind it one after another, each at
    the positions that follow the prompt, and sees nothing of the others (a mask, as in Miao et al. 2023, SpecInfer,
    arXiv:2305.09781). That takes half the work of reading the prompt with each.
    """

    def __init__(self, model: Model):
        tensors = {name: np.ascontiguousarray(tensor) for name, tensor in model.tensors.items()}
        self.transformer = Transformer(model.config, tensors)
        self.tokenizer = ReferenceTokenizer(model.vocabulary)
        self.bos = model.vocabulary.bos or 0
        self.most = model.config.context_length

    def tokens(self, prompt: str, text: str) -> tuple[list[int], int]:
        """Tokens of a prompt and its continuation, BOS first, and the place of the first that is not the prompt's."""
        before = self.tokenizer.encode(prompt)
        tokens = self.tokenizer.encode(prompt + text)
        same = 0
        while same < min(len(before), len(tokens)) and before[same] == tokens[same]:
            same += 1
        return [self.bos, *tokens][: self.most], 1 + same

    def nats(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each prompt and its continuation the mean nats per token of the continuation; infinity where it has
        no token of its own within the context."""
        texts = [self.tokens(prompt, text) for prompt, text in pairs]
        result = [float("inf")] * len(pairs)
        order = sorted(range(len(pairs)), key=lambda n: (len(texts[n][0]), n))
        start = 0
        while start < len(order):
            stop = start + 1
            while (
                stop < len(order)
                and (stop - start + 1) * len(texts[order[stop]][0]) <= TOKENS_AT_ONCE
            ):
                stop += 1
            some = order[start:stop]
            for number, losses in zip(some, self._losses([texts[n][0] for n in some]), strict=True):
                own = losses[texts[number][1] - 1 :]
                if len(own):
                    result[number] = float(own.mean())
            start = stop
        return result

    def branches(self, items: Sequence[tuple[str, Sequence[str]]]) -> Iterator[list[float]]:
        """For each prompt and its continuations the mean nats per token of each, as they are read."""
        packed: list[_Tree] = []
        for prompt, texts in items:
            tree = self._tree(prompt, texts)
            if packed and sum(len(t.tokens) for t in packed) + len(tree.tokens) > TREES_AT_ONCE:
                yield from self._weigh(packed)
                packed = []
            packed.append(tree)
        if packed:
            yield from self._weigh(packed)

    def _tree(self, prompt: str, texts: Sequence[str]) -> _Tree:
        sequences, firsts = zip(*(self.tokens(prompt, text) for text in texts), strict=True)
        shared = min(*firsts, *(len(sequence) - 1 for sequence in sequences))
        while any(sequence[:shared] != sequences[0][:shared] for sequence in sequences):
            shared -= 1
        own = [sequence[shared:] for sequence in sequences]
        tokens = [*sequences[0][:shared], *(token for branch in own for token in branch)]
        positions = [*range(shared), *(shared + n for b in own for n in range(len(b)))]
        branch = [0] * shared + [n for n, b in enumerate(own, 1) for _ in b]
        prompts = [first - shared for first in firsts]
        return _Tree(tokens, positions, branch, shared, [len(b) for b in own], prompts)

    def _weigh(self, trees: Sequence[_Tree]) -> Iterator[list[float]]:
        """Read trees side by side: each token sees the prompt and the branch that it stands in."""
        tokens = np.concatenate([tree.tokens for tree in trees])
        positions = np.concatenate([tree.positions for tree in trees])
        branch = np.concatenate([tree.branch for tree in trees])
        number = np.repeat(np.arange(len(trees)), [len(tree.tokens) for tree in trees])
        seen = (branch[:, None] == branch) | (branch == 0)
        seen &= (number[:, None] == number) & (positions[:, None] >= positions)
        hidden = self._read(tokens, positions, seen)
        start = 0
        for tree in trees:
            stop = start + len(tree.tokens)
            logits = self.transformer.classify(hidden[start + tree.shared - 1 : stop])
            logits -= logits.max(axis=-1, keepdims=True)
            log_sum = np.log(np.exp(logits).sum(axis=-1))
            result, place = [], 1
            for length, not_own in zip(tree.lengths, tree.prompts, strict=True):
                before = [0, *range(place, place + length - 1)]
                chosen = tree.tokens[tree.shared + place - 1 : tree.shared + place - 1 + length]
                losses = log_sum[before] - logits[before, chosen]
                result.append(float(losses[not_own:].mean()))
                place += length
            yield result
            start = stop

    def _read(self, tokens: np.ndarray, positions: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """What the classifier gets, (tokens, dim), for tokens at some positions that see some of the others."""
        transformer, config = self.transformer, self.transformer.config
        angles = transformer._rope[positions][:, None]
        hide = np.where(seen, np.float32(0), np.float32(-np.inf))

        def attend(normed: np.ndarray, layer: int) -> np.ndarray:
            q, k, v = transformer.project(normed, layer)
            groups = config.n_heads // config.n_kv_heads
            q, k, v = (a.swapaxes(0, 1) for a in (rotate(q, angles), rotate(k, angles), v))
            k, v = np.repeat(k, groups, axis=0), np.repeat(v, groups, axis=0)
            scores = q @ k.swapaxes(-1, -2) * np.float32(config.head_size**-0.5) + hide
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            return (scores @ v).swapaxes(0, 1).reshape(len(tokens), -1)

        return transformer.through(tokens, attend)

    def _losses(self, sequences: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """Of each sequence, the nats of its tokens but the first, float32 (tokens - 1,)."""
        length = max(map(len, sequences)) - 1
        tokens = np.zeros((len(sequences), length + 1), np.int64)
        for row, sequence in zip(tokens, sequences, strict=True):
            row[: len(sequence)] = sequence
        hidden = self.transformer.forward(tokens[:, :-1])
        losses = []
        for row, states, sequence in zip(tokens, hidden, sequences, strict=True):
            n = len(sequence) - 1
            logits = self.transformer.classify(states[:n])
            logits -= logits.max(axis=-1, keepdims=True)
            chosen = logits[np.arange(n), row[1 : n + 1]]
            losses.append(np.log(np.exp(logits).sum(axis=-1)) - chosen)
        return losses
