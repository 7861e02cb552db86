"""The language model's shaper, compiled."""

from __future__ import annotations

from fontgen.llama import trace
from fontgen.llama.tables.describe import c_header
from fontgen.shapers import compiler

PROGRAM = "llama"
"""Its folder in ``wasm/``."""


def headers() -> dict[str, str]:
    """The C headers that the shaper's sources include and that are written from Python."""
    return {"font_tables.h": c_header(), "trace_layout.h": trace.c_header()}


def shaper_module(flavour: str) -> bytes:
    """See `fontgen.shapers.compiler.shaper_module`."""
    return compiler.shaper_module(PROGRAM, flavour, headers())
