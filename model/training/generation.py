"""Stories from a model in PyTorch, many side by side."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from model.training.network import Block, Transformer

LEAVE = 0.85
"""Stories that are over leave a batch as soon as a smaller share than that of it goes on."""
LOOK = 8
"""Positions from one look at which stories are over to the next: a GPU waits for each."""


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
    caches = new_caches(model, len(prompts))
    length = config.max_seq_len + 1
    told = torch.tensor([[*prompt, *(length - len(prompt)) * [end]] for prompt in prompts])
    told = told[:, :length].to(device)
    given = torch.tensor([len(prompt) for prompt in prompts], device=device)
    sizes = torch.full_like(given, length)
    rows = torch.arange(len(prompts), device=device)  # what stands in the batch
    now = told.clone()
    alike = torch.zeros_like(now)
    for position in range(config.max_seq_len):
        here = now[:, position]
        logits = _step(model, here, caches, position)
        if no_repeat:
            alike = longer_alike(alike, now, position)
            barred = completing(alike, now, position, no_repeat, end, logits.shape[1])
            logits = logits.masked_fill(barred, -torch.inf)
        own = given[rows] <= position + 1
        over = sizes[rows] <= position + 1
        token = choose(logits, temperature, top_p, generator)
        token = torch.where(own, torch.where(over, end, token), now[:, position + 1])
        now[:, position + 1] = token
        sizes[rows] = torch.where(own & ~over & (token == end), position + 2, sizes[rows])
        if position % LOOK:
            continue
        # Copying the caches costs about a step, so several leave at once.
        running = sizes[rows] > position + 2
        left = int(running.sum())
        if left < LEAVE * len(rows):
            told[rows] = now
            rows, now, alike = rows[running], now[running], alike[running]
            caches = [(keys[running], values[running]) for keys, values in caches]
            if not left:
                break
    told[rows] = now
    # A prompt that fills the context is not continued, and stays as it is.
    return [
        prompt if len(prompt) >= length else tokens[:size]
        for prompt, tokens, size in zip(prompts, told.tolist(), sizes.tolist(), strict=True)
    ]


def new_caches(model: Transformer, rows: int) -> list[tuple[Tensor, Tensor]]:
    """Empty keys and values of each layer, (rows, n_kv_heads, max_seq_len, head_dim): as products come."""
    config, device = model.config, model.tok_embeddings.weight.device
    autocast = torch.is_autocast_enabled(device.type)
    dtype = torch.get_autocast_dtype(device.type) if autocast else torch.float32
    shape = (rows, config.n_kv_heads, config.max_seq_len, config.head_dim)
    return [
        (
            torch.zeros(shape, dtype=dtype, device=device),
            torch.zeros(shape, dtype=dtype, device=device),
        )
        for _ in model.layers
    ]


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


def longer_alike(alike: Tensor, tokens: Tensor, position: int) -> Tensor:
    """How many tokens up to each place are those up to ``position``, int64 (batch, time), from the same of the
    position before."""
    before = F.pad(alike[:, :-1], (1, 0))
    same = tokens == tokens[:, position, None]
    same[:, position:] = False
    return torch.where(same, before + 1, 0)


def completing(
    alike: Tensor, tokens: Tensor, position: int, size: int, end: int, vocab_size: int
) -> Tensor:
    """Which tokens, but ``end``, would complete behind ``position`` a sequence of ``size`` tokens that the
    ``tokens`` up to there have: bool (batch, vocab_size). ``alike`` is of `longer_alike`."""
    following = tokens[:, 1 : position + 1]
    complete = (alike[:, :position] >= size - 1) & (following != end)
    barred = torch.zeros(len(tokens), vocab_size + 1, dtype=torch.bool, device=tokens.device)
    barred.scatter_(1, torch.where(complete, following, vocab_size), True)
    return barred[:, :vocab_size]


def choose(
    logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None
) -> Tensor:
    """One token for each row of ``logits`` (batch, vocab_size), as `generate` says: int64 (batch,)."""
    if temperature == 0:
        return logits.argmax(-1)
    drawn = torch.rand(len(logits), 1, generator=generator).to(logits.device)
    shares = (logits / temperature).softmax(-1)
    if top_p >= 1:
        summed = shares.cumsum(-1)
        drawn = drawn * summed[:, -1:]
        return torch.searchsorted(summed, drawn, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
    shares, order = shares.sort(-1, descending=True)
    summed = shares.cumsum(-1)
    kept = (summed - shares < top_p).sum(-1, keepdim=True)
    drawn = drawn * summed.gather(-1, kept - 1)
    at = torch.minimum(torch.searchsorted(summed, drawn, right=True), kept - 1)
    return order.gather(-1, at)[:, 0]
