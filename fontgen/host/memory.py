"""Whether a host has the memory that a font needs."""

from __future__ import annotations

from fontgen.host import limits


def memory_setting(needed: int) -> str | None:
    """The setting without which a font that needs so many bytes stays plain; None where it needs none."""
    if needed <= limits.MEMORY_MB << 20:
        return None
    return f"FONTGEN_WASM_MEMORY_MB={-(-needed >> 20)}"
