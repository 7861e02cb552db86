"""Fonts that mean harm: each text appears as OpenType shapes it, and the page answers all the while."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from bench.page import processor_seconds
from support.host_fonts import compile_guest, with_wasm
from support.hostile import HARMS, MODULES, ODDITIES

from browsers.host_page import HostPage
from fontgen.host import limits

MILLISECONDS = 1500  # many times what a text takes, on a machine that others use too
MEGABYTES = 64

# A client with a worker of its own, as the element has; and a clock that sees whether the page is held up.
TRY = """(async ({ address, texts, limits }) => {
    const { FontClient } = await import("./js/client.js");
    const { provider, harfbuzzModule } = await import("./js/provider.js");
    const client = new FontClient(
        { makeWorker: provider.makeWorker, font: () => provider.font(address), harfbuzz: await harfbuzzModule() },
        limits,
    );
    const glyphs = ({ shaped: [run] }) =>
        Array.from(run.glyphs, (id, i) => [id, run.clusters[i], ...run.positions.slice(5 * i, 5 * i + 4)]);
    let slowest = 0;
    let last = performance.now();
    const clock = setInterval(() => {
        const now = performance.now();
        slowest = Math.max(slowest, now - last);
        last = now;
    }, 4);
    const results = [];
    for (const text of texts) {
        const began = performance.now();
        const run = { text, direction: "ltr" };
        const shaped = await client.shape({ runs: [run], features: "kern" });
        const took = performance.now() - began;
        const plain = await client.shape({ runs: [run], features: "kern", shaper: "ot" });
        results.push({
            text, took, shaper: shaped.shaped[0].shaper, glyphs: glyphs(shaped), plain: glyphs(plain),
            restarted: Boolean(shaped.restarted), log: [...client.info.log, ...shaped.log], memory: shaped.memory.guest,
        });
    }
    clearInterval(clock);
    client.close();
    return { results, slowest };
})(argument)"""


class Hostile:
    """Tries texts with a font, in a worker with limits."""

    def __init__(self, page: HostPage):
        self.page = page
        page.reload()
        self.slowest = 0.0

    def shape(self, data: bytes, texts: list[str]) -> list[dict[str, Any]]:
        self.page.put("hostile.ttf", data)
        limits = {"milliseconds": MILLISECONDS, "megabytes": MEGABYTES}
        argument = {"address": "hostile.ttf", "texts": texts, "limits": limits}
        answer = self.page.browser.run(TRY, argument)
        self.slowest = answer["slowest"]
        return answer["results"]


@pytest.fixture
def hostile(host_page: HostPage) -> Hostile:
    return Hostile(host_page)


@pytest.fixture(scope="module")
def hostile_font(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("hostile") / "hostile.wasm"
    return with_wasm(base_path, compile_guest("hostile.c", output))


@pytest.mark.parametrize("letter", [*HARMS, *ODDITIES], ids=[*HARMS.values(), *ODDITIES.values()])
def test_harm_is_bounded(letter: str, hostile_font: bytes, hostile: Hostile) -> None:
    results = hostile.shape(hostile_font, [f"{letter}AVA", "fine, To"])
    for result in results:
        assert result["glyphs"] == result["plain"], result["text"]
        assert result["memory"] <= MEGABYTES << 20
    assert results[1]["shaper"] == "wasm"


def test_a_font_that_never_ends_is_given_up(hostile_font: bytes, hostile: Hostile) -> None:
    results = hostile.shape(hostile_font, ["Loop"] * 6)
    assert all(result["glyphs"] == result["plain"] for result in results)
    # WebKit's workers end a guest themselves; others are ended.
    ends_workers = hostile.page.browser.name != "webkit"
    assert [result["restarted"] for result in results] == [ends_workers] * 3 + [False] * 3
    assert all(result["took"] >= MILLISECONDS for result in results[:3])
    assert all(result["took"] < MILLISECONDS for result in results[3:])
    # Not a matter of speed: a page that waited for its font would have waited this long.
    assert hostile.slowest < MILLISECONDS


def test_a_worker_that_was_ended_does_not_run_on(hostile_font: bytes, hostile: Hostile) -> None:
    """Once a loop has been given up nothing is left of it: another one, here, has the processor for itself."""
    hostile.shape(hostile_font, ["Loop", "fine"])
    time.sleep(1)
    browser, own, end = processor_seconds(), time.process_time(), time.monotonic() + 3
    while time.monotonic() < end:
        pass
    assert processor_seconds() - browser < (time.process_time() - own) / 2


def test_three_traps_are_enough(hostile_font: bytes, hostile: Hostile) -> None:
    results = hostile.shape(hostile_font, ["Trap", "fine"] * 5 + ["Trap"] * 3 + ["fine"])
    assert results[9]["shaper"] == "wasm"  # a success between failures counts
    assert results[-1]["shaper"] == "ot"
    assert all(result["glyphs"] == result["plain"] for result in results)


def test_handles_of_another_call_are_void(hostile_font: bytes, hostile: Hostile) -> None:
    results = hostile.shape(hostile_font, ["Keep", "Use", "Use"])
    assert all(result["glyphs"] == result["plain"] for result in results)


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_are_wrong(name: str, base_path: Path, hostile: Hostile) -> None:
    module = bytes(wasmtime.wat2wasm(MODULES[name]))
    results = hostile.shape(with_wasm(base_path, module), ["AVA, To", "AVA, To"])
    for result in results:
        assert result["glyphs"] == result["plain"], result["log"]


def test_code_that_is_too_much(base_path: Path, hostile: Hostile) -> None:
    """More than CODE_MB is not compiled."""
    most = limits.CODE_MB << 20
    for size, is_refused in ((most, True), (most - 1000, False)):
        body = bytes([0]) + bytes([1]) * size + bytes([0x41, 0, 0x0B])  # nop ..., i32.const 0
        (result,) = hostile.shape(with_wasm(base_path, module_of(body)), ["AVA"])
        assert result["glyphs"] == result["plain"]
        assert any("of code" in line for line in result["log"]) == is_refused, result["log"]


def module_of(body: bytes) -> bytes:
    """A module whose shape() has this body."""

    def sized(data: bytes) -> bytes:
        length, number = b"", len(data)
        while number >= 128:
            length, number = length + bytes([number & 127 | 128]), number >> 7
        return length + bytes([number]) + data

    sections = {
        1: bytes([1, 0x60, 5]) + bytes([0x7F]) * 5 + bytes([1, 0x7F]),
        3: bytes([1, 0]),
        5: bytes([1, 0, 1]),
        7: bytes([2]) + sized(b"memory") + bytes([2, 0]) + sized(b"shape") + bytes([0, 0]),
        10: bytes([1]) + sized(body),
    }
    return b"\0asm\1\0\0\0" + b"".join(bytes([id_]) + sized(data) for id_, data in sections.items())


@pytest.mark.parametrize("data", [b"", b"no font" * 100, b"\0\1\0\0" + bytes(100)])
def test_what_is_no_font(data: bytes, hostile: Hostile) -> None:
    with pytest.raises(Exception, match="not a"):
        hostile.shape(data, ["a"])


def test_a_guest_reaches_nothing_but_the_api(base_path: Path, hostile: Hostile) -> None:
    """33 functions of "env"; no other name of JavaScript's objects is one."""
    for name in ("constructor", "toString", "__proto__", "fetch", "postMessage"):
        text = f'(module (import "env" "{name}" (func $f)) (memory (export "memory") 1) (func (export "shape") (param i32 i32 i32 i32 i32) (result i32) call $f i32.const 1))'  # noqa: E501
        (result,) = hostile.shape(with_wasm(base_path, bytes(wasmtime.wat2wasm(text))), ["AVA"])
        assert result["shaper"] == "ot" and any("do not have" in line for line in result["log"])


def test_20_000_shapes_do_not_grow(host_page: HostPage, font_path: Path) -> None:
    host_page.open_font("font.ttf", font_path.read_bytes())
    sizes = host_page.browser.run(
        """(() => {
            const { font } = host.fonts["font.ttf"];
            const sizes = [];
            for (let i = 0; i < 20000; i++) {
                const text = i % 50 ? `Plain text number ${i}, AVATAR` : `Story ${i}!!!!!!`;
                font.shape(text, { features: i % 3 ? "" : "kern=0" });
                if (i % 5000 === 4999) sizes.push([font.memory.harfbuzz, font.memory.guest]);
            }
            return sizes;
        })()"""
    )
    assert sizes[0] == sizes[-1]
