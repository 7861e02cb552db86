"""What a shaper is compiled for."""

from __future__ import annotations

from fontgen.shapers.binary import without_custom_section

FLAVOURS = ("simd128", "portable")
"""simd128: needs a runtime with SIMD128. portable: every runtime that HarfBuzz's documentation builds."""
UNIVERSAL = "universal"
"""The portable module with the simd128 one in a custom section, which our host runs instead."""
MODULES = (UNIVERSAL, *FLAVOURS)
"""What can stand in a font's ``Wasm`` table."""
SIMD_SECTION = "simd128"
"""Name of that section. A runtime that does not know it must ignore it (core specification, 2.5.9)."""


def quickest_module(module: bytes) -> bytes:
    """The module that a host with SIMD128 runs of what stands in a font's ``Wasm`` table."""
    outer, inner = without_custom_section(module, SIMD_SECTION)
    return inner or outer
