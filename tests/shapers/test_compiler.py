"""The compiled module itself: what it asks of a host, and how two flavours travel as one."""

from __future__ import annotations

import pytest
import wasmtime
from hypothesis import given
from hypothesis import strategies as st

from fontgen.errors import FontgenError
from fontgen.llama.shaper import shaper_module
from fontgen.shapers.binary import with_custom_section, without_custom_section
from fontgen.shapers.flavours import FLAVOURS, SIMD_SECTION, UNIVERSAL

HARFBUZZ_8_IMPORTS = {
    "buffer_copy_contents", "buffer_set_contents", "font_get_face", "face_copy_table", "shape_with", "debugprint",
}  # fmt: skip
EMPTY_MODULE = b"\0asm\1\0\0\0"


@pytest.mark.parametrize("flavour", [UNIVERSAL, *FLAVOURS])
def test_a_module_imports_only_what_harfbuzz_8_has(flavour):
    module = wasmtime.Module(wasmtime.Engine(), shaper_module(flavour))
    assert {(item.module, item.name) for item in module.imports} == {
        ("env", name) for name in HARFBUZZ_8_IMPORTS
    }
    exports = {item.name for item in module.exports}
    assert {"shape", "memory", "malloc", "free"} <= exports
    assert "__heap_base" not in exports


@pytest.mark.parametrize("flavour", [UNIVERSAL, *FLAVOURS])
def test_only_the_simd128_flavour_needs_simd(flavour):
    config = wasmtime.Config()
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    engine = wasmtime.Engine(config)
    if flavour == "simd128":
        with pytest.raises(wasmtime.WasmtimeError, match="SIMD"):
            wasmtime.Module(engine, shaper_module(flavour))
    else:
        wasmtime.Module(engine, shaper_module(flavour))


def test_the_universal_module_is_both():
    outer, inner = without_custom_section(shaper_module(UNIVERSAL), SIMD_SECTION)
    assert (outer, inner) == (shaper_module("portable"), shaper_module("simd128"))


@given(payload=st.binary(max_size=40_000), name=st.sampled_from(["a", "simd128", "n" * 130]))
def test_a_custom_section_comes_off_again(payload, name):
    module = with_custom_section(EMPTY_MODULE, name, payload)
    wasmtime.Module(wasmtime.Engine(), module)
    assert without_custom_section(module, name) == (EMPTY_MODULE, payload)
    assert without_custom_section(module, "other") == (module, None)


@given(data=st.binary(max_size=60))
def test_nonsense_has_no_custom_section(data):
    without_custom_section(data, SIMD_SECTION)
    without_custom_section(EMPTY_MODULE + data, SIMD_SECTION)


def test_an_unknown_flavour():
    with pytest.raises(FontgenError, match="'mmx'"):
        shaper_module("mmx")
