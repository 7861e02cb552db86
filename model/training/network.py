"""The Llama architecture in PyTorch, as llama2.c defines it, for training and evaluation.

The names of the parameters are llama2.c's (and Meta's): ``layers.0.attention.wq.weight`` and so on,
so that ``model.safetensors`` is nothing but this module's state. Rotary pairs are interleaved:
elements ``2i`` and ``2i + 1`` of a head rotate together. The classifier is the embedding matrix.

Sources: Touvron et al., "LLaMA" (arXiv:2302.13971); Su et al., "RoFormer" (arXiv:2104.09864);
Zhang and Sennrich, "Root Mean Square Layer Normalization" (arXiv:1910.07467);
Shazeer, "GLU Variants Improve Transformer" (arXiv:2002.05202); llama2.c's ``model.py``.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.data.batches import AVOIDED, MASKED


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model: the numeric keys of ``config.json``."""

    dim: int = 288
    n_layers: int = 6
    n_heads: int = 6
    n_kv_heads: int = 6
    hidden_dim: int = 768
    vocab_size: int = 4096
    max_seq_len: int = 256
    norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def __post_init__(self) -> None:
        if self.dim % self.n_heads or (self.dim // self.n_heads) % 2:
            raise ValueError(f"dim {self.dim} does not divide into {self.n_heads} even heads")
        if self.n_heads % self.n_kv_heads:
            raise ValueError(f"{self.n_heads} heads do not share {self.n_kv_heads} key/value heads")

    @property
    def head_dim(self) -> int:
        return self.dim // self.n_heads

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Take the keys that describe the shape and leave the others (name, licence, ...)."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})


class RMSNorm(nn.Module):
    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def pairs_to_halves(weight: Tensor, head_dim: int) -> Tensor:
    """The rows of ``wq`` or ``wk`` in another order: each head's even ones before its odd ones.

    Products of queries and keys stay the same, and vector instructions can do the rotation.
    """
    return weight.unflatten(0, (-1, head_dim // 2, 2)).transpose(1, 2).flatten(0, 2)


class Adapted(nn.Linear):
    """A frozen matrix and a low-rank change of it that is trained instead.

    LoRA (Hu et al. 2021, arXiv:2106.09685): ``weight + b @ a``. Without the gradient of the matrix a step
    costs two thirds, and without its moments a fraction of the memory.
    """

    a: nn.Parameter
    b: nn.Parameter

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=False, device="meta")
        self.weight = nn.Parameter(linear.weight.detach(), requires_grad=False)
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) * linear.in_features**-0.5)
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def merged(self) -> Tensor:
        """The changed matrix."""
        return self.weight + self.b @ self.a

    def forward(self, x: Tensor) -> Tensor:
        return together(x, (self,), (None,))


def together(
    x: Tensor, linears: tuple[nn.Linear, ...], head_dims: tuple[int | None, ...]
) -> Tensor:
    """What several layers without bias make of one input, (..., all their rows), in one product.

    Where there is a head_dim, the rows come in the order of `pairs_to_halves`.
    """

    def ordered(weight: Tensor, head_dim: int | None) -> Tensor:
        return weight if head_dim is None else pairs_to_halves(weight, head_dim)

    both = list(zip(linears, head_dims, strict=True))
    y = F.linear(x, torch.cat([ordered(linear.weight, size) for linear, size in both]))
    adapters = [linear for linear in linears if isinstance(linear, Adapted)]
    if not adapters:
        return y
    low = F.linear(x, torch.cat([adapter.a for adapter in adapters]))
    parts = low.chunk(len(linears), dim=-1)
    return y + torch.cat(
        [
            F.linear(part, ordered(adapter.b, size))
            for part, adapter, size in zip(parts, adapters, head_dims, strict=True)
        ],
        dim=-1,
    )


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the pairs of ``x`` by each position's angle.

    ``x`` has the shape (batch, time, heads, head_dim), and a pair's second element stands
    head_dim / 2 after its first; ``cos`` and ``sin`` have (time, 1, head_dim / 2).
    """
    even, odd = x.float().chunk(2, -1)
    return torch.cat((even * cos - odd * sin, even * sin + odd * cos), -1).type_as(x)


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention in plain operations: compiled on a CPU, that trains twice as fast as
    scaled_dot_product_attention, whose backward pass is slow there.

    ``q`` is (batch, heads, time, head_dim); ``k`` and ``v`` may have fewer heads, each for several of ``q``.
    """
    time, group = q.shape[2], q.shape[1] // k.shape[1]
    if group > 1:
        k, v = (t.repeat_interleave(group, dim=1) for t in (k, v))
    future = torch.full((time, time), -torch.inf, device=q.device).triu(1)
    scores = (q * q.shape[-1] ** -0.5 @ k.transpose(-1, -2)).float() + future
    return scores.softmax(-1).type_as(v) @ v


def fused_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same by one kernel (Dao et al. 2022, arXiv:2205.14135), for CUDA."""
    return F.scaled_dot_product_attention(
        q, k, v.type_as(q), is_causal=True, enable_gqa=k.shape[1] < q.shape[1]
    )


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        kv_dim = config.n_kv_heads * config.head_dim
        self.wq = nn.Linear(config.dim, config.dim, bias=False)
        self.wk = nn.Linear(config.dim, kv_dim, bias=False)
        self.wv = nn.Linear(config.dim, kv_dim, bias=False)
        self.wo = nn.Linear(config.dim, config.dim, bias=False)

    def queries_keys_values(self, x: Tensor) -> tuple[Tensor, ...]:
        """``x`` (batch, time, dim) -> three tensors (batch, time, heads, head_dim)."""
        c = self.config
        heads = together(x, (self.wq, self.wk, self.wv), (c.head_dim, c.head_dim, None))
        return heads.unflatten(-1, (-1, c.head_dim)).split(
            (c.n_heads, c.n_kv_heads, c.n_kv_heads), dim=2
        )

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        q, k, v = self.queries_keys_values(x)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        attend = fused_attention if x.is_cuda else plain_attention
        y = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        return self.wo(y.transpose(1, 2).flatten(-2))

    def step(
        self, x: Tensor, cos: Tensor, sin: Tensor, cache: tuple[Tensor, Tensor], position: int
    ) -> Tensor:
        """Attention of one more position, ``x`` (batch, 1, dim), to those in the cache, which are
        keys and values of shape (batch, n_kv_heads, max_seq_len, head_dim)."""
        c = self.config
        q, k, v = self.queries_keys_values(x)
        cache[0][:, :, position] = rotate(k, cos, sin)[:, 0]
        cache[1][:, :, position] = v[:, 0]
        # Heads that share keys and values are rows of one product.
        q = rotate(q, cos, sin)[:, 0].unflatten(1, (c.n_kv_heads, -1)) * c.head_dim**-0.5
        keys, values = (kept[:, :, : position + 1] for kept in cache)
        y = (q @ keys.transpose(-1, -2)).softmax(-1) @ values
        return self.wo(y.flatten(1)[:, None])


class FeedForward(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.dim, config.hidden_dim, bias=False)
        self.w2 = nn.Linear(config.hidden_dim, config.dim, bias=False)
        self.w3 = nn.Linear(config.dim, config.hidden_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = together(x, (self.w1, self.w3), (None, None)).chunk(2, dim=-1)
        return self.w2(F.silu(gate) * up)


class Block(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.feed_forward = FeedForward(config)
        self.attention_norm = RMSNorm(config.dim, config.norm_eps)
        self.ffn_norm = RMSNorm(config.dim, config.norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, masks: Tensor | None) -> Tensor:
        y = self.attention(self.attention_norm(x), cos, sin)
        x = x + (y if masks is None else y * masks[0])
        y = self.feed_forward(self.ffn_norm(x))
        return x + (y if masks is None else y * masks[1])


class Transformer(nn.Module):
    """Tokens in, hidden states out; ``logits`` and ``loss`` apply the tied classifier.

    With ``masks`` from ``draw_dropout``, dropout is applied to the embeddings and to what each
    layer adds; without, nothing is dropped.
    """

    rope_cos: Tensor
    rope_sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.tok_embeddings = nn.Embedding(config.vocab_size, config.dim)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = RMSNorm(config.dim, config.norm_eps)
        exponents = torch.arange(0, config.head_dim, 2).float() / config.head_dim
        angles = torch.outer(torch.arange(config.max_seq_len), config.rope_theta**-exponents)
        self.register_buffer("rope_cos", angles.cos()[:, None], persistent=False)
        self.register_buffer("rope_sin", angles.sin()[:, None], persistent=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith(("wo.weight", "w2.weight"))
                std = 0.02 / (2 * config.n_layers) ** 0.5 if residual else 0.02
                nn.init.normal_(parameter, std=std)

    def draw_dropout(
        self, rate: float, time: int, seeds: Sequence[tuple[int, ...]]
    ) -> Tensor | None:
        """Draw masks that drop ``rate`` (in steps of 1/256) of the elements and scale the others.

        Returns bfloat16 of shape (1 + 2 n_layers, rows, time, dim), or None for a rate of 0. Each of
        ``seeds`` is for a row, whichever process it is in.

        Compiled for a CPU, ``F.dropout`` draws number by number, which takes a third of a training
        step. Drawn beforehand, eight bytes at once, the masks cost a twentieth of that.
        """
        dropped = round(256 * rate)
        if not dropped:
            return None
        shape = (1 + 2 * self.config.n_layers, time, self.config.dim)
        device = self.tok_embeddings.weight.device
        generator = torch.Generator(device)
        size = -(-math.prod(shape) // 8)
        words = torch.empty(len(seeds), size, dtype=torch.int64, device=device)
        for row, seed in zip(words, seeds, strict=True):
            generator.manual_seed(zlib.crc32(repr(seed).encode()))
            row.random_(-(2**63), None, generator=generator)
        numbers = words.view(torch.uint8)[:, : math.prod(shape)].unflatten(1, shape).transpose(0, 1)
        return (numbers >= dropped).to(torch.bfloat16).mul_(256 / (256 - dropped))

    def forward(self, tokens: Tensor, masks: Tensor | None = None) -> Tensor:
        """``tokens`` (batch, time), int64 -> normalised hidden states (batch, time, dim)."""
        time = tokens.shape[1]
        x = self.tok_embeddings(tokens)
        if masks is not None:
            x = x * masks[0]
        cos, sin = self.rope_cos[:time], self.rope_sin[:time]
        for index, layer in enumerate(self.layers):
            x = layer(x, cos, sin, None if masks is None else masks[2 * index + 1 :])
        return self.norm(x)

    def logits(self, tokens: Tensor, masks: Tensor | None = None) -> Tensor:
        """``tokens`` (batch, time) -> logits (batch, time, vocab_size), float32."""
        return F.linear(self(tokens, masks), self.tok_embeddings.weight).float()

    def loss(
        self,
        tokens: Tensor,
        targets: Tensor,
        masks: Tensor | None = None,
        taught: tuple[Tensor, Tensor] | None = None,
        reduction: str = "mean",
    ) -> Tensor:
        """Loss in nats per target, float32 scalar: the mean, or the sum where ``reduction`` says so.

        For a token, cross entropy. For ``AVOIDED - token``, its unlikelihood -log(1 - p) (Welleck
        et al. 2019, arXiv:1908.04319). Targets of ``MASKED`` are left out.

        ``taught`` are the tokens that teachers hold likely at each place, int64 (batch, time, k), and
        their probabilities (the same shape; all 0 where nobody taught). The target has only what
        they leave over (distillation, Hinton et al. 2015, arXiv:1503.02531).
        """
        log_likelihoods = self.logits(tokens, masks).flatten(0, 1).log_softmax(-1)
        targets = targets.flatten()
        avoided = targets <= AVOIDED
        wanted = torch.where(avoided, AVOIDED - targets, targets)
        losses = F.nll_loss(log_likelihoods, wanted, ignore_index=MASKED, reduction="none")
        if taught is not None:
            likely, shares = taught[0].flatten(0, 1), taught[1].flatten(0, 1)
            as_taught = -(shares * log_likelihoods.gather(-1, likely)).sum(-1)
            losses = losses * (1 - shares.sum(-1)) + as_taught
        unlikelihood = -torch.log1p(-torch.exp(-losses).clamp(max=1 - 1e-6))
        losses = torch.where(avoided, unlikelihood, losses)
        total = losses.sum()
        return total if reduction == "sum" else total / (targets != MASKED).sum().clamp(min=1)
