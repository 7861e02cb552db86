"""``python -m bench``, which is what ``make bench`` runs."""

from __future__ import annotations

import os
import sys


def start() -> int:
    """Run the program on one thread, NumPy's reference too: its libraries read this when loaded."""
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from .program import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
