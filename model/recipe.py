"""A training configuration: what a TOML file of ``recipes/`` may say, checked key by key.

``extends = "train.toml"`` names another file, in the same folder: what the tables of this one do not say, that
one's do. Relative paths are relative to the current folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fontgen.errors import FontgenError, naming
from fontgen.typed_toml import parse_document, read_document


@dataclass(frozen=True)
class Source:
    """One source of text. It has a name, and exactly one of ``path``, ``hub`` and ``grammar``.

    Attributes:
        name: of its token files.
        path: a file of stories parted by lines ``<|endoftext|>`` (``.txt``, ``.xz``, ``.gz``), or a
            ``.parquet`` or ``.jsonl`` file with a story in each row; an ``http`` address of one of these
            last two as well.
        hub: a data set of the Hugging Face hub, such as ``roneneldan/TinyStories``.
        split, revision: of it.
        column: of a row that holds its story.
        grammar: so many stories of ``model.grammar``.
        seed: of these.
        containing, without: take only the stories with, or without, that string.
        most: at most so many stories.
        valid: one story in ``valid_every`` is kept aside, to choose between weights by.
        renamed: so many variants of each story, with other names, as the source ``NAME-renamed``: a name is
            to be carried through a story, not known.
        blank_lines: each story comes with blank lines between its paragraphs too (``"also"``), or
            only so (``"only"``).
        vocabulary_share: of its stories that a new vocabulary is trained on.
    """

    name: str
    path: str | None = None
    hub: str | None = None
    split: str = "train"
    revision: str | None = None
    column: str = "text"
    grammar: int | None = None
    seed: int = 1
    containing: str | None = None
    without: str | None = None
    most: int | None = None
    valid: bool = False
    renamed: int = 0
    blank_lines: Literal["also", "only"] | None = None
    vocabulary_share: float = 1.0

    def __post_init__(self) -> None:
        if sum(way is not None for way in (self.path, self.hub, self.grammar)) != 1:
            raise FontgenError(f"source {self.name}: one of path, hub and grammar is needed")


@dataclass(frozen=True)
class Data:
    """``[data]``: what `model.data.prepare` writes.

    Attributes:
        folder: where token files go.
        vocab_size: entries of the vocabulary.
        sources: of text.
        tokenizer: a ``tokenizer.model`` to use; without, a new vocabulary is trained.
        valid_every: see `Source.valid`.
        leave_out: texts (files as of `Source.path`) that no training text may hold a story of.
        deduplicate: a story whose first 160 letters came before, in any source, is left out.
        processes: that turn text to tokens.
        shard_tokens: tokens of a file, at most by a story.
    """

    folder: str
    vocab_size: int
    sources: tuple[Source, ...]
    tokenizer: str | None = None
    valid_every: int = 100
    leave_out: tuple[str, ...] = ()
    deduplicate: bool = True
    processes: int = 2
    shard_tokens: int = 1 << 24


@dataclass(frozen=True)
class Phase:
    """What a batch is drawn from until the share ``until`` of the budget is spent.

    Attributes:
        until: share of the budget.
        mixture: share of the rows by source; a name that ends in ``?`` is left out where it has no file.
        length: tokens of a row; without, the model's context.
        noise: share of the inputs that give way to other tokens.
        dropout: in place of the run's.
    """

    until: float
    mixture: dict[str, float]
    length: int | None = None
    noise: float = 0.0
    dropout: float | None = None


@dataclass(frozen=True)
class Train:
    """``[train]``: one run.

    Attributes:
        run: folder of checkpoints, log and weights.
        phases: of the data mixture.
        start: folder of weights to go on from; without, from noise.
        base: a checkpoint of another language model to go on from instead, as ``fontgen build`` takes it, with
            its matrices frozen and adapters of ``adapter_rank`` beside them; its vocabulary gives way to the run's
            (`model.training.teacher`).
        adapter_rank: columns of an adapter; 0 trains the matrices themselves.
        teacher: folder of a model that says what it expects of each token, as the run goes; a GPU has time for that.
        teacher_share: of a target, that is the teacher's expectation, by source; 0 where nothing is said.
        teacher_likely: so many tokens of each expectation are learned.
        seed: of everything random.
        steps: the budget; or
        minutes: the budget in wall-clock time.
        batch_tokens: of one step, all processes together.
        micro_batch_tokens: that go through the model at once, in each process.
        dropout: of embeddings and of what each layer adds.
        muon_lr, muon_momentum, weight_decay: of the matrices inside the layers; with a rate of 0, AdamW has them too.
        adamw_lr, adamw_betas: of embeddings, norms and adapters.
        clip: norm of the gradient, at most.
        warmup, decay: shares of the budget in which the learning rate rises and falls.
        ema: of the running mean of the weights, kept beside them.
        compile: with torch.compile; on a GPU, layer by layer.
        bfloat16: products in bfloat16.
        threads: of each process; without, PyTorch's own choice.
        checkpoint_minutes: between checkpoints.
        keep: so many last checkpoints.
        tensorboard: write events for TensorBoard too (the extra of that name).
        sample: an opening that every checkpoint continues, for the log.
    """

    run: str
    phases: tuple[Phase, ...]
    start: str | None = None
    base: str | None = None
    adapter_rank: int = 32
    teacher: str | None = None
    teacher_share: dict[str, float] = field(default_factory=dict)
    teacher_likely: int = 32
    seed: int = 1
    steps: int | None = None
    minutes: float | None = None
    batch_tokens: int = 8192
    micro_batch_tokens: int = 4096
    dropout: float = 0.0
    muon_lr: float = 0.004
    muon_momentum: float = 0.95
    adamw_lr: float = 0.001
    adamw_betas: tuple[float, ...] = (0.9, 0.95)
    weight_decay: float = 0.0
    clip: float = 1.0
    warmup: float = 0.02
    decay: float = 0.7
    ema: float = 0.99
    compile: bool = True
    bfloat16: bool = True
    threads: int | None = None
    checkpoint_minutes: float = 15.0
    keep: int = 2
    tensorboard: bool = False
    sample: str = "Once upon a time"

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise FontgenError("[train]: the budget is either steps or minutes")
        if self.start and self.base:
            raise FontgenError("[train]: start and base exclude each other")
        if not self.phases or self.phases[-1].until < 1:
            raise FontgenError("[train]: the last phase lasts until = 1.0")


@dataclass(frozen=True)
class Shape:
    """``[model]``: see `model.training.network.ModelConfig`, which checks it."""

    dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    hidden_dim: int
    vocab_size: int
    max_seq_len: int
    norm_eps: float = 1e-5
    rope_theta: float = 10000.0


@dataclass(frozen=True)
class Recipe:
    """A whole configuration; ``about`` (name, license, description) goes into ``config.json``."""

    model: Shape
    data: Data
    train: Train
    about: dict[str, str] = field(default_factory=dict)


def read_recipe(path: Path, **train: Any) -> Recipe:
    """Read a recipe; keyword arguments that are not None take the place of keys of ``[train]``.

    Raises:
        FontgenError: what `fontgen.typed_toml.read_toml` says, and values that contradict each other.
    """
    tables = read_tables(path)
    given = {key: value for key, value in train.items() if value is not None}
    if {"steps", "minutes"} & given.keys():
        tables["train"] = {
            k: v for k, v in tables["train"].items() if k not in ("steps", "minutes")
        }
    tables["train"] = tables.get("train", {}) | given
    with naming(path):
        return parse_document(tables, Recipe, Path())


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, with those of the file that it extends."""
    tables = read_document(path)
    if "extends" not in tables:
        return tables
    extended = read_tables(path.parent / tables.pop("extends"))
    merged = extended | {name: extended.get(name, {}) | table for name, table in tables.items()}
    for budget, other in (("steps", "minutes"), ("minutes", "steps")):
        if budget in tables.get("train", {}):
            merged["train"].pop(other, None)
    return merged
