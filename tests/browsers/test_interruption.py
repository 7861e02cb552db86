"""Modules whose loops can be ended: they do what they did before, and ask now and then whether to go on."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wasmtime

from browsers.host_page import HostPage
from browsers.test_host import SCRIPTS, assert_equal, features_of, random_text

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


LONG = {
    "a function that is called": """(module (func $f {code})
        (func (export "function") (local i32) (loop
        call $f local.get 0 i32.const 1 i32.add local.tee 0 i32.const 100000 i32.lt_u br_if 0)))""",
    "a loop": """(module (func (export "function") (local i32) (loop {code}
        local.get 0 i32.const 1 i32.add local.tee 0 i32.const 100000 i32.lt_u br_if 0)))""",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("thousands", [5, 300])
def test_long_code_counts(name: str, thousands: int, page: HostPage) -> None:
    """Each thousand instructions are asked about as often as a turn of a loop is."""
    few, many = (
        page.browser.run(
            RUN,
            {
                "bytes": module(LONG[name].format(code="nop " * (1024 * count))),
                "calls": 10**9,
            },
        )["called"]
        for count in (0, thousands)
    )
    assert few <= 4
    expected = thousands * 100_000 / 65536
    assert expected - 1 <= many <= 1.5 * expected + 4


# What f(n) returns depends on the ways by which it leaves its blocks and loops: $sum says which.
BRANCHES = """(module (func $f (param $n i32) (result i32) (local $i i32) (local $sum i32)
    (block $done (result i32)
        (loop $outer (result i32)
            (block $next
                (block $out
                    (loop $inner
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (drop (br_if $done (local.get $sum) (i32.gt_u (local.get $i) (i32.const 1000))))
                        (local.set $sum (i32.add (local.get $n)
                            (i32.mul (i32.add (local.get $sum) (local.get $i)) (i32.const 0x9E3779B1))))
                        (if (i32.lt_s (local.get $sum) (i32.const 0)) (then
                            (br_table $inner $next $out $outer
                                (i32.shr_u (i32.shl (local.get $sum) (i32.const 8)) (i32.const 30)))))
                        (local.get $sum)
                        (loop $shift (param i32) (result i32)
                            (local.set $sum (i32.shr_u (i32.const 3)))
                            (br_if $shift (local.get $sum) (i32.gt_u (local.get $sum) (i32.const 0x10000))))
                        (drop)
                        (br_if $inner (i32.and (local.get $sum) (i32.const 1)))
                        (br_if $outer (i32.and (local.get $sum) (i32.const 2)))))
                (local.set $sum (i32.add (local.get $sum) (i32.const 11))))
            (local.set $sum (i32.mul (local.get $sum) (i32.const 5)))
            (br $outer))))
    (func (export "function") (result i32) (local $n i32) (local $sum i32)
        (loop
            (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (call $f (local.get $n))))
            (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300))))
        (local.get $sum)))"""


def test_branches_go_where_they_went(page: HostPage) -> None:
    """Out of blocks, out of loops and back to their heads, as wasmtime runs them."""
    bytes_ = module(BRANCHES)
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, bytes(bytes_)), [])
    expected = instance.exports(store)["function"](store)  # type: ignore[operator]
    answer = page.browser.run(RUN, {"bytes": bytes_, "calls": 10**9})
    assert answer["result"] == expected and answer["called"] > 0


HARFBUZZ = """(async (texts) => {
    const { interruptible, TABLE_EXPORT } = await import("./js/interruption.js");
    const { HarfBuzz } = await import("./js/harfbuzz.js");
    const { wasmFunction } = await import("./js/wasm-binary.js");
    const { WasmFont } = await import("./js/wasm-font.js");
    const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
    const binary = await bytes("harfbuzz.wasm");
    let asked = 0;
    const answer = wasmFunction(() => 0 * ++asked, [], ["i32"]);
    const { Instance } = WebAssembly;
    WebAssembly.Instance = function (...parameters) {
        const made = new Instance(...parameters);
        made.exports[TABLE_EXPORT]?.set(0, answer);
        return made;
    };
    const [plain, paying] = [binary, interruptible(binary)].map((code) => new HarfBuzz(new WebAssembly.Module(code)));
    WebAssembly.Instance = Instance;
    const fonts = await Promise.all([plain, paying].map(async (hb) => new WasmFont(hb, await bytes("base.ttf"))));
    const shaped = (font) => JSON.stringify(texts.map((text) => {
        const { infos, positions } = font.shape(text);
        return [[...infos], [...positions], font.path(infos[0])];
    }));
    return { same: shaped(fonts[0]) === shaped(fonts[1]), asked };
})(argument)"""


def test_harfbuzz_itself(page: HostPage, dejavu: bytes) -> None:
    """A module of 800 KB, with loops and branches of all kinds, shapes as before."""
    page.put("base.ttf", dejavu)
    source = random.Random(7)
    texts = [random_text(source) for _ in range(100)] + list(SCRIPTS.values())
    answer = page.browser.run(HARFBUZZ, texts)
    assert answer["same"] and answer["asked"] > 10


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
