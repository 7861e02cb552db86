"""What ``fontgen verify`` reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing compared. ``detail`` says what was measured; ``passed`` is None where nothing is right or wrong."""

    name: str
    passed: bool | None
    detail: str
