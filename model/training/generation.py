"""Stories from a model in PyTorch, many side by side."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from model.training.network import Block, Transformer

LEAVE = 0.85
"""Stories that are over leave a batch as soon as a smaller share than that of it goes on."""


@torch.no_grad()
def generate(
    model: Transformer,
    prompts: list[list[int]],
    end: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
    no_repeat: int = 0,
) -> list[list[int]]:
    """Continue all prompts (token lists) side by side until ``end``, which is included, comes, or the
    context is full.

    Temperature 0 takes the most likely token; otherwise a token is drawn among the most likely
    ones that have ``top_p`` of the probability (Holtzman et al. 2019, arXiv:1904.09751). A token that would
    complete a sequence of ``no_repeat`` tokens that the story already has is not taken, but for ``end``
    (Paulus et al. 2017, arXiv:1705.04304).
    """
    config, device = model.config, model.tok_embeddings.weight.device
    shape = (len(prompts), config.n_kv_heads, config.max_seq_len, config.head_dim)
    caches = [
        (torch.zeros(shape, device=device), torch.zeros(shape, device=device)) for _ in model.layers
    ]
    told = [list(prompt) for prompt in prompts]
    rows = list(range(len(prompts)))  # what stands in the batch
    running = set(rows)
    for position in range(config.max_seq_len):
        tokens = [told[row][position] if position < len(told[row]) else end for row in rows]
        logits = _step(model, torch.tensor(tokens, device=device), caches, position)
        if no_repeat:
            for at, row in enumerate(rows):
                logits[at, completing(told[row], no_repeat, end)] = -torch.inf
        for row, token in zip(rows, choose(logits, temperature, top_p, generator), strict=True):
            if row in running and len(told[row]) == position + 1:
                told[row].append(token)
                if token == end:
                    running.discard(row)
        if not running:
            break
        # Copying the caches costs about a step, so several leave at once.
        if len(running) < LEAVE * len(rows):
            stay = [at for at, row in enumerate(rows) if row in running]
            rows = [rows[at] for at in stay]
            caches = [(keys[stay], values[stay]) for keys, values in caches]
    return told


def _step(
    model: Transformer, tokens: Tensor, caches: list[tuple[Tensor, Tensor]], position: int
) -> Tensor:
    """Logits (batch, vocab_size) behind one more token of each story, which goes into the caches."""
    x = model.tok_embeddings(tokens)[:, None]
    here = slice(position, position + 1)
    cos, sin = model.rope_cos[here], model.rope_sin[here]
    for layer, cache in zip(model.layers, caches, strict=True):
        assert isinstance(layer, Block)
        x = x + layer.attention.step(layer.attention_norm(x), cos, sin, cache, position)
        x = x + layer.feed_forward(layer.ffn_norm(x))
    return F.linear(model.norm(x)[:, 0], model.tok_embeddings.weight).float()


def completing(tokens: list[int], size: int, end: int) -> list[int]:
    """The tokens, but ``end``, that would complete a sequence of ``size`` tokens that ``tokens`` has."""
    begun = tokens[len(tokens) - size + 1 :]
    if len(tokens) < size:
        return []
    return [
        tokens[at + size - 1]
        for at in range(len(tokens) - size + 1)
        if tokens[at : at + size - 1] == begun and tokens[at + size - 1] != end
    ]


def choose(
    logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None
) -> list[int]:
    """One token for each row of ``logits`` (batch, vocab_size), as `generate` says."""
    if temperature == 0:
        return logits.argmax(-1).tolist()
    if top_p >= 1:
        summed = (logits / temperature).softmax(-1).cumsum(-1)
        drawn = torch.rand(len(logits), 1, generator=generator).to(logits.device) * summed[:, -1:]
        return torch.searchsorted(summed, drawn, right=True)[:, 0].tolist()
    probabilities, order = (logits / temperature).softmax(-1).sort(-1, descending=True)
    before = probabilities.cumsum(-1) - probabilities
    probabilities = probabilities.masked_fill(before >= top_p, 0)
    drawn = torch.multinomial(probabilities.cpu(), 1, generator=generator).to(logits.device)
    return order.gather(-1, drawn)[:, 0].tolist()
