"""What a run tells while it goes: a line of JSON for each step, a chart, TensorBoard, the console."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fontgen.errors import FontgenError
from model.training.team import Team

CONSOLE_STEPS = 20
"""Where the console is no terminal, it has a line after so many steps."""


class Log:
    """``log.jsonl`` and the progress bar of a run; of one process of the team, the others are silent."""

    def __init__(self, run: Path, team: Team, tensorboard: bool = False) -> None:
        self.path = run / "log.jsonl"
        self.first = team.is_first
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self.bar = Progress(*columns, disable=not self.first)
        self.task = self.bar.add_task("training", total=1.0)
        self.events: Any = None
        if tensorboard and self.first:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise FontgenError(
                    "[train] tensorboard needs that package (pip install 'fontgen[tensorboard]')"
                ) from error
            self.events = SummaryWriter(str(run / "tensorboard"))

    def __enter__(self) -> Log:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        if self.events:
            self.events.close()

    def write(self, entry: dict[str, Any], sample: str | None = None) -> None:
        """Append an entry, which has a ``step``; ``sample`` is a story that the model has told."""
        if not self.first:
            return
        with self.path.open("a") as file:
            file.write(json.dumps(entry | ({"sample": sample} if sample else {})) + "\n")
        if self.events:
            for key in entry.keys() - {"step", "tokens", "seconds"}:
                self.events.add_scalar(key, entry[key], entry["step"])
            if sample:
                self.events.add_text("sample", sample, entry["step"])
            self.events.flush()

    def show(self, entry: dict[str, Any], progress: float) -> None:
        """Tell whoever watches how far it is."""
        left = entry["seconds"] / max(progress, 1e-9) * max(0.0, 1 - progress)
        text = f"step {entry['step']}, loss {entry['loss']:.3f}, "
        if "valid" in entry:
            text += f"validation {entry['valid']:.3f} (mean {entry['valid_ema']:.3f}), "
        text += f"{entry['speed']:,.0f} tokens/s, {left / 60:.1f} min left"
        self.bar.update(self.task, completed=progress, description=text)
        quiet = self.bar.console.is_terminal or not self.first
        if not quiet and ("valid" in entry or entry["step"] % CONSOLE_STEPS == 0):
            print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def read_log(path: Path) -> list[dict[str, Any]]:
    """The entries of a ``log.jsonl``."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def draw_chart(log: Path, path: Path) -> None:
    """Draw the losses of ``log.jsonl`` over the tokens seen, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = read_log(log)
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
