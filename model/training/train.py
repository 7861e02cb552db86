"""Train a model, from text to weights, with one command:

    python -m model.training.train model/recipes/train.toml

Prepares the token files where they are missing (``prepare.py``), trains, and leaves in the ``run``
folder ``checkpoint.pt`` (the whole state: stop it by SIGTERM, start the same command again, and it
goes on), ``log.jsonl``, ``loss.png``, and ``weights/`` and ``weights-ema/``, two folders that
``export.py`` and ``evaluate.py`` read.

Several GPUs, or the cores of a busy machine, share each batch when
``torchrun --nproc-per-node N`` starts the script.

Matrices inside the layers are trained by Muon (Jordan et al., 2024; torch.optim.Muon), embeddings
and norms by AdamW. The learning rate warms up, stays, and goes linearly to zero. The budget is a
number of steps, or of minutes where the machine's speed is not known beforehand; with ``steps``,
the same seed gives the same run on the same machine.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import signal
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from torch import distributed, nn

from model.data.prepare import BOS, prepare, read_config, story_spans
from model.training.network import AVOIDED, ModelConfig, Transformer, load_model, save_model

MASKED = -1  # a target that no loss is taken on


def keep_freed_memory() -> None:
    """Let glibc keep what each step frees, since the next one asks for the same again.

    Otherwise every large tensor on a CPU is mapped and cleared anew: a tenth of the time there.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(m_mmap_max, 0)
        mallopt(m_trim_threshold, 2**31 - 1)


class Team:
    """The processes that train one model together, each on its share of every batch.

    Started by ``torchrun --nproc-per-node N``, one for each GPU (or, on a CPU, each core: threads
    that wait for one another at every operation are slower where other programs run beside them).
    """

    def __init__(self) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", 1))
        self.rank = int(os.environ.get("RANK", 0))
        self.device = "cpu"
        if torch.cuda.is_available():
            self.device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
            torch.cuda.set_device(self.device)
        if self.size > 1:
            distributed.init_process_group("gloo" if self.device == "cpu" else "nccl")

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def average_gradients(self, model: nn.Module) -> None:
        """Give every process the mean of all processes' gradients."""
        if self.size > 1:
            gradients = [p.grad for p in model.parameters() if p.grad is not None]
            together = torch.cat([gradient.flatten() for gradient in gradients]) / self.size
            distributed.all_reduce(together)
            parts = together.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def as_first(self, *numbers: float) -> list[float]:
        """The first process's numbers; every process waits for them here."""
        if self.size == 1:
            return list(numbers)
        shared = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return shared.tolist()


class Stories:
    """An endless supply of training rows from one token file.

    Each epoch shuffles the stories and packs them into rows of ``length`` tokens, so that a row
    begins, where it can, with the beginning of a story: that is how the font's model is used.
    A story is cut only where it is longer than a row, or where none fits in what is left of one.

    Beside NAME.npy there may be NAME.avoid.npy, one bool for each token: then the marked tokens are
    to be avoided where they stand, and nothing is learned of the others. Or NAME.likely.npy and
    NAME.shares.npy of ``distill.py``, which say what teachers expected in place of each token.
    """

    def __init__(self, path: Path, length: int, seed: int) -> None:
        self.tokens = np.load(path).astype(np.int64)
        avoid = path.with_suffix(".avoid.npy")
        self.avoid = np.load(avoid) if avoid.exists() else None
        self.taught: tuple[np.ndarray, np.ndarray] | None = None
        likely, shares = path.with_suffix(".likely.npy"), path.with_suffix(".shares.npy")
        if likely.exists():
            self.taught = np.load(likely, mmap_mode="r"), np.load(shares, mmap_mode="r")
        self.length = length
        self.seed = seed
        self.spans = story_spans(self.tokens)
        self.rows = itertools.chain.from_iterable(map(self.epoch, itertools.count()))

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield (inputs, targets, places) in random order, each int64 of shape (length,).

        ``places`` says where in the file each target stands; 0, where there is none.
        """
        rng = np.random.default_rng((self.seed, number))
        pool: list[tuple[int, int]] = []  # pieces that wait: (tokens, first token), sorted
        rows: list[list[tuple[int, int]]] = []
        for index in rng.permutation(len(self.spans)):
            start, end = self.spans[index]
            for first in range(start, end, self.length):
                pool.append((min(self.length, end - first), first))
        pool.sort(key=lambda piece: piece[0])  # stable: equal lengths stay shuffled
        while pool:
            row = [pool.pop(int(rng.integers(len(pool))))]
            left = self.length - row[0][0]
            while left and pool:
                at = bisect_right(pool, (left, len(self.tokens))) - 1
                if at >= 0:
                    size, first = pool.pop(at)
                elif left < 32:  # too little to be worth a cut: leave it empty
                    break
                else:
                    whole, first = pool.pop(int(rng.integers(len(pool))))
                    size = left
                    rest = (whole - size, first + size)
                    pool.insert(bisect_right(pool, rest), rest)
                row.append((size, first))
                left -= size
            rows.append(row)
        for index in rng.permutation(len(rows)):
            inputs = np.full(self.length, BOS, dtype=np.int64)
            targets = np.full(self.length, MASKED, dtype=np.int64)
            places = np.zeros(self.length, dtype=np.int64)
            at = 0
            for size, first in rows[index]:
                places[at : at + size] = np.arange(first + 1, first + size + 1)
                inputs[at : at + size] = self.tokens[first : first + size]
                following = self.tokens[first + 1 : first + size + 1]
                if self.avoid is not None:
                    marked = self.avoid[first + 1 : first + size + 1]
                    following = np.where(marked, AVOIDED - following, MASKED)
                targets[at : at + size] = following
                at += size
            yield inputs, targets, places


class Batches:
    """Draws each row of a batch from one of the sources, as the mixture of the moment says."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.sources: dict[tuple[str, int], Stories] = {}

    def draw(
        self, mixture: dict[str, float], rows: int, length: int, noise: float = 0.0
    ) -> list[torch.Tensor]:
        """Return inputs and targets, each int64 of shape (rows, length), and, where a source of the
        mixture was taught, the tokens and shares that ``Transformer.loss`` takes: int64 and
        float32 of shape (rows, length, k).

        ``noise`` is the share of the inputs that give way to other tokens of the same batch, so
        that a text that comes again is not quite the same; the targets stay. That is unigram
        noising (Xie et al. 2017, arXiv:1703.02573).
        """
        names, parts = list(mixture), np.array(list(mixture.values()))
        chosen = self.rng.choice(names, size=rows, p=parts / parts.sum())
        sources = {name: self._stories(name, length) for name in names}
        picked = [next(sources[str(name)].rows) for name in chosen]
        inputs, targets, places = (np.stack(each) for each in zip(*picked, strict=True))
        if noise:
            noisy = (self.rng.random(inputs.shape) < noise) & (inputs != BOS)
            inputs[noisy] = self.rng.choice(inputs[inputs != BOS], noisy.sum())
        drawn = [inputs, targets]
        counts = [source.taught[0].shape[1] for source in sources.values() if source.taught]
        if counts:
            shape = (rows, length, max(counts))
            likely, shares = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
            for row, name in enumerate(chosen):
                taught = sources[str(name)].taught
                if taught:
                    likely[row, :, : taught[0].shape[1]] = taught[0][places[row]]
                    shares[row, :, : taught[1].shape[1]] = taught[1][places[row]]
            shares[targets == MASKED] = 0
            drawn += [likely, shares]
        return [torch.from_numpy(array) for array in drawn]

    def _stories(self, name: str, length: int) -> Stories:
        if (name, length) not in self.sources:
            path = self.folder / f"{name}.npy"
            self.sources[name, length] = Stories(path, length, self.seed + len(self.sources))
        return self.sources[name, length]


def learning_rate(progress: float, warmup: float, decay: float) -> float:
    """The factor on the learning rate when ``progress`` (0 to 1) of the budget is spent."""
    return max(0.0, min(1.0, progress / max(warmup, 1e-9), (1.0 - progress) / max(decay, 1e-9)))


def make_optimizers(model: Transformer, train: dict[str, Any]) -> list[torch.optim.Optimizer]:
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    muon = torch.optim.Muon(
        matrices,
        lr=train["muon_lr"],
        momentum=train["muon_momentum"],
        weight_decay=train["weight_decay"],
    )
    adamw = torch.optim.AdamW(
        others, lr=train["adamw_lr"], betas=tuple(train["adamw_betas"]), weight_decay=0.0
    )
    return [muon, adamw]


@torch.no_grad()
def validation_loss(model: Transformer, path: Path, device: str) -> float:
    """Mean nats per token over the stories of ``path``, each alone and cut at the context."""
    stories = Stories(path, model.config.max_seq_len, 0)
    total, count = 0.0, 0
    for start, end in stories.spans:
        end = min(end, start + model.config.max_seq_len)
        tokens = torch.from_numpy(stories.tokens[start : end + 1]).to(device)
        total += float(model.loss(tokens[None, :-1], tokens[None, 1:])) * (end - start)
        count += end - start
    return total / max(count, 1)


def draw_chart(log: Path, path: Path) -> None:
    """Draw the losses of ``log.jsonl`` over the tokens seen, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = [json.loads(line) for line in log.read_text().splitlines()]
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    seen = [entry["tokens"] / 1e6 for entry in entries]
    axes.plot(seen, [entry["loss"] for entry in entries], linewidth=0.8, label="training mixture")
    for key, label in (("valid", "validation"), ("valid_ema", "validation, mean of weights")):
        points = [(x, entry[key]) for x, entry in zip(seen, entries, strict=True) if key in entry]
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=label)
    axes.set_xlabel("million tokens")
    axes.set_ylabel("nats per token")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def train(config: dict[str, Any]) -> float:
    """Train as ``config`` says and return the last validation loss (nats per token)."""
    data, options = config["data"], config["train"]
    run, folder = Path(options["run"]), Path(data["folder"])
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.json").write_text(json.dumps(config, indent=1))
    seed: int = options["seed"]
    torch.manual_seed(seed)
    keep_freed_memory()
    if options.get("threads"):
        torch.set_num_threads(options["threads"])
    team = Team()
    device = team.device
    if team.is_first and not (folder / "valid.npy").exists():
        prepare(data)
    team.as_first()
    if options.get("start"):
        length = config["model"]["max_seq_len"]
        model = load_model(Path(options["start"]), length)
    else:
        model = Transformer(ModelConfig.from_dict(config["model"]))
    model.to(device)
    ema = {name: value.clone() for name, value in model.state_dict().items()}
    mean_model = Transformer(model.config).to(device)
    optimizers = make_optimizers(model, options)
    base_rates = [[group["lr"] for group in each.param_groups] for each in optimizers]
    step, tokens_seen, spent = 0, 0, 0.0

    checkpoint = run / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        ema, step = state["ema"], state["step"]
        tokens_seen, spent = state["tokens"], state["seconds"]
        print(f"{checkpoint}: going on from step {step}", flush=True)
    torch.manual_seed(seed + step + 1_000_000 * team.rank)  # of dropout
    batches = Batches(folder, seed + 1000 * step + 1_000_000_000 * team.rank)
    # Rows come in few lengths: a program for each is faster than one for any.
    loss_of = torch.compile(model.loss, dynamic=False) if options["compile"] else model.loss
    autocast = torch.autocast(device.split(":")[0], torch.bfloat16)

    def save() -> dict[str, float]:
        entry = {"valid": validation_loss(model, folder / "valid.npy", device)}
        mean_model.load_state_dict(ema)
        entry["valid_ema"] = validation_loss(mean_model, folder / "valid.npy", device)
        state = {
            "model": model.state_dict(),
            "optimizers": [each.state_dict() for each in optimizers],
            "ema": ema,
            "step": step,
            "tokens": tokens_seen,
            "seconds": spent,
        }
        torch.save(state, checkpoint.with_suffix(".new"))
        os.replace(checkpoint.with_suffix(".new"), checkpoint)
        save_model(model, run / "weights", config["about"])
        save_model(mean_model, run / "weights-ema", config["about"])
        return entry

    total_steps = options.get("steps")
    total_seconds = options["minutes"] * 60 if not total_steps else 0.0
    began, last_saved = time.perf_counter() - spent, time.perf_counter()
    entry: dict[str, float] = {}
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    log_path = run / "log.jsonl" if team.is_first else Path(os.devnull)
    with Progress(*columns, disable=not team.is_first) as bar, log_path.open("a") as log:
        task = bar.add_task("compiling" if options["compile"] else "training", total=1.0)
        while True:
            spent, stop = team.as_first(spent, len(stopped))
            progress = step / total_steps if total_steps else spent / total_seconds
            if progress >= 1.0 or stop:
                break
            started = time.perf_counter()
            phase = next(p for p in options["phases"] if progress < p["until"])
            length = phase.get("length", model.config.max_seq_len)
            rows = options["batch_tokens"] // length // team.size
            micro = options["micro_batch_tokens"] // length
            rate = learning_rate(progress, options["warmup"], options["decay"])
            for optimizer, rates in zip(optimizers, base_rates, strict=True):
                for group, base in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = base * rate
            noise = phase.get("noise", 0.0)
            dropout = phase.get("dropout", options["dropout"])
            batch = batches.draw(phase["mixture"], rows, length, noise)
            loss_sum = 0.0
            for at in range(0, rows, micro):
                tokens, targets, *taught = (t[at : at + micro].to(device) for t in batch)
                masks = model.draw_dropout(dropout, *tokens.shape)
                with autocast if options.get("bfloat16", True) else nullcontext():
                    loss = loss_of(tokens, targets, masks, tuple(taught) or None)
                    loss *= len(tokens) / rows
                loss.backward()
                loss_sum += loss.item()
            team.average_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            # A young mean forgets faster, so that the first weights do not stay in it.
            keep = min(options["ema"], (1 + step) / (10 + step))
            with torch.no_grad():
                for name, value in model.state_dict().items():
                    ema[name].lerp_(value, 1 - keep)
            batch_tokens = rows * length * team.size
            step, tokens_seen = step + 1, tokens_seen + batch_tokens
            spent = time.perf_counter() - began
            speed = batch_tokens / (time.perf_counter() - started)
            entry = {"step": step, "tokens": tokens_seen, "loss": loss_sum, "rate": rate}
            entry |= {"speed": round(speed), "seconds": round(spent, 1)}
            progress = step / total_steps if total_steps else spent / total_seconds
            due = time.perf_counter() - last_saved > 60 * options["checkpoint_minutes"]
            if team.is_first and due:
                entry |= save()
                last_saved = time.perf_counter()
                draw_chart(run / "log.jsonl", run / "loss.png")
            left = spent / max(progress, 1e-9) * max(0.0, 1 - progress)
            text = f"step {step}, loss {loss_sum:.3f}, "
            if "valid" in entry:
                text += f"validation {entry['valid']:.3f} (mean {entry['valid_ema']:.3f}), "
            text += f"{speed:,.0f} tokens/s, {left / 60:.1f} min left"
            bar.update(task, completed=progress, description=text)
            quiet = bar.console.is_terminal or not team.is_first
            if not quiet and ("valid" in entry or step % 20 == 0):
                print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
            log.write(json.dumps(entry) + "\n")
            log.flush()
        if step and team.is_first:
            entry |= save() | {"step": step, "tokens": tokens_seen, "loss": entry.get("loss", 0.0)}
            log.write(json.dumps(entry) + "\n")
    if team.size > 1:
        distributed.destroy_process_group()
    if not team.is_first:
        return float("nan")
    draw_chart(run / "log.jsonl", run / "loss.png")
    valid = entry.get("valid", float("nan"))
    print(f"{step} steps, {tokens_seen:,} tokens, validation loss {valid:.4f}", flush=True)
    return valid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path, help="training configuration (TOML)")
    parser.add_argument("--run", help="folder for checkpoints, log and weights")
    parser.add_argument("--minutes", type=float, help="budget in minutes of wall-clock time")
    parser.add_argument("--steps", type=int, help="budget in steps, instead of minutes")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    for name in ("run", "minutes", "steps", "seed"):
        if getattr(arguments, name) is not None:
            config["train"][name] = getattr(arguments, name)
    train(config)


if __name__ == "__main__":
    main()
