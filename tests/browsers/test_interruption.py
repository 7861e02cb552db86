"""Modules whose loops can be ended: they do what they did before, and ask now and then whether to go on."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wasmtime

from browsers.host_page import HostPage
from browsers.test_host import assert_equal, features_of, random_text

# Runs a module whose function() would not end, until it has asked that often.
RUN = """(async ({ bytes, calls }) => {
    const { interruptible, START_EXPORT, TABLE_EXPORT } = await import("./js/interruption.js");
    const { wasmFunction } = await import("./js/wasm-binary.js");
    const before = Uint8Array.from(bytes);
    if (!WebAssembly.validate(before)) return "the browser does not know it";
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(interruptible(before)), {});
    let called = 0;
    exports[TABLE_EXPORT].set(0, wasmFunction(() => Number(++called === calls), [], ["i32"]));
    try {
        exports[START_EXPORT]?.();
        return { result: exports.function?.(), called };
    } catch (error) {
        return error instanceof WebAssembly.RuntimeError ? "ended" : error.message;
    }
})(argument)"""

ENDLESS = {
    "a loop": '(module (func (export "function") (loop br 0)))',
    "a loop with values": """(module (func (export "function") (result i32)
        i32.const 1 (loop (param i32) (result i32) i32.const 1 i32.add br 0)))""",
    "a loop in a loop": """(module (func (export "function") (local i32) (loop
        i32.const 9 local.set 0
        (loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0) br 0)))""",
    "calls": """(module (func $f (export "function") (local i32)
        call $g call $g)
        (func $g call $h call $h call $h call $h) (func $h call $i call $i call $i call $i)
        (func $i call $j call $j call $j call $j) (func $j call $k call $k call $k call $k)
        (func $k call $l call $l call $l call $l) (func $l call $m call $m call $m call $m)
        (func $m call $n call $n call $n call $n) (func $n call $o call $o call $o call $o)
        (func $o call $p call $p call $p call $p) (func $p call $q call $q call $q call $q) (func $q))""",
    "calls by way of a table": """(module (table 1 funcref) (elem (i32.const 0) $g) (type $t (func)) (func $g)
        (func (export "function") (loop i32.const 0 call_indirect (type $t) br 0)))""",
    "tail calls": '(module (func $f (export "function") return_call $f))',
    "a start function": "(module (func $f (loop br 0)) (start $f))",
    "a grown memory": """(module (memory 1) (func (export "function")
        (loop i32.const 1 memory.grow drop br 0)))""",
}
# One of each kind of instruction, by what follows its opcode.
KINDS = """(module
    (type $t (func (param i32) (result i32)))
    (memory 1) (table $table 4 funcref) (global $g (mut i64) (i64.const 5))
    (elem $e func $twice) (data $d "abc") (elem declare func $twice)
    (func $twice (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
    (func (export "function") (result i32) (local $x i32) (local $f f64) (local $v v128)
        f64.const 2.5 local.set $f
        f32.const 1.5 drop
        i32.const 0 i32.const 0 i32.const 3 memory.init $d
        data.drop $d
        i32.const 8 i32.const 0 i32.const 3 memory.copy
        i32.const 16 i32.const 7 i32.const 9 memory.fill
        i32.const 0 i32.const 0 i32.const 1 table.init $table $e
        elem.drop $e
        i32.const 1 i32.const 0 i32.const 1 table.copy $table $table
        ref.null func i32.const 1 table.grow $table drop
        i32.const 2 ref.func $twice i32.const 1 table.fill $table
        i32.const 1 table.get $table ref.is_null drop
        i32.const 3 ref.null func table.set $table
        table.size $table drop memory.size drop
        i32.const 3 i32.const 2 call_indirect $table (type $t) local.set $x
        (block $out (block $in local.get $x (br_table $in $out $in)))
        i32.const 1 i32.const 2 i32.const 0 select drop
        ref.null func ref.null func i32.const 0 select (result funcref) drop
        (if (result i32) (local.get $x) (then i32.const 1) (else i32.const 2)) drop
        local.get $f i32.trunc_sat_f64_s drop
        local.get $x i32.extend8_s drop
        i64.const -1234567890123 global.get $g i64.add global.set $g
        v128.const i32x4 1 2 3 4 local.set $v
        local.get $v local.get $v i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 local.set $v
        local.get $v i32x4.extract_lane 1 drop
        local.get $v i32.const 9 i32x4.replace_lane 2 local.set $v
        i32.const 0 local.get $v v128.store8_lane offset=4 3
        i32.const 0 v128.load32_zero offset=60000 align=1 drop
        i32.const 0 local.get $v v128.load16_lane 2 drop
        local.get $v local.get $v i32x4.dot_i16x8_s drop
        i32.const 8 i32.load8_u offset=1 local.get $x i32.add))"""


def module(text: str) -> list[int]:
    return list(wasmtime.wat2wasm(text))


@pytest.fixture
def page(host_page: HostPage) -> HostPage:
    host_page.reload()
    return host_page


@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end_can_be_ended(name: str, page: HostPage) -> None:
    answer = page.browser.run(RUN, {"bytes": module(ENDLESS[name]), "calls": 3})
    if answer == "the browser does not know it":
        pytest.skip(answer)
    assert answer == "ended"


def test_every_kind_of_instruction(page: HostPage) -> None:
    bytes_ = module(KINDS)
    # 0x62, the second letter of the data, and twice three.
    assert page.browser.run(RUN, {"bytes": bytes_, "calls": 10**9})["result"] == 0x62 + 6


def test_long_code_counts(page: HostPage) -> None:
    """Without a loop, too: each thousand instructions are a turn."""
    added = page.browser.run(
        """(async (modules) => {
            const { interruptible } = await import("./js/interruption.js");
            return modules.map((bytes) => interruptible(Uint8Array.from(bytes)).length - bytes.length);
        })(argument)""",
        [module(f"(module (func {'nop ' * count}))") for count in (10, 5010)],
    )
    one_turn = 14
    assert added[1] - added[0] >= 5 * one_turn


def test_types_that_are_not_known_are_refused(page: HostPage) -> None:
    """And what does not load is shown by OpenType."""
    text = "(module (type $a (array i8)) (func (param (ref null $a)) (local (ref null $a))))"
    with pytest.raises(Exception, match="not known"):
        page.browser.run(
            RUN.replace("WebAssembly.validate(before)", "true"), {"bytes": module(text), "calls": 1}
        )


@pytest.mark.parametrize("flavour", ["simd128", "portable"])
def test_the_same_glyphs(
    host_page: HostPage,
    uharfbuzz: ModuleType,
    font_path: Path,
    portable_font_path: Path,
    flavour: str,
) -> None:
    path = font_path if flavour == "simd128" else portable_font_path
    source = random.Random(flavour)
    cases: list[Any] = [
        {"text": random_text(source), "features": features_of(source)} for _ in range(100)
    ]
    assert_equal(host_page, uharfbuzz, path.read_bytes(), cases, interruptible=True)
