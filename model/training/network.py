"""The Llama architecture in PyTorch, as llama2.c defines it, for training and evaluation.

The names of the parameters are llama2.c's (and Meta's): ``layers.0.attention.wq.weight`` and so on,
so that ``model.safetensors`` is nothing but this module's state. Rotary pairs are interleaved:
elements ``2i`` and ``2i + 1`` of a head rotate together. The classifier is the embedding matrix.

Sources: Touvron et al., "LLaMA" (arXiv:2302.13971); Su et al., "RoFormer" (arXiv:2104.09864);
Zhang and Sennrich, "Root Mean Square Layer Normalization" (arXiv:1910.07467);
Shazeer, "GLU Variants Improve Transformer" (arXiv:2002.05202); llama2.c's ``model.py``.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

WEIGHTS = "model.safetensors"
AVOIDED = -2
"""A target of ``AVOIDED - token`` says that the token should not come."""
LEAVE = 0.85
"""Stories that are over leave a batch as soon as a smaller share than that of it goes on."""


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


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the pairs of ``x`` by each position's angle.

    ``x`` has the shape (batch, time, heads, head_dim), and a pair's second element stands
    head_dim / 2 after its first; ``cos`` and ``sin`` have (time, 1, head_dim / 2).
    """
    even, odd = x.float().chunk(2, -1)
    return torch.cat((even * cos - odd * sin, even * sin + odd * cos), -1).type_as(x)


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
        wq, wk = (pairs_to_halves(w.weight, c.head_dim) for w in (self.wq, self.wk))
        heads = F.linear(x, torch.cat((wq, wk, self.wv.weight))).unflatten(-1, (-1, c.head_dim))
        return heads.split((c.n_heads, c.n_kv_heads, c.n_kv_heads), dim=2)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        # Attention in plain operations: compiled on a CPU, that trains twice as fast as
        # scaled_dot_product_attention, whose backward pass is slow there.
        c, time = self.config, x.shape[1]
        q, k, v = self.queries_keys_values(x)
        q = rotate(q, cos, sin).transpose(1, 2) * c.head_dim**-0.5
        k = rotate(k, cos, sin).transpose(1, 2)
        v = v.transpose(1, 2)
        if c.n_kv_heads < c.n_heads:
            k, v = (t.repeat_interleave(c.n_heads // c.n_kv_heads, dim=1) for t in (k, v))
        future = torch.full((time, time), -torch.inf, device=x.device).triu(1)
        scores = (q @ k.transpose(-1, -2)).float() + future
        y = scores.softmax(-1).type_as(v) @ v
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
        gate, up = F.linear(x, torch.cat((self.w1.weight, self.w3.weight))).chunk(2, dim=-1)
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

    def draw_dropout(self, rate: float, batch: int, time: int) -> Tensor | None:
        """Draw masks that drop ``rate`` (in steps of 1/256) of the elements and scale the others.

        Returns bfloat16 of shape (1 + 2 n_layers, batch, time, dim), or None for a rate of 0.

        Compiled for a CPU, ``F.dropout`` draws number by number, which takes a third of a training
        step. Drawn beforehand, eight bytes at once, the masks cost a twentieth of that.
        """
        dropped = round(256 * rate)
        if not dropped:
            return None
        shape = (1 + 2 * self.config.n_layers, batch, time, self.config.dim)
        device = self.tok_embeddings.weight.device
        words = torch.empty(-(-math.prod(shape) // 8), dtype=torch.int64, device=device)
        numbers = words.random_(-(2**63), None).view(torch.uint8)[: math.prod(shape)].view(shape)
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

    @torch.no_grad()
    def generate(
        self,
        prompts: list[list[int]],
        end: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> list[list[int]]:
        """Continue all prompts (token lists) side by side until ``end``, which is included, comes,
        or the context is full.

        Temperature 0 takes the most likely token; otherwise a token is drawn among the most likely
        ones that have ``top_p`` of the probability (Holtzman et al. 2019, arXiv:1904.09751).
        """
        config, size = self.config, len(prompts)
        shape = (size, config.n_kv_heads, config.max_seq_len, config.head_dim)
        caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in self.layers]
        told = [list(prompt) for prompt in prompts]
        rows = list(range(size))  # what stands in the batch
        running = set(rows)
        for position in range(config.max_seq_len):
            tokens = [told[row][position] if position < len(told[row]) else end for row in rows]
            x = self.tok_embeddings(torch.tensor(tokens))[:, None]
            cos, sin = (
                self.rope_cos[position : position + 1],
                self.rope_sin[position : position + 1],
            )
            for layer, cache in zip(self.layers, caches, strict=True):
                x = x + layer.attention.step(layer.attention_norm(x), cos, sin, cache, position)
                x = x + layer.feed_forward(layer.ffn_norm(x))
            logits = F.linear(self.norm(x)[:, 0], self.tok_embeddings.weight)
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

    def loss(
        self,
        tokens: Tensor,
        targets: Tensor,
        masks: Tensor | None = None,
        taught: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Mean loss in nats per target, float32 scalar.

        For a token, cross entropy. For ``AVOIDED - token``, its unlikelihood -log(1 - p) (Welleck
        et al. 2019, arXiv:1908.04319). Targets of -1 are left out.

        ``taught`` are the tokens that teachers hold likely at each place, int64 (batch, time, k), and
        their probabilities (the same shape; all 0 where nobody taught). The target has only what
        they leave over (distillation, Hinton et al. 2015, arXiv:1503.02531).
        """
        log_likelihoods = self.logits(tokens, masks).flatten(0, 1).log_softmax(-1)
        targets = targets.flatten()
        avoided = targets <= AVOIDED
        wanted = torch.where(avoided, AVOIDED - targets, targets)
        losses = F.nll_loss(log_likelihoods, wanted, ignore_index=-1, reduction="none")
        if taught is not None:
            likely, shares = taught[0].flatten(0, 1), taught[1].flatten(0, 1)
            as_taught = -(shares * log_likelihoods.gather(-1, likely)).sum(-1)
            losses = losses * (1 - shares.sum(-1)) + as_taught
        unlikelihood = -torch.log1p(-torch.exp(-losses).clamp(max=1 - 1e-6))
        losses = torch.where(avoided, unlikelihood, losses)
        return losses.sum() / (targets != -1).sum().clamp(min=1)


def choose(
    logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None
) -> list[int]:
    """One token for each row of ``logits`` (batch, vocab_size), as ``Transformer.generate`` says."""
    if temperature == 0:
        return logits.argmax(-1).tolist()
    if top_p >= 1:
        summed = (logits / temperature).softmax(-1).cumsum(-1)
        drawn = torch.rand(len(logits), 1, generator=generator) * summed[:, -1:]
        return torch.searchsorted(summed, drawn, right=True)[:, 0].tolist()
    probabilities, order = (logits / temperature).softmax(-1).sort(-1, descending=True)
    before = probabilities.cumsum(-1) - probabilities
    probabilities = probabilities.masked_fill(before >= top_p, 0)
    drawn = torch.multinomial(probabilities, 1, generator=generator)
    return order.gather(-1, drawn)[:, 0].tolist()


def load_model(folder: Path, max_seq_len: int | None = None) -> Transformer:
    """Read ``config.json`` and ``model.safetensors`` from ``folder`` as a float32 model.

    ``max_seq_len``, where given, takes the place of the config's: no weight depends on it.
    Raises ``FileNotFoundError``, and ``RuntimeError`` where the tensors disagree with the config.
    """
    values = json.loads((folder / "config.json").read_text())
    if max_seq_len is not None:
        values["max_seq_len"] = max_seq_len
    model = Transformer(ModelConfig.from_dict(values))
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model


def save_model(model: Transformer, folder: Path, about: dict[str, Any]) -> None:
    """Write float16 weights and ``config.json``: ``about`` (name, license, description), shape."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {**about, **asdict(model.config), "tied_embeddings": True}
    (folder / "config.json").write_text(json.dumps(values, indent=1) + "\n")
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


def save_weights(tensors: dict[str, Tensor], source: Path, folder: Path) -> None:
    """Write ``tensors`` to ``folder`` as float16, beside copies of what else ``source`` has."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.model", "loss.png", "training.json"):
        if (source / name).exists() and source.resolve() != folder.resolve():
            shutil.copyfile(source / name, folder / name)
    halves = {name: tensor.half().contiguous() for name, tensor in tensors.items()}
    save_file(halves, folder / WEIGHTS, metadata={"format": "pt"})
