"""What the host says of a text: which shaper did the work and why, and the text that a guest showed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime
from support.host_fonts import compile_guest, with_wasm
from support.paths import REPOSITORY

from fontgen.host.native import Observer, Outcome

SHAPE_TYPE = "(param i32 i32 i32 i32 i32) (result i32)"


def observe(
    uharfbuzz: ModuleType, font: bytes, *texts: str, shaper: str | None = None
) -> list[Outcome]:
    """What became of the texts, set one after another in one face."""
    face = uharfbuzz.Face(font)
    table = bytes(face.reference_table("Wasm").data)
    outcomes = []
    observer = Observer()
    for text in texts:
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        with observer:
            uharfbuzz.shape(uharfbuzz.Font(face), buffer, {}, shapers=[shaper] if shaper else None)
        outcomes.append(observer.outcome(table))
    return outcomes


@pytest.fixture(scope="module")
def hostile_font(base_path: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("hostile") / "hostile.wasm"
    return with_wasm(base_path, compile_guest("hostile.c", output))


def test_the_text_that_a_font_shows(uharfbuzz: ModuleType, font_path: Path) -> None:
    """Exactly: with the characters that have no glyph of their own to be recovered from."""
    font = font_path.read_bytes()
    [plain, story] = observe(uharfbuzz, font, "The fox", "The fox!!!!!!")
    assert plain == Outcome("wasm", "", "", "The fox", tuple(range(7)))
    assert (story.shaper, story.reason) == ("wasm", "")
    assert story.shown is not None
    assert story.shown.startswith("The fox\u200b\u200b\u200b ")
    assert len(story.shown) == len(story.clusters)
    # The story belongs to the marks that stand for it.
    assert story.clusters[:10] == tuple(range(10))
    assert set(story.clusters[10:]) == {10, 11, 12}


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        ("T", "it trapped: wasm `unreachable` instruction executed"),
        ("P", "it trapped: out of bounds memory access"),
        ("Z", "its shape() returned 0"),
        ("Y", "its result did not fit into the buffer"),
    ],
)
def test_why_opentype_shaped(
    letter: str, reason: str, uharfbuzz: ModuleType, hostile_font: bytes
) -> None:
    [failed, sound] = observe(uharfbuzz, hostile_font, f"{letter}ava", "ava")
    assert failed == Outcome("ot", reason, "", None, ())
    assert sound == Outcome("wasm", "", "", "ava", (0, 1, 2))


def test_what_the_guest_says_itself(uharfbuzz: ModuleType, hostile_font: bytes) -> None:
    [before, said, later] = observe(uharfbuzz, hostile_font, "ava", "Eva", "ava")
    assert before.message == ""
    assert said.message == later.message == "the weights are damaged"


MODULES = {
    "its program is garbage": (b"garbage", "magic header not detected"),
    "an import that is not there": (
        f"""(module (import "env" "no_such_function" (func $f))
        (func (export "shape") {SHAPE_TYPE} call $f i32.const 1))""",
        "no_such_function",
    ),
    "an import of a memory": (
        f"""(module (import "env" "memory" (memory 1)) (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
        "memory",
    ),
    "no shape()": ("(module)", "it has no function shape() of HarfBuzz's type"),
    "too much memory": (
        f"""(module (memory 60000) (func (export "shape") {SHAPE_TYPE} i32.const 1))""",
        "it wants more memory than the limit of 1024 MB",
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_why_a_program_does_not_run(name: str, uharfbuzz: ModuleType, base_path: Path) -> None:
    """Said for every text, though HarfBuzz tries to load the table but once."""
    source, reason = MODULES[name]
    module = source if isinstance(source, bytes) else bytes(wasmtime.wat2wasm(source))
    for outcome in observe(uharfbuzz, with_wasm(base_path, module), "AVA", "To", "AVA"):
        assert outcome.shaper == "ot"
        assert reason in outcome.reason


def test_a_font_without_a_program(uharfbuzz: ModuleType, base_path: Path) -> None:
    assert observe(uharfbuzz, base_path.read_bytes(), "AVA") == [
        Outcome("ot", "it has no Wasm table", "", None, ())
    ]


def test_opentype_when_asked_for(uharfbuzz: ModuleType, font_path: Path) -> None:
    """Nothing was wrong with the program: it was not asked."""
    [outcome] = observe(uharfbuzz, font_path.read_bytes(), "The fox!!!!!!", shaper="ot")
    assert outcome == Outcome("ot", "", "", None, ())


def test_off(base_path: Path, font_path: Path, host: object) -> None:
    code = f"""
from fontgen.host import native
uharfbuzz = native.load()
face = uharfbuzz.Face(open({str(font_path)!r}, "rb").read())
buffer = uharfbuzz.Buffer(); buffer.add_str("fox!!!!"); buffer.guess_segment_properties()
with native.Observer() as observer:
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
print(observer.outcome(bytes(face.reference_table("Wasm").data)).reason)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "FONTGEN_WASM": "off"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "FONTGEN_WASM lets no Wasm font run\n"


def test_threads_have_observers_of_their_own(uharfbuzz: ModuleType, hostile_font: bytes) -> None:
    results: dict[str, Outcome] = {}

    def shape(text: str) -> None:
        [*_, results[text]] = observe(uharfbuzz, hostile_font, *[text] * 200)

    threads = [threading.Thread(target=shape, args=(text,)) for text in ("ava", "to be", "NABC")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {text: outcome.shown for text, outcome in results.items()} == {
        "ava": "ava",
        "to be": "to be",
        "NABC": None,  # glyphs of its own making
    }
