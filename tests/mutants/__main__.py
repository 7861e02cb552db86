"""``cd tests && python -m mutants [-n 5000] [--first SEED] [--base FONT] [SUBJECT...]``: a line for each fault.

Exit code 1: there was one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fontgen.host import native
from mutants import campaign, trial
from mutants.subjects import subjects


def main() -> int:
    parser = argparse.ArgumentParser(description="Tries damaged fonts and configurations.")
    parser.add_argument("-n", type=int, default=5000, metavar="N", help="of each subject (5000)")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="number of the first")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep those with faults there")
    parser.add_argument(
        "--base", type=Path, action="append", default=[], metavar="FONT", help="another base font"
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help="a part of its name")
    args = parser.parse_args()
    native.build()
    n_faults = 0
    with tempfile.TemporaryDirectory() as folder:
        # Not the user's own, which holds 64 modules.
        os.environ["FONTGEN_WASM_CACHE"] = str(Path(folder, "modules"))
        native.load()
        trial.prepare()
        for subject in subjects(Path(folder), args.base):
            if args.subjects and not any(part in subject.name for part in args.subjects):
                continue
            outcomes: Counter[str] = Counter()
            for result in campaign.run(subject, range(args.first, args.first + args.n)):
                outcomes[result.outcome] += 1
                if result.fault:
                    n_faults += 1
                    print(f"{subject.name} {result.seed}: {result.fault}", flush=True)
                    if args.keep:
                        name = f"{subject.name.replace(' ', '-')}-{result.seed}{Path(subject.file_name).suffix}"
                        (args.keep / name).write_bytes(subject.damage(subject.data, result.seed))
            counts = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
            print(f"{subject.name}: {counts}", flush=True)
    return 1 if n_faults else 0


sys.exit(main())
