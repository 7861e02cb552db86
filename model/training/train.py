"""Train a model, from text to weights, with one command:

    python -m model.training.train model/recipes/train.toml

Prepares the token files where they are missing (`model.data.prepare`), trains, and leaves in the ``run``
folder ``checkpoints/`` (the whole state: stop it by SIGTERM, start the same command again, and it goes on
with the next story), ``log.jsonl``, ``loss.png``, and three folders of weights that ``export.py`` and
the evaluation read: ``weights/``, ``weights-ema/`` (their running mean) and ``best/``.

Several GPUs, or the cores of a busy machine, share each batch when torchrun starts it:

    torchrun --nproc-per-node N -m model.training.train model/recipes/gpu.toml

Matrices inside the layers are trained by Muon, embeddings and norms by AdamW. The learning rate warms up,
stays, and goes linearly to zero. The budget is a number of steps, or of minutes where the machine's speed
is not known beforehand. With ``steps``, the same seed gives the same run on the same machine; on one with
another number of processes, to rounding.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from fontgen.errors import FontgenError, naming
from model.data.batches import MASKED, Batch, Batches, Prefetcher, Stories
from model.data.prepare import prepare
from model.data.shards import token_files
from model.data.vocabulary import BOS, read_tokenizer
from model.recipe import Phase, Recipe, read_recipe
from model.stories.checks import Story as CheckedStory
from model.stories.checks import check, read_prompts
from model.training.checkpoints import LAST, MEAN, Checkpoints
from model.training.generation import generate
from model.training.log import Log, draw_chart
from model.training.memory import keep_freed_memory
from model.training.network import ModelConfig, Transformer
from model.training.optimizers import Optimizers, learning_rate
from model.training.teacher import adapt, read_base, save_adapter
from model.training.team import Team
from model.training.validation import validation_loss
from model.training.weights import load_model

CHECKED_PROMPTS = 20
"""So many prompts of the story checks are continued at each checkpoint, for TensorBoard."""


class Objective(nn.Module):
    """The loss as a module, summed over targets: what is compiled, and shared by the team."""

    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        tokens: Tensor,
        targets: Tensor,
        masks: Tensor | None,
        taught: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        return self.model.loss(tokens, targets, masks, taught, reduction="sum")


def make_model(recipe: Recipe) -> Transformer:
    """The model that a run begins with."""
    if recipe.train.base:
        vocabulary = read_tokenizer(
            Path(recipe.data.folder) / "tokenizer.model", recipe.data.vocab_size
        )
        model = read_base(recipe.train.base, vocabulary, recipe.model.max_seq_len)
        if recipe.train.adapter_rank:
            adapt(model, recipe.train.adapter_rank)
        return model
    if recipe.train.start:
        return load_model(Path(recipe.train.start), recipe.model.max_seq_len)
    return Transformer(ModelConfig.from_dict(asdict(recipe.model)))


def mean_of(model: Transformer, decay: float) -> AveragedModel:
    """A running mean of a model's weights.

    A young mean forgets faster, so that the first weights do not stay in it.
    """

    def average(means: Sequence[Tensor], now: Sequence[Tensor], count: Tensor | int) -> None:
        keep = min(decay, (1 + float(count)) / (10 + float(count)))
        torch._foreach_lerp_(list(means), list(now), 1 - keep)

    return AveragedModel(model, multi_avg_fn=average)


class Run:
    """One run of a recipe, in one process of a team."""

    def __init__(self, recipe: Recipe, team: Team) -> None:
        self.recipe, self.options, self.team = recipe, recipe.train, team
        self.folder = Path(recipe.train.run)
        self.tokens_folder = Path(recipe.data.folder)
        torch.manual_seed(self.options.seed)
        self.model = make_model(recipe).to(team.device)
        self.mean = mean_of(self.model, self.options.ema)
        self.optimizers = Optimizers(self.model, self.options)
        self.batches = Batches(self.tokens_folder, self.options.seed, team.rank, team.size)
        self.checkpoints = Checkpoints(self.folder, self.options.keep)
        valid = token_files(self.tokens_folder, "valid")
        self.valid = Stories(valid, self.model.config.max_seq_len, 0)
        self.teacher: Transformer | None = None
        if self.options.teacher:
            teacher = load_model(Path(self.options.teacher), self.model.config.max_seq_len)
            self.teacher = teacher.to(team.device).requires_grad_(False)
        self.step, self.tokens, self.spent = 0, 0, 0.0
        self.position: dict[str, list[int]] = {}
        self.restore()
        objective: nn.Module = Objective(self.model)
        if self.options.compile:
            # Rows come in few lengths: a program for each is faster than one for any.
            if team.device == "cpu":
                objective = torch.compile(objective, dynamic=False)  # type: ignore[assignment]
            else:
                # One program does for all layers: that takes seconds, a model's a minute of a dear machine.
                for model in filter(None, (self.model, self.teacher)):
                    for layer in model.layers:
                        layer.compile(dynamic=False)
        if team.size > 1:
            objective = DistributedDataParallel(objective)
        self.objective = objective

    def restore(self) -> None:
        """Go on from the last checkpoint, if there is one."""
        path = self.checkpoints.newest()
        if path is None:
            return
        state = torch.load(path, map_location=self.team.device, weights_only=True)
        with naming(path):
            load_trained(self.model, state["model"])
            load_trained(self.mean, state["mean"])
        self.optimizers.load_state_dict(state["optimizers"])
        self.step, self.tokens, self.spent = state["step"], state["tokens"], state["seconds"]
        self.position = state["position"]
        self.batches.go_to(self.position)
        if self.team.is_first:
            print(f"{path}: going on from step {self.step}", flush=True)

    @property
    def progress(self) -> float:
        """Share of the budget that is spent."""
        if self.options.steps:
            return self.step / self.options.steps
        return self.spent / (60 * (self.options.minutes or 0.0))

    def phase_at(self, progress: float) -> Phase:
        return next(phase for phase in self.options.phases if progress < phase.until)

    def draw_arguments(self, phase: Phase) -> tuple[Any, ...]:
        """Those of `Batches.draw` behind the step."""
        length = phase.length or self.model.config.max_seq_len
        rows = max(1, self.options.batch_tokens // length // self.team.size) * self.team.size
        return phase.mixture, rows, length, phase.noise

    @torch.no_grad()
    def expected(
        self, tokens: Tensor, targets: Tensor, sources: list[str]
    ) -> tuple[Tensor, Tensor] | None:
        """What the teacher expects in rows of these sources, as far as it is to be learned, for `Transformer.loss`."""
        share = [self.options.teacher_share.get(source, 0.0) for source in sources]
        if self.teacher is None or not any(share):
            return None
        expectation = self.teacher.logits(tokens).softmax(-1)
        shares, likely = expectation.topk(self.options.teacher_likely, -1)
        of_row = torch.tensor(share, device=tokens.device)[:, None, None]
        return likely, shares * of_row * (targets >= 0)[..., None]

    def gradients(self, batch: Batch, dropout: float) -> Tensor:
        """Leave the gradients of a step in the model; return its mean loss, the same in every process."""
        device = self.team.device
        rows, length = batch.inputs.shape
        micro = max(1, self.options.micro_batch_tokens // length)
        count = self.team.sum((batch.targets != MASKED).sum().to(device)).clamp(min=1)
        total = torch.zeros((), device=device)
        tensors = [batch.inputs, batch.targets, batch.likely, batch.shares]
        for at in range(0, rows, micro):
            tokens, targets, likely, shares = (
                None if each is None else each[at : at + micro].to(device, non_blocking=True)
                for each in tensors
            )
            first = batch.first + at
            in_micro = range(len(batch.inputs[at : at + micro]))
            seeds = [(self.options.seed, self.step, first + row) for row in in_micro]
            masks = self.model.draw_dropout(dropout, length, seeds)
            taught = None if likely is None or shares is None else (likely, shares)
            with ExitStack() as stack:
                if self.options.bfloat16:
                    stack.enter_context(torch.autocast(device.split(":")[0], torch.bfloat16))
                last = at + micro >= rows
                if isinstance(self.objective, DistributedDataParallel) and not last:
                    stack.enter_context(self.objective.no_sync())
                assert tokens is not None and targets is not None
                here = batch.sources[at : at + micro]
                taught = self.expected(tokens, targets, here) or taught
                loss = self.objective(tokens, targets, masks, taught)
                # The team takes the mean of its gradients; that of the loss is over all its targets.
                (loss * self.team.size / count).backward()
            total += loss.detach()
        return self.team.sum(total) / count

    def take_step(self, batch: Batch) -> dict[str, Any]:
        """Train on a batch; return what the log says of it."""
        began = time.perf_counter()
        rate = learning_rate(self.progress, self.options.warmup, self.options.decay)
        dropout = self.phase_at(self.progress).dropout
        loss = self.gradients(batch, self.options.dropout if dropout is None else dropout)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimizers.step(rate)
        self.mean.update_parameters(self.model)
        taken = batch.inputs.numel() * self.team.size
        self.step, self.tokens = self.step + 1, self.tokens + taken
        self.position = batch.position
        entry = {"step": self.step, "tokens": self.tokens, "loss": float(loss), "rate": rate}
        return entry | {"speed": round(taken / (time.perf_counter() - began))}

    def save(self) -> dict[str, float]:
        """Write checkpoint and weights; return both validation losses. All processes come here together."""
        mean: Transformer = self.mean.module  # type: ignore[assignment]
        # The state first: who stops a run may not wait for the losses.
        if self.team.is_first:
            self.checkpoints.save_state(
                {
                    "model": trained_state(self.model),
                    "mean": trained_state(self.mean),
                    "optimizers": self.optimizers.state_dict(),
                    "step": self.step,
                    "tokens": self.tokens,
                    "seconds": self.spent,
                    "position": self.position,
                }
            )
        # A program for each length of a validation batch would take longer than it.
        with torch.compiler.set_stance("force_eager"):
            losses = {
                "valid": validation_loss(self.model, self.valid, self.team),
                "valid_ema": validation_loss(mean, self.valid, self.team),
            }
        if not self.team.is_first:
            return losses
        figures = {
            "steps": self.step,
            "tokens": self.tokens,
            "minutes": round(self.spent / 60, 1),
            "seed": self.options.seed,
        }
        both = {LAST: (self.model, losses["valid"]), MEAN: (mean, losses["valid_ema"])}
        written = self.checkpoints.save_weights(both, self.recipe.about, figures)
        if self.options.base and self.options.adapter_rank:
            about = {
                **self.recipe.about,
                "base": self.options.base,
                "rank": self.options.adapter_rank,
                "max_seq_len": self.model.config.max_seq_len,
            }
            for name, model in written.items():
                save_adapter(model, self.folder / name, about)
        return losses

    def tell(self) -> tuple[str, dict[str, float]]:
        """A story of the running mean, and with TensorBoard the share of some prompts that pass the checks."""
        mean: Transformer = self.mean.module  # type: ignore[assignment]
        path = self.tokens_folder / "tokenizer.model"
        tokenizer = read_tokenizer(path, self.recipe.data.vocab_size)
        prompts: list[tuple[str, list[str]]] = [(self.options.sample, [])]
        if self.options.tensorboard:
            prompts += read_prompts()[:CHECKED_PROMPTS]
        told = generate(mean, [[BOS, *tokenizer.encode(text)] for text, _ in prompts], BOS)
        texts = [tokenizer.decode([token for token in story if token != BOS]) for story in told]
        passed = 0
        for (prompt, characters), text, story in zip(prompts, texts, told, strict=True):
            checked = CheckedStory(prompt, text[len(prompt) :], story[-1] == BOS)
            check(checked, characters, set())
            passed += checked.passes and text is not texts[0]
        return texts[0], {"story_checks": passed / (len(prompts) - 1)} if len(prompts) > 1 else {}

    def go(self) -> float:
        """Train until the budget is spent, or SIGTERM comes; return the last validation loss.

        Raises ``SystemExit`` (0) behind the checkpoint where SIGTERM came: whoever has more to do would do it
        with weights that are not done.
        """
        stopped: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
        began, saved = time.perf_counter() - self.spent, time.perf_counter()
        prefetcher = Prefetcher(self.batches)
        entry: dict[str, Any] = {}
        with Log(self.folder, self.team, self.options.tensorboard) as log:
            while True:
                due = time.perf_counter() - saved > 60 * self.options.checkpoint_minutes
                self.spent = time.perf_counter() - began
                self.spent, stop, due = self.team.as_first(self.spent, len(stopped), due)  # type: ignore[assignment]
                over = self.progress >= 1 or stop
                if self.step and (over or due):
                    entry |= self.save()
                    saved = time.perf_counter()
                    if self.team.is_first:
                        story, checks = self.tell()
                        log.write(entry | checks, story)
                        draw_chart(log.path, self.folder / "loss.png")
                if over:
                    break
                # With steps, the next batch's phase is known; with minutes, it is this one's.
                ahead = (
                    (self.step + 1) / self.options.steps if self.options.steps else self.progress
                )
                batch = prefetcher.draw(
                    self.step,
                    *self.draw_arguments(self.phase_at(self.progress)),
                    ahead=self.draw_arguments(self.phase_at(ahead)) if ahead < 1 else None,
                )
                entry = self.take_step(batch)
                entry["seconds"] = round(time.perf_counter() - began, 1)
                log.show(entry, self.progress)
                log.write(entry)
        prefetcher.close()
        if stop and self.progress < 1:
            raise SystemExit(0)
        return float(entry.get("valid", float("nan")))


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state without the matrices that adapters leave as they are: the base file has those."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def load_trained(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Take back a `trained_state`. Raises `FontgenError` where it is that of another model."""
    now = trained_state(model)
    shapes = ({name: value.shape for name, value in each.items()} for each in (now, state))
    if next(shapes) != next(shapes):
        raise FontgenError("is the state of another model: choose another run, or remove it")
    model.load_state_dict(state, strict=False)


def train(recipe: Recipe) -> float:
    """Train as ``recipe`` says and return the last validation loss (nats per token).

    Raises what `prepare` and `load_model` do.
    """
    keep_freed_memory()
    if recipe.train.threads:
        torch.set_num_threads(recipe.train.threads)
    team = Team()
    try:
        if team.is_first:
            run = Path(recipe.train.run)
            run.mkdir(parents=True, exist_ok=True)
            (run / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1))
            prepare(recipe.data)
        team.as_first()
        run_of_recipe = Run(recipe, team)
        valid = run_of_recipe.go()
        if team.is_first:
            print(
                f"{run_of_recipe.step} steps, {run_of_recipe.tokens:,} tokens, validation loss {valid:.4f}",
                flush=True,
            )
        return valid
    finally:
        team.leave()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", type=Path, help="recipe (TOML)")
    parser.add_argument("--run", help="folder for checkpoints, log and weights")
    parser.add_argument("--minutes", type=float, help="budget in minutes of wall-clock time")
    parser.add_argument("--steps", type=int, help="budget in steps, instead of minutes")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--start", help="folder of weights to go on from")
    arguments = vars(parser.parse_args())
    try:
        recipe = read_recipe(arguments.pop("recipe"), **arguments)
        train(recipe)
    except (FontgenError, FileNotFoundError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
