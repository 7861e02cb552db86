"""Fonts that mean harm, or are broken: the program lives and the text appears as OpenType shapes it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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
    """It costs one time limit a minute."""
    results = shape_texts(hostile_font, ["Loop"] * 6, tmp_path, **LIMITS)
    assert all(result["glyphs"] == result["opentype"] for result in results)
    assert [result["ms"] > TIMEOUT_MS / 2 for result in results] == [True] + [False] * 5


@pytest.mark.parametrize("letter", "XY", ids=["a returned 0", "a refused result"])
def test_a_guest_that_works_in_vain_is_given_up(
    letter: str, hostile_font: bytes, host: object, tmp_path: Path
) -> None:
    """After three texts that it had to be helped with, though it never trapped."""
    results = shape_texts(
        hostile_font, [letter] * 8, tmp_path, **{**LIMITS, "FONTGEN_WASM_TIMEOUT_MS": "20000"}
    )
    assert all(result["glyphs"] == result["opentype"] for result in results)
    worked, rested = results[:3], results[3:]
    assert min(r["ms"] for r in worked) > 4 * max(r["ms"] for r in rested)


@pytest.mark.parametrize(
    "module",
    [
        """(module (func $s (loop br 0)) (start $s)
            (func (export "shape_plan_create") (param i32) (result i32) i32.const 1)
            (func (export "shape") (param i32 i32 i32 i32 i32) (result i32) i32.const 1))""",
        """(module (memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) i32.const 1024)
            (func (export "free") (param i32) (loop br 0))
            (func (export "shape") (param i32 i32 i32 i32 i32) (result i32) i32.const 1))""",
        """(module (memory (export "memory") 1)
            (func (export "malloc") (param i32) (result i32) (loop br 0) i32.const 8)
            (func (export "free") (param i32) (loop br 0))
            (func (export "shape") (param i32 i32 i32 i32 i32) (result i32) (loop br 0) i32.const 1))""",
    ],
    ids=["start", "free", "everything"],
)
def test_all_of_a_call_has_one_time_limit(
    module: str, base_path: Path, host: object, tmp_path: Path
) -> None:
    """Start function, memory for the features, shape(), and freeing them again: together."""
    font = with_wasm(base_path, bytes(wasmtime.wat2wasm(module)))
    results = shape_texts(
        font, ["AVA"] * 3, tmp_path, **{**LIMITS, "FONTGEN_WASM_TIMEOUT_MS": "2000"}
    )
    assert 1900 < results[0]["ms"] < 3800
    assert max(result["ms"] for result in results[1:]) < 1000


def test_clusters_past_the_text_are_clipped(base_path: Path, host: object, tmp_path: Path) -> None:
    """Four public fonts count what they put out: they are shown, and every cluster is one of the text's."""
    font = with_wasm(base_path, compile_guest("twice.c", tmp_path / "twice.wasm"))
    characters = TTFont(base_path).getBestCmap()
    order = TTFont(base_path).getReverseGlyphMap()
    text = "Fox"
    [result] = shape_texts(font, [text], tmp_path)
    expected = [order[characters[ord(character)]] for character in text]
    assert [glyph for glyph, *_ in result["glyphs"]] == expected * 2
    assert [advance for _, _, advance, _ in result["glyphs"]] == [500] * 6
    assert [cluster for _, cluster, *_ in result["glyphs"]] == [0, 1, 2, 2, 2, 2]


def test_clusters_between_the_texts_own_belong_to_the_one_before(
    base_path: Path, uharfbuzz: ModuleType, tmp_path: Path
) -> None:
    """Programs that count in bytes of UTF-8 would look into the middle of a character."""
    font_data = with_wasm(base_path, compile_guest("twice.c", tmp_path / "twice.wasm"))
    font = uharfbuzz.Font(uharfbuzz.Face(font_data))
    buffer = uharfbuzz.Buffer()
    buffer.add_utf8("éaé".encode())  # clusters 0, 2, 3
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    assert [info.cluster for info in buffer.glyph_infos] == [0, 0, 2, 3, 3, 3]


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


def test_a_program_that_was_compiled_late_gets_its_shape_plan(
    base_path: Path, host: object, tmp_path: Path
) -> None:
    """HarfBuzz asks for the plan once, when there was no instance yet to make it in."""
    body = "".join(
        f"(if (local.get {i % 900}) (then (local.set 1 (local.get {i % 800}))))"
        for i in range(3000)
    )
    module = wasmtime.wat2wasm(
        f"""(module
        (import "env" "buffer_set_contents" (func $set (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\\01\\00\\00\\00\\10\\00\\00\\00\\40\\00\\00\\00")
        (func (export "slow") (param i32) (local {"i32 " * 1000}) (loop {body} (br_if 0 (local.get 5))))
        (func (export "shape_plan_create") (param i32) (result i32) i32.const 4711)
        (func (export "shape") {SHAPE_TYPE}
            (if (i32.ne (local.get 0) (i32.const 4711)) (then unreachable))
            (i32.store (i32.const 16) (i32.const 7))
            local.get 2 i32.const 0 call $set))"""
    )
    path = tmp_path / "font.ttf"
    path.write_bytes(with_wasm(base_path, bytes(module)))
    code = f"""
import time
from fontgen.host import native
uharfbuzz = native.load()
font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path({str(path)!r})))
started = time.monotonic()
while time.monotonic() - started < 60:
    buffer = uharfbuzz.Buffer(); buffer.add_str("AVA"); buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    print([info.codepoint for info in buffer.glyph_infos])
    if len(buffer) == 1:
        break
    time.sleep(0.05)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "FONTGEN_WASM_TIMEOUT_MS": "10",
            "FONTGEN_WASM_CACHE": "off",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    first, *_, last = done.stdout.splitlines()
    assert first != "[7]"
    assert last == "[7]"


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
