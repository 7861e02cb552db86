"""The adapter's variables and files: each does what fontgen/host/native/README.md says."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from support.host_fonts import SOURCES, shape_texts, with_wasm
from support.paths import REPOSITORY

SHAPE_TYPE = "(param i32 i32 i32 i32 i32) (result i32)"


def mark_module(glyph: int, custom: bytes = b"") -> bytes:
    """A module that shapes every text as that one glyph, and has ``custom`` at its end."""
    module = wasmtime.wat2wasm(
        f"""(module
        (import "env" "buffer_set_contents" (func $set (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\\01\\00\\00\\00\\10\\00\\00\\00\\40\\00\\00\\00")
        (func (export "shape") {SHAPE_TYPE}
            (i32.store (i32.const 16) (i32.const {glyph}))
            local.get 2 i32.const 0 call $set))"""
    )
    return bytes(module) + custom


def simd_module(glyph: int) -> bytes:
    """The same with a SIMD instruction in it."""
    module = wasmtime.wat2wasm(
        f"""(module
        (import "env" "buffer_set_contents" (func $set (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\\01\\00\\00\\00\\10\\00\\00\\00\\40\\00\\00\\00")
        (func (export "shape") {SHAPE_TYPE}
            (v128.store (i32.const 16) (i32x4.splat (i32.const {glyph})))
            (i64.store (i32.const 24) (i64.const 0))
            local.get 2 i32.const 0 call $set))"""
    )
    return bytes(module)


def leb128(value: int) -> bytes:
    output = bytearray()
    while value > 0x7F:
        output.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*output, value])


def custom_section(name: str, payload: bytes) -> bytes:
    content = leb128(len(name)) + name.encode() + payload
    return b"\0" + leb128(len(content)) + content


def shown(base: Path, module: bytes, tmp_path: Path, **environment: str) -> int | str:
    """The one glyph that the guest shows, or "opentype"."""
    environment.setdefault("FONTGEN_WASM_CACHE", str(tmp_path / "compiled"))
    [result] = shape_texts(with_wasm(base, module), ["AVA"], tmp_path, **environment)
    if result["glyphs"] == result["opentype"]:
        return "opentype"
    [glyph] = result["glyphs"]
    return glyph[0]


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (b"", 7),
        (custom_section("simd128", simd_module(8)), 8),
        (custom_section("name", b"\0") + custom_section("simd128", simd_module(8)), 8),
        (custom_section("simd128", b"not a module"), 7),
        (custom_section("simd128", b""), 7),
        (custom_section("simd128", simd_module(8)[:-3]), 7),
        (custom_section("simd", simd_module(8)), 7),
        (custom_section("simd128", mark_module(8, custom_section("simd128", simd_module(9)))), 8),
    ],
    ids="none inner second-section garbage empty cut other-name nested".split(),
)
def test_simd_section(
    sections: bytes, expected: int, base_path: Path, host: object, tmp_path: Path
) -> None:
    """A valid module in a section "simd128" runs instead, the first time and from the cache."""
    for _ in range(2):
        assert shown(base_path, mark_module(7, sections), tmp_path) == expected


def test_off_switch(base_path: Path, host: object, tmp_path: Path) -> None:
    for value in ("0", "off", "OFF", "no", "false", "disabled"):
        assert shown(base_path, mark_module(7), tmp_path, FONTGEN_WASM=value) == "opentype"
    for value in ("1", "on", "YES", "true", "enabled", ""):
        assert shown(base_path, mark_module(7), tmp_path, FONTGEN_WASM=value) == 7


def said(base_path: Path, module: bytes, tmp_path: Path, *texts: str, **settings: str) -> list[str]:
    """The lines on stderr of a program that shapes the texts."""
    path = tmp_path / "font.ttf"
    path.write_bytes(with_wasm(base_path, module))
    done = subprocess.run(
        [sys.executable, str(SOURCES / "shape_texts.py"), str(path), *texts],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("name", "value", "consequence"),
    [
        ("FONTGEN_WASM", "none", "no Wasm font runs"),
        ("FONTGEN_WASM", "list", "no Wasm font runs"),
        ("FONTGEN_WASM_TIMEOUT_MS", "2s", "taken for 5000"),
        ("FONTGEN_WASM_TIMEOUT_MS", "-1", "taken for 5000"),
        ("FONTGEN_WASM_MEMORY_MB", "64MB", "taken for 1024"),
        ("FONTGEN_WASM_CODE_MB", "many", "taken for 4"),
        ("FONTGEN_WASM_SIGNALS", "never", "taken for 1"),
        ("FONTGEN_WASM_TRACE", "a little", "taken for 0"),
        ("FONTGEN_WASM_CACHE", "compiled", "no cache of compiled modules"),
    ],
)
def test_a_setting_that_is_not_understood(
    name: str, value: str, consequence: str, base_path: Path, host: object, tmp_path: Path
) -> None:
    """It is said, once, and what follows is the safe side."""
    lines = said(base_path, mark_module(7), tmp_path, "AVA", "To", **{name: value})
    assert lines == [f"fontgen-wasm: {name}={value} is not understood: {consequence}"]
    if name == "FONTGEN_WASM":
        path = tmp_path / "font.ttf"
        done = subprocess.run(
            [sys.executable, str(SOURCES / "shape_texts.py"), str(path), "AVA"],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), name: value},
            capture_output=True,
            text=True,
            check=True,
        )
        [result] = json.loads(done.stdout)
        assert result["glyphs"] == result["opentype"]


def test_allow_list(base_path: Path, host: object, tmp_path: Path) -> None:
    module = mark_module(7)
    allowed = tmp_path / "allowed"
    settings = {"FONTGEN_WASM": "LISTED", "FONTGEN_WASM_LIST": str(allowed)}
    assert shown(base_path, module, tmp_path, **settings) == "opentype"
    allowed.write_text("# fonts I trust\n" + "0" * 64 + "\n")
    assert shown(base_path, module, tmp_path, **settings) == "opentype"
    allowed.write_text(allowed.read_text() + hashlib.sha256(module).hexdigest() + "  my font\n")
    assert shown(base_path, module, tmp_path, **settings) == 7


@pytest.mark.parametrize("home", ["fresh", "it's a home"])
def test_ask_says_how_to_allow(home: str, base_path: Path, host: object, tmp_path: Path) -> None:
    """By a command that works in a home where nothing has been configured yet."""
    module = mark_module(7)
    (tmp_path / home).mkdir()
    settings = {"FONTGEN_WASM": "Ask", "HOME": str(tmp_path / home), "XDG_CONFIG_HOME": ""}
    settings["FONTGEN_HOST_DIR"] = str(host.directory.parent)  # type: ignore[attr-defined]
    lines = said(base_path, module, tmp_path, "AVA", "To", **settings)
    [command] = [line.split("to allow it: ")[1] for line in lines]
    subprocess.run(command, shell=True, check=True)
    listed = tmp_path / home / ".config" / "fontgen" / "wasm-allowed"
    assert listed.read_text() == hashlib.sha256(module).hexdigest() + "\n"
    assert shown(base_path, module, tmp_path, **settings) == 7
    assert said(base_path, module, tmp_path, "AVA", **settings) == []


def test_cache_of_compiled_modules(base_path: Path, host: object, tmp_path: Path) -> None:
    """One private file; a damaged one is written anew; other settings have a file of their own."""
    cache = tmp_path / "compiled"
    module = mark_module(7)
    assert shown(base_path, module, tmp_path) == 7
    [file] = cache.iterdir()
    assert cache.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600

    sound = file.read_bytes()
    for damaged in (
        sound[: len(sound) // 2],
        sound[:5000] + bytes([sound[5000] ^ 1]) + sound[5001:],
        b"",
        b"x" * 10_000,
    ):
        file.write_bytes(damaged)
        assert shown(base_path, module, tmp_path) == 7
        assert file.read_bytes() == sound

    assert shown(base_path, module, tmp_path, FONTGEN_WASM_TIMEOUT_MS="0") == 7
    assert len(list(cache.iterdir())) == 2


def test_cache_that_others_may_write_is_not_used(
    base_path: Path, host: object, tmp_path: Path
) -> None:
    cache = tmp_path / "compiled"
    cache.mkdir()
    cache.chmod(0o777)
    assert shown(base_path, mark_module(7), tmp_path) == 7
    assert list(cache.iterdir()) == []


def test_cache_can_be_off_or_impossible(base_path: Path, host: object, tmp_path: Path) -> None:
    assert shown(base_path, mark_module(7), tmp_path, FONTGEN_WASM_CACHE="off") == 7
    assert shown(base_path, mark_module(7), tmp_path, FONTGEN_WASM_CACHE="/dev/null/no") == 7


def test_cache_does_not_grow_without_end(base_path: Path, host: object, tmp_path: Path) -> None:
    cache = tmp_path / "compiled"
    cache.mkdir(mode=0o700)
    for i in range(100):
        (cache / f"{i:040}.compiled").write_bytes(b"old")
    assert shown(base_path, mark_module(7), tmp_path) == 7
    assert len(list(cache.iterdir())) == 64


def test_trace_is_asked_for(base_path: Path, host: object, tmp_path: Path) -> None:
    path = tmp_path / "font.ttf"
    path.write_bytes(with_wasm(base_path, b"garbage"))
    for value, expected in (("0", False), ("1", True)):
        done = subprocess.run(
            [sys.executable, str(SOURCES / "shape_texts.py"), str(path), "AVA"],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "FONTGEN_WASM_TRACE": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("fontgen-wasm: " in done.stderr) == expected
