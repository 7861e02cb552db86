"""``python -m fontgen`` and the command ``fontgen``."""

from __future__ import annotations

import sys

from fontgen.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
