"""The benchmark's command line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from fontgen.check.evaluation import read_documents
from fontgen.config import Config, read_config
from fontgen.errors import FontgenError
from fontgen.files import check_output, write_output
from fontgen.host import native as host
from fontgen.llama.tables import MODEL_TAG, read_model
from fontgen.progress import Reporter

from . import figures, games
from .chart import draw_chart
from .measure import Samples, in_turns
from .report import Row, print_rows
from .subject import Subject, build_subject, table_of

DEFAULT_CONFIG = Path(__file__).parents[2] / "fonts" / "llama.toml"
ROUNDS, SECONDS = 7, 80
LOSS_DOCUMENTS = 40


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures a font beside the programs that people would use instead, all in "
        "one run and in turns.",
    )
    parser.add_argument(
        "config", nargs="?", type=Path, metavar="CONFIG.toml", help="default: the default font's"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="PNG", help="write a chart")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--text", type=Path, help="held-out text: also measure what quantising loses on it"
    )
    parser.add_argument(
        "--limit",
        type=int,
        default=LOSS_DOCUMENTS,
        metavar="N",
        help=f"documents of it (default {LOSS_DOCUMENTS})",
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help=f"at most (default {ROUNDS})"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="S",
        help=f"begin no round that would end later, but three (default {SECONDS})",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more; tracebacks")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit code 2 on bad input, whatever the figures are 0."""
    args = make_parser().parse_args(argv)
    try:
        run(args)
    except FontgenError as error:
        if args.verbose:
            traceback.print_exc()
        print(f"bench: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def run(args: argparse.Namespace) -> None:
    """Measure and print; see `figures` for what."""
    if args.rounds < 1:
        raise FontgenError(f"--rounds {args.rounds}: at least one is needed")
    reporter = Reporter(quiet=args.quiet, verbose=args.verbose)
    started = time.monotonic()
    if args.output:
        check_output(args.output, [])
    documents = read_documents(args.text, args.limit) if args.text else None
    uharfbuzz = host.load()
    found = host.find()
    assert found is not None
    path = args.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    config = read_config(path) if path else Config()

    with reporter.steps(total=args.rounds + 3) as steps:
        steps.begin("building fonts")
        subject = build_subject(config, best_quantiser=documents is not None)
        samples, memory = _measure(uharfbuzz, found, subject, args, steps)
        rows = _rows(subject, samples, memory)
        if documents:
            steps.begin("measuring the loss by quantising")
            rows += figures.loss_rows(subject, documents)
    _report(args, reporter, subject, rows, samples | memory, started)


def _measure(
    uharfbuzz: Any, found: Any, subject: Subject, args: argparse.Namespace, steps: Any
) -> tuple[dict[str, Samples], dict[str, Samples]]:
    """All programs in turns: times of one thread, and memory of fresh processes."""
    steps.begin("opening the programs beside")
    model = read_model(table_of(subject.shipped[8], MODEL_TAG))
    fresh = figures.FreshProcesses(found, subject)
    try:
        probes = [figures.font_speed(uharfbuzz, variant) for variant in subject.variants.values()]
        probes += figures.program_speeds(model, subject.variants[8, "simd128"].story)
        probes += [
            figures.typing(uharfbuzz, subject),
            figures.longest_call(uharfbuzz, subject),
            figures.plain_text(uharfbuzz, subject),
            games.games(uharfbuzz),
            fresh.first_shape,
        ]
        steps.begin("measuring memory")
        memory = in_turns([fresh.memory], rounds=min(args.rounds, 3), seconds=SECONDS / 4)
        samples = in_turns(
            probes,
            rounds=args.rounds,
            seconds=args.seconds,
            begin_round=lambda number: steps.begin(f"round {number + 1}"),
        )
    finally:
        fresh.close()
    return samples, memory


def _rows(subject: Subject, samples: dict[str, Samples], memory: dict[str, Samples]) -> list[Row]:
    story = subject.variants[8, "simd128"].story
    return [
        *figures.speed_rows(samples),
        *figures.typing_rows(samples, story),
        *figures.bound_rows(samples),
        *figures.plain_text_rows(samples),
        *games.game_rows(samples),
        *figures.first_shape_rows(samples),
        *figures.memory_rows(memory),
        *figures.font_size_rows(subject),
    ]


def _report(
    args: argparse.Namespace,
    reporter: Reporter,
    subject: Subject,
    rows: list[Row],
    samples: dict[str, Samples],
    started: float,
) -> None:
    story, card = subject.variants[8, "simd128"].story, subject.model.card
    n_rounds = max(len(values.values) for values in samples.values())
    notes = [
        f"Processor time of one thread, medians of {n_rounds} rounds in turns; ratios are taken "
        "within a round.",
        f"{card.name}, {subject.model.n_parameters:,} parameters; {figures.speed_tokens(story)} "
        f"tokens after {story.prompt!r}, of {len(story.generated)} until the story or the context "
        "ends.",
        machine(),
    ]
    if args.output:
        chart = draw_chart(rows, f"{card.name}, in a font", machine(versions=False))
        write_output(args.output, chart)
    if args.json:
        print(json.dumps(as_json(rows, samples, notes, time.monotonic() - started), indent=1))
    else:
        print_rows(rows, notes)
    if args.output:
        reporter.note(f"wrote {args.output}")


def as_json(rows: Sequence[Any], samples: dict[str, Any], notes: list[str], wall: float) -> dict:
    """Everything measured: the rows, and every sample in seconds or as the row says."""
    return {
        "rows": [row.as_dict() for row in rows],
        "samples": {name: list(values.values) for name, values in samples.items()},
        "notes": notes,
        "seconds": wall,
    }


def machine(*, versions: bool = True) -> str:
    """The processor, and with ``versions`` what ran on it."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    parts = [f"{name}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"]
    if versions:
        packages = ("onnxruntime", "numpy", "uharfbuzz", "wasmtime", "ziglang")
        parts += [f"{package} {metadata.version(package)}" for package in packages]
    return "; ".join(parts)
