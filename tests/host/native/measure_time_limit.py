"""Measures what a call of a Wasm shaper costs, and what the time limit costs.

    python tests/host/native/measure_time_limit.py [--rounds N] [--json] [FONT]

1. A shaper that does nothing but call OpenType, beside OpenType itself, on five characters
   (call_cost.c), with the time limit and without.
2. Tokens per second of FONT (default: fonts/llama.ttf), with the time limit and without: processes
   in turns, each of which types 96 marks, four at a time, behind the prompts below.

All of it is processor time of one thread, medians of the rounds; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
sys.path[:0] = [str(HERE.parents[1]), str(REPOSITORY)]

from support.host_fonts import compile_guest, with_wasm  # noqa: E402

from fontgen.font.base import default_base_path  # noqa: E402
from fontgen.host.native import Host, build  # noqa: E402
from fontgen.host.native.platforms import here  # noqa: E402

TOKENS, AT_A_TIME = 96, 4
PROMPTS = ("The little fox", "Once upon a time", "A dog and a cat")
FREE_MARKS = 3
"""Exclamation marks that generate nothing."""
LIMITS = {"with": {}, "without": {"FONTGEN_WASM_TIMEOUT_MS": "0"}}

# Prints the seconds of one token. What OpenType takes to shape the visible text is part of it.
GENERATE = f"""
import sys, time
from fontgen.host import native as host
uharfbuzz = host.load()
font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(sys.argv[1])))
def seconds(prompt, marks):
    buffer = uharfbuzz.Buffer()
    buffer.add_str(prompt + "!" * ({FREE_MARKS} + marks))
    buffer.guess_segment_properties()
    before = time.process_time()
    uharfbuzz.shape(font, buffer)
    return time.process_time() - before
total = 0
for prompt in {PROMPTS!r}:
    seconds(prompt, 1)
    total += sum(seconds(prompt, 1 + n) for n in range({AT_A_TIME}, {TOKENS} + 1, {AT_A_TIME}))
print(total / ({TOKENS} * len({PROMPTS!r})))
"""


def output_of(command: list[str], settings: dict[str, str]) -> str:
    """What a command prints, run with these variables."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **settings}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def call_cost_command(host: Host, directory: Path) -> list[str]:
    """Compiles call_cost.c, and the font for it, into a directory."""
    program, font = directory / "call_cost", directory / "trivial.ttf"
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", here().target, "-O2", "-w"]
        + [str(HERE / "call_cost.c"), str(host.library)]
        + [f"-Wl,-rpath,{host.library_directory}", "-o", str(program)],
        check=True,
    )
    module = compile_guest("trivial.c", directory / "trivial.wasm")
    font.write_bytes(with_wasm(default_base_path(), module))
    return [str(program), str(font)]


def measure(font: Path, rounds: int) -> dict[str, float]:
    """The figures by name."""
    host = build()
    samples: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        call_cost = call_cost_command(host, Path(temporary))
        generate = [sys.executable, "-c", GENERATE, str(font)]
        for number in range(-1, rounds):
            limits = list(LIMITS.items())
            for name, settings in limits if number % 2 else reversed(limits):
                call = json.loads(output_of(call_cost, settings))
                token = float(output_of(generate, settings))
                if number < 0:
                    continue  # that round compiled the modules into the cache
                samples.setdefault(f"call, {name}", []).append(call["ratio"])
                samples.setdefault(f"token, {name}", []).append(token)
    slower = zip(samples["token, with"], samples["token, without"], strict=True)
    return {
        "a call with the time limit, as a multiple of OpenType": statistics.median(
            samples["call, with"]
        ),
        "a call without": statistics.median(samples["call, without"]),
        "tokens per second with the time limit": 1 / statistics.median(samples["token, with"]),
        "tokens per second without": 1 / statistics.median(samples["token, without"]),
        "tokens per second that the time limit costs, %": 100
        * (1 - 1 / statistics.median(a / b for a, b in slower)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what the host's time limit costs.")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "font", nargs="?", type=Path, default=REPOSITORY / "fonts" / "llama.ttf", metavar="FONT"
    )
    args = parser.parse_args()
    figures = measure(args.font.absolute(), args.rounds)
    if args.json:
        print(json.dumps(figures, indent=1))
    else:
        for name, value in figures.items():
            print(f"{value:8.2f}  {name}")


if __name__ == "__main__":
    main()
