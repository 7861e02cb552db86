"""How 4-bit integers may be chosen: the names, for the configuration and the command line."""

from __future__ import annotations

from typing import Literal, get_args

Method = Literal["gptq", "search", "absmax"]
"""``gptq`` fits the weights to text that the model writes itself, ``search`` takes the scales of least squared error of
the weights, ``absmax`` rounds to nearest."""
METHODS: tuple[str, ...] = get_args(Method)
