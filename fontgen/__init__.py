"""fontgen compiles a small Llama model and a base font into a font that continues your text."""

from __future__ import annotations

__version__ = "0.1.0"
