"""The command line: `main` reads it, and each command has a file of its own. It may import every other package."""

from __future__ import annotations

from fontgen.cli.main import main

__all__ = ["main"]
