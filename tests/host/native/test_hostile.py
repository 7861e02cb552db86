"""Fonts that mean harm, or are broken: the program lives and the text appears as OpenType shapes it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from fontTools.ttLib import TTFont
from support.host_fonts import SOURCES, compile_guest, shape_texts, with_wasm
from support.hostile import HARMS, MODULES, ODDITIES, SHAPE_TYPE
from support.paths import REPOSITORY

TIMEOUT_MS = 200
LIMITS = {"FONTGEN_WASM_TIMEOUT_MS": str(TIMEOUT_MS), "FONTGEN_WASM_MEMORY_MB": "64"}

@pytest.fixture(scope="module")
def hostile_font(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("hostile") / "hostile.wasm"
    return with_wasm(base_path, compile_guest("hostile.c", output))


@pytest.mark.parametrize("letter", [*HARMS, *ODDITIES], ids=[*HARMS.values(), *ODDITIES.values()])
def test_harm_is_bounded(letter: str, hostile_font: bytes, host: object, tmp_path: Path) -> None:
    """Alone, and then the next text on the same face."""
    results = shape_texts(hostile_font, [f"{letter}AVA", "AVA, To"], tmp_path, **LIMITS)
    for result in results:
        assert result["glyphs"] == result["opentype"], result["text"]
    # 50 ms beyond the limit on an idle machine; this one may be busy.
    assert results[0]["ms"] < TIMEOUT_MS + 500
    assert results[1]["ms"] < TIMEOUT_MS


def test_a_font_that_never_ends_is_given_up(
    hostile_font: bytes, host: object, tmp_path: Path
) -> None:
    results = shape_texts(hostile_font, ["Loop"] * 6, tmp_path, **LIMITS)
    assert all(result["glyphs"] == result["opentype"] for result in results)
    assert [result["ms"] > TIMEOUT_MS / 2 for result in results] == [True] * 3 + [False] * 3


def test_a_success_between_failures_counts(
    hostile_font: bytes, host: object, tmp_path: Path
) -> None:
    texts = ["Trap", "fine"] * 5 + ["NABC"]
    results = shape_texts(hostile_font, texts, tmp_path, **LIMITS)
    # The last is shaped by the guest still: clusters it made go back and forth, and are merged.
    assert [glyph for glyph, *_ in results[-1]["glyphs"]] == [5, 6, 7, 8]
    assert [cluster for _, cluster, *_ in results[-1]["glyphs"]] == [0, 0, 0, 0]


def test_handles_of_another_call_are_void(
    hostile_font: bytes, host: object, tmp_path: Path
) -> None:
    results = shape_texts(hostile_font, ["Keep", "Use", "Use"], tmp_path, **LIMITS)
    assert all(result["glyphs"] == result["opentype"] for result in results)


@pytest.mark.parametrize("name", MODULES)
def test_module_that_does_not_fit(name: str, base_path: Path, host: object, tmp_path: Path) -> None:
    font = with_wasm(base_path, bytes(wasmtime.wat2wasm(MODULES[name])))
    results = shape_texts(font, ["AVA, To", "AVA"], tmp_path, **LIMITS)
    for result in results:
        assert result["glyphs"] == result["opentype"]
        assert result["ms"] < TIMEOUT_MS + 500


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\0",
        b"\0asm",
        b"\0asm\1\0\0\0",
        b"\0asm\1\0\0\0\0\xff\xff\xff\xff\x0f",
        bytes(100_000),
    ],
    ids=["empty", "one byte", "cut", "empty module", "section beyond the end", "zeros"],
)
def test_garbage_in_the_table(table: bytes, base_path: Path, host: object, tmp_path: Path) -> None:
    for result in shape_texts(with_wasm(base_path, table), ["AVA"], tmp_path, **LIMITS):
        assert result["glyphs"] == result["opentype"]


def test_oversized_code(base_path: Path, host: object, tmp_path: Path) -> None:
    """More code than FONTGEN_WASM_CODE_MB is not even looked at."""
    body = "(drop (i32.const 123456789))" * 400_000
    module = wasmtime.wat2wasm(
        f'(module (memory (export "memory") 1) (func (export "shape") {SHAPE_TYPE} {body} i32.const 1))'
    )
    [result] = shape_texts(
        with_wasm(base_path, bytes(module)), ["AVA"], tmp_path, FONTGEN_WASM_CODE_MB="1"
    )
    assert result["glyphs"] == result["opentype"]
    assert result["ms"] < 200


def test_code_that_takes_long_to_compile(base_path: Path, host: object, tmp_path: Path) -> None:
    """It is compiled beside the program, which waits no longer than the time limit."""
    choose = random.Random(1).randrange
    body = "".join(
        f"(if (local.get {choose(3000)}) (then (local.set {choose(3000)}"
        f" (i32.add (local.get {choose(3000)}) (local.get {choose(3000)})))))"
        for _ in range(4000)
    )
    module = wasmtime.wat2wasm(
        f"""(module (func (export "shape") {SHAPE_TYPE} (local {"i32 " * 3000})
            (loop {body} (br_if 0 (local.get 5))) i32.const 1))"""
    )
    font = with_wasm(base_path, bytes(module))
    # Nothing from an earlier run, and nothing for a later one.
    results = shape_texts(font, ["AVA", "To"], tmp_path, **LIMITS, FONTGEN_WASM_CACHE="off")
    for result in results:
        assert result["glyphs"] == result["opentype"]
    assert results[0]["ms"] < TIMEOUT_MS + 500
    assert results[1]["ms"] < 100


def test_next_font_is_unaffected(
    hostile_font: bytes, base_path: Path, host: object, tmp_path: Path
) -> None:
    """A guest that is given up takes no other face with it, not even one of the same font."""
    shape_texts(hostile_font, ["Trap"] * 5, tmp_path, **LIMITS)
    results = shape_texts(hostile_font, ["NABC"], tmp_path, **LIMITS)
    assert [glyph for glyph, *_ in results[0]["glyphs"]] == [5, 6, 7, 8]


def test_limited_address_space(hostile_font: bytes, host: object, tmp_path: Path) -> None:
    """Under `ulimit -v`, with too little room for Wasmtime and with enough."""

    path = tmp_path / "font.ttf"
    path.write_bytes(hostile_font)
    for kilobytes in (300_000, 1_000_000, 3_000_000):
        command = [sys.executable, str(SOURCES / "shape_texts.py"), str(path), "AVA", "Grow"]
        done = subprocess.run(
            ["sh", "-c", f'ulimit -v {kilobytes} && exec "$@"', "sh", *command],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (kilobytes, done.stderr)


def test_base_font_has_no_wasm(base_path: Path) -> None:
    assert "Wasm" not in TTFont(base_path)
