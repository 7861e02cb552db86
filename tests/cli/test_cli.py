"""The command line: exit codes, output for people and programs, and one line for every mistake."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable
from PIL import Image
from support import checkpoint_writers
from support.base_fonts import collection, make_font, saved
from support.outcome import Outcome
from support.paths import REPOSITORY

from fontgen import __version__, progress
from fontgen.font.woff import pack
from fontgen.host import limits
from fontgen.host.browser.page import PageFont
from fontgen.host.native.fonts import plain_font

Fontgen = Callable[..., Outcome]


@pytest.fixture
def small_checkpoint(tmp_path: Path) -> Path:
    """A llama2.c checkpoint with random weights and its tokenizer beside it."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    path = folder / "small.bin"
    path.write_bytes(checkpoint_writers.llama2c_v0(checkpoint_writers.random_model()))
    (folder / "tokenizer.bin").write_bytes(checkpoint_writers.llama2c_tokenizer())
    return path


@pytest.fixture
def small_base(tmp_path: Path) -> Path:
    path = tmp_path / "base.ttf"
    path.write_bytes(saved(make_font()))
    return path


def _refused(outcome: Outcome, *causes: str) -> None:
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("fontgen: error: ")
    assert outcome.err.count("\n") == 1
    for cause in causes:
        assert cause in outcome.err


# build


def test_a_shortened_context_is_said(fontgen: Fontgen, tmp_path: Path, small_base: Path) -> None:
    model = checkpoint_writers.random_model(context_length=3000)
    checkpoint = checkpoint_writers.write_llama2c(tmp_path, model)
    arguments = ["build", "--model", checkpoint, "--base", small_base, "-o", tmp_path / "font.ttf"]
    shortened = fontgen(*arguments)
    assert shortened.code == 0
    assert "of the 3,000 positions that the model was trained for, the font has room for 2,048" in (
        shortened.err
    )
    assert "positions" not in fontgen(*arguments, "--context", "2500").err
    refused = fontgen(*arguments, "--context", "3001")
    assert refused.code == 2 and "is not within 1 to 3,000" in refused.err


def test_build_with_flags_only(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    output = tmp_path / "font.ttf"
    outcome = fontgen(
        "build", "--model", small_checkpoint, "--base", small_base, "--family", "Boxes",
        "--flavour", "portable", "-o", output,
    )  # fmt: skip
    assert outcome == Outcome(0, "", f"wrote {output} ({output.stat().st_size:,} bytes)\n")
    font = TTFont(output)
    assert font["name"].getDebugName(1) == "Boxes"
    assert {"Wasm", "Lset", "Llam"} <= set(font.reader.keys())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "base.ttf",
        "checkpoint",
        "font.ttf",
    ]
    mode = output.stat().st_mode & 0o777
    (tmp_path / "plain").touch()
    assert mode == (tmp_path / "plain").stat().st_mode & 0o777


def test_flags_override_the_configuration(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    config = tmp_path / "font.toml"
    config.write_text(
        "[model]\ncheckpoint = 'checkpoint/small.bin'\n[font]\nbase = 'base.ttf'\n"
        "family = 'Of the file'\noutput = 'of-the-file.ttf'\n[shaper]\nkept_marks = 1\n"
    )
    assert fontgen("build", config, "-q") == Outcome(0, "", "")
    assert TTFont(tmp_path / "of-the-file.ttf")["name"].getDebugName(1) == "Of the file"
    output = tmp_path / "of-the-flag.ttf"
    assert fontgen("build", config, "--family", "Of the flag", "-o", output).code == 0
    assert TTFont(output)["name"].getDebugName(1) == "Of the flag"
    report = json.loads(fontgen("inspect", output, "--json").out)
    assert report["settings"]["kept_marks"] == 1


def test_build_to_stdout(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    output = tmp_path / "font.ttf"
    arguments = ("build", "--model", small_checkpoint, "--base", small_base, "-o")
    assert fontgen(*arguments, output).code == 0
    outcome = fontgen(*arguments, "-")
    assert outcome.out.encode("latin-1") == output.read_bytes()
    assert outcome.err == ""


def _break_checkpoint(kind: str, checkpoint: Path) -> str:
    """Damage a checkpoint; what the error must say."""
    data = bytearray(checkpoint.read_bytes())
    if kind == "truncated":
        checkpoint.write_bytes(data[: len(data) // 2])
        return "small.bin"
    if kind == "empty":
        checkpoint.write_bytes(b"")
        return "small.bin"
    if kind == "header":
        data[0:4] = (48).to_bytes(4, "little")
        checkpoint.write_bytes(data)
        return "small.bin"
    if kind == "nan":
        data[1000:1004] = np.float32("nan").tobytes()
        checkpoint.write_bytes(data)
        return "not finite"
    if kind == "tokenizer":
        (checkpoint.parent / "tokenizer.bin").unlink()
        (checkpoint.parent / "tokenizer.model").write_bytes(
            checkpoint_writers.sentencepiece_model(vocab_size=checkpoint_writers.VOCAB_SIZE - 5)
        )
        return "token"
    checkpoint.unlink()
    return "no such file"


@pytest.mark.parametrize("kind", ["truncated", "empty", "header", "nan", "tokenizer", "absent"])
def test_bad_checkpoints(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path, kind: str
) -> None:
    cause = _break_checkpoint(kind, small_checkpoint)
    before = sorted(tmp_path.iterdir())
    outcome = fontgen(
        "build", "--model", small_checkpoint, "--base", small_base, "-o", tmp_path / "font.ttf"
    )
    _refused(outcome, str(small_checkpoint.parent), cause)
    assert sorted(tmp_path.iterdir()) == before


def test_a_tokenizer_of_another_size(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    tokenizer = tmp_path / "other.model"
    tokenizer.write_bytes(
        checkpoint_writers.sentencepiece_model(vocab_size=checkpoint_writers.VOCAB_SIZE - 5)
    )
    outcome = fontgen(
        "build", "--model", small_checkpoint, "--tokenizer", tokenizer, "--base", small_base,
        "-o", tmp_path / "font.ttf",
    )  # fmt: skip
    _refused(outcome, "other.model", "315", "320")
    assert not (tmp_path / "font.ttf").exists()


def test_bad_base_fonts(fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path) -> None:
    text = tmp_path / "text.ttf"
    text.write_text("This is not a font.")
    font = make_font()
    del font["cmap"]
    no_cmap = tmp_path / "no-cmap.ttf"
    no_cmap.write_bytes(saved(font))
    output = tmp_path / "font.ttf"
    for base, cause in (
        (text, "is not a font"),
        (no_cmap, "no cmap"),
        (tmp_path / "absent", "No such file"),
    ):
        outcome = fontgen("build", "--model", small_checkpoint, "--base", base, "-o", output)
        _refused(outcome, f"{base}: ", cause)
    assert not output.exists()


def test_unwritable_outputs(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    build = ("build", "--model", small_checkpoint, "--base", small_base, "-o")
    _refused(
        fontgen(*build, tmp_path / "absent" / "font.ttf"),
        "absent/font.ttf: cannot be written: there is no",
    )
    _refused(fontgen(*build, tmp_path), f"{tmp_path}: is a folder")
    _refused(fontgen(*build, "/proc/font.ttf"), "/proc/font.ttf: cannot be written")
    _refused(fontgen(*build, small_base), "base.ttf: is also an input")
    _refused(fontgen(*build, small_checkpoint), "small.bin: is also an input")


def test_a_full_disk_leaves_nothing(
    fontgen: Fontgen,
    tmp_path: Path,
    small_checkpoint: Path,
    small_base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "font.ttf"
    output.write_text("the font of yesterday")
    before = sorted(tmp_path.iterdir())

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    outcome = fontgen("build", "--model", small_checkpoint, "--base", small_base, "-o", output)
    _refused(outcome, "font.ttf: cannot be written: No space left on device")
    assert sorted(tmp_path.iterdir()) == before
    assert output.read_text() == "the font of yesterday"


def test_bad_configurations(fontgen: Fontgen, tmp_path: Path) -> None:
    config = tmp_path / "font.toml"
    config.write_text("[shaper]\nflavor = 'portable'\n")
    _refused(fontgen("build", config), "font.toml: unknown key 'flavor' in [shaper]")
    config.write_text("[quantise]\nbits = 3\n")
    _refused(
        fontgen("build", config, "-o", tmp_path / "font.ttf"), "font.toml: quantise.bits", "3 bits"
    )
    assert not (tmp_path / "font.ttf").exists()


def test_a_replacement_that_the_font_cannot_show(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path, small_base: Path
) -> None:
    config = tmp_path / "font.toml"
    config.write_text("[replace]\n'(c)' = '©'\n")
    outcome = fontgen(
        "build",
        config,
        "--model",
        small_checkpoint,
        "--base",
        small_base,
        "-o",
        tmp_path / "font.ttf",
    )
    _refused(outcome, "font.toml: replace.'(c)': the base font lacks '©' (U+00A9)")
    assert not (tmp_path / "font.ttf").exists()


# shape


def test_shape_for_people_and_programs(fontgen: Fontgen, host: object, font_path: Path) -> None:
    text = "The little fox!!!!!!!!"
    people = fontgen("shape", font_path, text)
    assert people.code == 0
    assert people.out.startswith(f"typed    {text}\nvisible  The little fox ")
    shaped = json.loads(fontgen("shape", font_path, text, "--json").out)
    assert shaped["text"] == text
    assert shaped["visible"] == people.out.splitlines()[1].removeprefix("visible  ")
    assert shaped["shaper"] == "wasm" and shaped["units_per_em"] == 2048
    assert shaped["direction"] == "ltr" and shaped["script"] == "Latn"
    first = shaped["glyphs"][0]
    assert set(first) == {
        "name", "id", "cluster", "x_advance", "y_advance", "x_offset", "y_offset", "text",
    }  # fmt: skip
    assert first["text"] == "T" and first["cluster"] == 0
    plain = json.loads(fontgen("shape", font_path, text, "--json", "--shaper", "ot").out)
    assert plain["visible"] == text


def test_shape_reads_stdin(
    fontgen: Fontgen, host: object, font_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Ёлка\n".encode())))
    assert "visible  Ёлка\n".encode().decode("latin-1") in fontgen("shape", font_path, "-").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    _refused(fontgen("shape", font_path, "-"), "TEXT is not UTF-8")


def test_features_reach_the_shaper(fontgen: Fontgen, host: object, font_path: Path) -> None:
    def glyphs(*options: str) -> list[dict]:
        return json.loads(fontgen("shape", font_path, "AV fi", "--json", *options).out)["glyphs"]

    assert len(glyphs("--features=-liga")) == len(glyphs()) + 1
    assert glyphs("--features", "kern=0")[0]["x_advance"] > glyphs()[0]["x_advance"]
    _refused(
        fontgen("shape", font_path, "a", "--features", "ligatures"), "'ligatures' is not a feature"
    )


def test_shape_of_what_is_no_font(
    fontgen: Fontgen, host: object, tmp_path: Path, base_path: Path
) -> None:
    text = tmp_path / "text.ttf"
    text.write_text("This is not a font.")
    _refused(fontgen("shape", text, "a"), f"{text}: is not a font")
    _refused(
        fontgen("shape", tmp_path / "absent.ttf", "a"), "absent.ttf: cannot be read: No such file"
    )
    outcome = fontgen("shape", base_path, "fox!!!!!!")
    assert outcome.code == 0 and "visible  fox!!!!!!" in outcome.out
    assert "has no Wasm table" in outcome.err


def test_a_failed_shape_exits_with_1(
    fontgen: Fontgen, host: object, tmp_path: Path, font_path: Path
) -> None:
    font = TTFont(font_path)
    font["Wasm"].data = b"\0asm"
    damaged = tmp_path / "damaged.ttf"
    font.save(damaged)
    outcome = fontgen("shape", damaged, "fox", "--shaper", "wasm")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"fontgen: {damaged}: the shaper 'wasm' failed to shape this text\n"
    picture = tmp_path / "fox.png"
    outcome = fontgen("render", damaged, "fox", "--shaper", "wasm", "-o", picture)
    assert outcome.code == 1 and not picture.exists()
    outcome = fontgen("render", damaged, "fox", "-o", picture)
    assert outcome.code == 0 and "OpenType shaped this: " in outcome.err


# render


@pytest.mark.parametrize("kind", ["png", "svg", "gif"])
def test_render(fontgen: Fontgen, host: object, tmp_path: Path, font_path: Path, kind: str) -> None:
    output = tmp_path / f"fox.{kind}"
    outcome = fontgen("render", font_path, "fox!!!!!", "-o", output, "--size", "20")
    assert outcome.code == 0 and outcome.err.startswith(f"wrote {output}")
    if kind == "svg":
        assert output.read_text().startswith("<?xml")
    else:
        assert Image.open(output).format == kind.upper()
    piped = fontgen("render", font_path, "fox!!!!!", "-o", "-", "--format", kind, "--size", "20")
    assert piped.out.encode("latin-1") == output.read_bytes()


def test_render_mistakes(fontgen: Fontgen, host: object, tmp_path: Path, font_path: Path) -> None:
    output = tmp_path / "fox.png"
    _refused(
        fontgen("render", font_path, "a", "-o", tmp_path / "fox.jpg"),
        "fox.jpg: is not *.png, *.svg or *.gif",
    )
    _refused(
        fontgen("render", font_path, "a", "-o", output, "--foreground", "blak"),
        "'blak' is not a colour",
    )
    _refused(fontgen("render", font_path, "a", "-o", output, "--size", "0"), "--size 0")
    _refused(
        fontgen("render", font_path, "a", "-o", tmp_path / "no" / "fox.png"), "cannot be written"
    )
    assert not list(tmp_path.iterdir())


# inspect


def test_inspect_for_programs(fontgen: Fontgen, font_path: Path, portable_font_path: Path) -> None:
    report = json.loads(fontgen("inspect", font_path, "--json").out)
    font = TTFont(font_path)
    assert report["sha256"] == hashlib.sha256(font_path.read_bytes()).hexdigest()
    assert report["shaper"]["sha256"] == hashlib.sha256(font["Wasm"].data).hexdigest()
    assert report["shaper"]["size"] == len(font["Wasm"].data)
    assert report["shaper"]["flavour"] == "portable"
    assert report["shaper"]["runs_instead"]["flavour"] == "simd128"
    assert "shape(i32, i32, i32, i32, i32) -> i32" in report["shaper"]["exports"]
    assert report["shaper"]["imports"] and all(
        i.startswith("env.") for i in report["shaper"]["imports"]
    )
    assert report["model"]["sha256"] == hashlib.sha256(font["Llam"].data).hexdigest()
    config = json.loads((REPOSITORY / "model" / "config.json").read_text())
    assert report["model"]["config"]["dim"] == config["dim"]
    assert report["model"]["card"]["license"] == config["license"]
    assert report["names"]["family"] == "Llama TTF Sans"
    assert report["settings"]["kept_marks"] == 3
    assert report["settings"]["replacements"] == {"OpenSans": "LLaMaSans"}
    portable = json.loads(fontgen("inspect", portable_font_path, "--json").out)
    assert portable["shaper"]["flavour"] == "portable"
    assert portable["model"]["sha256"] == report["model"]["sha256"]


def test_inspect_for_people(fontgen: Fontgen, font_path: Path) -> None:
    outcome = fontgen("inspect", font_path)
    assert outcome.code == 0
    report = json.loads(fontgen("inspect", font_path, "--json").out)
    for fact in (
        report["sha256"],
        report["shaper"]["sha256"],
        report["model"]["sha256"],
        "env.",
        "Apache",
    ):
        assert fact in outcome.out


def test_inspect_of_other_and_damaged_fonts(
    fontgen: Fontgen, tmp_path: Path, base_path: Path, font_path: Path
) -> None:
    report = json.loads(fontgen("inspect", base_path, "--json").out)
    assert report["shaper"] is report["model"] is report["settings"] is None
    assert "shapes this font by OpenType alone" in fontgen("inspect", base_path).out
    font = TTFont(font_path)
    font["Wasm"].data = font["Wasm"].data[:1000]
    font["Llam"].data = font["Llam"].data[:-1]
    font["Lset"].data = b"?"
    damaged = tmp_path / "damaged.ttf"
    font.save(damaged)
    outcome = fontgen("inspect", damaged, "--json")
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert all("error" in report[part] for part in ("shaper", "model", "settings"))
    assert fontgen("inspect", damaged).out.count("error ") == 3
    _refused(fontgen("inspect", tmp_path / "absent.ttf"), "absent.ttf: cannot be read")
    (tmp_path / "text").write_text("This is not a font.")
    _refused(fontgen("inspect", tmp_path / "text"), "text: is not a font")


def test_a_font_that_wants_more_memory_than_the_host_gives(
    fontgen: Fontgen, tmp_path: Path, small_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said when it is built and when it is inspected, with the setting that helps."""
    monkeypatch.setattr(limits, "MEMORY_MB", 16)
    model = checkpoint_writers.random_model()
    checkpoint, font = checkpoint_writers.write_llama2c(tmp_path, model), tmp_path / "a.ttf"
    built = fontgen("build", "--model", checkpoint, "--base", small_base, "-o", font)
    assert "plain text unless FONTGEN_WASM_MEMORY_MB=17 is set" in built.err
    model = json.loads(fontgen("inspect", font, "--json").out)["model"]
    assert "unless FONTGEN_WASM_MEMORY_MB=17 is set" in model["warning"]
    assert "FONTGEN_WASM_MEMORY_MB=17" in fontgen("inspect", font).out
    monkeypatch.setattr(limits, "MEMORY_MB", 17)
    assert "warning" not in json.loads(fontgen("inspect", font, "--json").out)["model"]


def test_inspect_shows_a_module_in_a_section(
    fontgen: Fontgen, tmp_path: Path, font_path: Path
) -> None:
    font = TTFont(font_path)
    inner = font["Wasm"].data
    section = bytes([len("simd128")]) + b"simd128" + inner
    length, size = len(section), b""
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    font["Wasm"].data = b"\0asm\1\0\0\0" + b"\0" + size + bytes([length]) + section
    path = tmp_path / "nested.ttf"
    font.save(path)
    shaper = json.loads(fontgen("inspect", path, "--json").out)["shaper"]
    assert shaper["flavour"] == "portable" and shaper["exports"] == []
    assert shaper["sections"] == [{"name": "custom", "size": len(section), "custom": "simd128"}]
    assert shaper["runs_instead"]["sha256"] == hashlib.sha256(inner).hexdigest()
    assert "which fontgen's host runs instead" in fontgen("inspect", path).out


# everywhere


@pytest.mark.parametrize(
    "arguments", [(), ("bild",), ("shape",), ("render", "a.ttf", "x"), ("build", "--flavour", "x")]
)
def test_bad_usage_exits_with_2(fontgen: Fontgen, arguments: tuple[str, ...]) -> None:
    outcome = fontgen(*arguments)
    assert outcome.code == 2 and outcome.out == "" and outcome.err.startswith("usage: fontgen")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("build",),
        ("shape",),
        ("render",),
        ("inspect",),
        ("verify",),
        ("host",),
        ("host", "path"),
    ],
)
def test_version_and_help_everywhere(fontgen: Fontgen, command: tuple[str, ...]) -> None:
    assert fontgen(*command, "--version") == Outcome(0, f"fontgen {__version__}\n", "")
    outcome = fontgen(*command, "--help")
    assert outcome.code == 0 and "--quiet" in outcome.out and "--verbose" in outcome.out


def test_tracebacks_only_with_v(fontgen: Fontgen, tmp_path: Path) -> None:
    absent = tmp_path / "absent.ttf"
    assert "Traceback" not in fontgen("inspect", absent).err
    for arguments in (("-v", "inspect", absent), ("inspect", "-v", absent)):
        outcome = fontgen(*arguments)
        assert outcome.code == 2
        assert outcome.err.startswith("Traceback") and outcome.err.splitlines()[-1].startswith(
            "fontgen: error: "
        )


class _Stream(io.StringIO):
    def __init__(self, terminal: bool):
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    "terminal, quiet, seconds, shown",
    [
        (True, False, 0, True),
        (True, False, 60, False),
        (False, False, 0, False),
        (True, True, 0, False),
    ],
)
def test_progress_shows_late_and_on_terminals_only(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, quiet: bool, seconds: float, shown: bool
) -> None:
    stream = _Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", seconds)
    with progress.Reporter(quiet=quiet).steps(total=2) as steps:
        for step in ("Reading", "Writing"):
            steps.begin(step)
            time.sleep(0.15)
    assert ("Writing" in stream.getvalue()) == shown


def test_as_a_process(font_path: Path, tmp_path: Path) -> None:
    fontgen = [sys.executable, "-m", "fontgen"]
    done = subprocess.run(
        [*fontgen, "inspect", tmp_path / "absent"], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.count("\n") == 1
    # A reader that leaves early is no reason to complain.
    process = subprocess.Popen(
        [*fontgen, "inspect", font_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


# Features


@pytest.mark.parametrize(
    "features, cause",
    [
        ("temp=80", "there is no feature 'temp': the font's own is 'TEMP'"),
        ("Step=1", "there is no feature 'Step': the font's own is 'STEP'"),
        (
            "TEMP=0.8",
            "'TEMP=0.8': a feature's value is a whole number; TEMP and TOPP count hundredths",
        ),
    ],
)
def test_features_of_our_own_that_are_mistyped(
    fontgen: Fontgen, base_path: Path, features: str, cause: str
) -> None:
    _refused(fontgen("shape", base_path, "a", "--features", features), cause)


# Fonts in every form


def test_every_command_takes_members_and_compressed_fonts(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path
) -> None:
    """A collection whose second member is the base font, WOFF and WOFF2; the output's name says its form."""
    members = tmp_path / "fonts.ttc"
    members.write_bytes(collection(make_font(family="First"), make_font(family="Second")))
    built = tmp_path / "built.woff2"
    arguments = ("build", "-q", "--model", small_checkpoint, "--base", f"{members}#1", "-o", built)
    assert fontgen(*arguments) == Outcome(0, "", "")
    assert built.read_bytes()[:4] == b"wOF2"
    plain = tmp_path / "plain.ttf"
    assert fontgen(*arguments[:-1], plain).code == 0
    packed = TTFont(plain)
    packed.flavor = "woff"
    packed.save(tmp_path / "built.woff")
    ours = TTFont(plain)
    collected = tmp_path / "ours.ttc"
    collected.write_bytes(collection(make_font(), ours))
    text = tmp_path / "text.txt"
    text.write_text("a cab")
    for font in (plain, built, tmp_path / "built.woff", f"{collected}#1"):
        shaped = json.loads(fontgen("shape", font, "abc!!!!!!", "--json").out)
        assert shaped["shaper"] == "wasm"
        inspected = json.loads(fontgen("inspect", font, "--json").out)
        assert "error" not in inspected["model"] and inspected["shaper"]["imports"]
        assert fontgen("render", font, "abc", "-o", tmp_path / "abc.png").code == 0
        assert fontgen("eval", font, text).code == 0
        assert fontgen("verify", font, "--tokens", "2", "--prompt", "a").code == 0
        assert json.loads(fontgen("tokens", font, "abc", "--json").out)["tokens"]
        assert fontgen("text", font, text, "-o", tmp_path / "told.txt").code == 0
        page = PageFont.open(font)
        assert page.kind == "model" and page.data[:4] == b"\0\1\0\0" and page.name.endswith(".ttf")
        assert TTFont(io.BytesIO(page.data)).reader["Llam"] == ours.reader["Llam"]
        assert plain_font(font).family
    for command in (["shape", collected, "a"], ["inspect", collected], ["eval", collected, text]):
        _refused(fontgen(*command), "choose a member, such as ours.ttc#0")
        command[1] = f"{collected}#99"
        _refused(fontgen(*command), "is a font collection of 2, which has no member 99")
    packed = tmp_path / "base.woff2"
    packed.write_bytes(pack(saved(make_font()), ".woff2"))
    assert PageFont.open(packed).data == packed.read_bytes()  # browsers unpack it themselves
    page = tmp_path / "page.html"
    assert fontgen("page", f"{members}#1", "-o", page).code == 0
    assert "<title>Second" in page.read_text("utf-8")
    _refused(fontgen("page", members, "-o", page), "choose a member, such as fonts.ttc#0")


def test_a_base_font_that_can_show_little(
    fontgen: Fontgen, tmp_path: Path, small_checkpoint: Path
) -> None:
    font = make_font()
    for table in font["cmap"].tables:
        table.cmap = {0xA6A0 + i: name for i, name in enumerate(table.cmap.values())}  # Bamum
    base = tmp_path / "bamum.ttf"
    base.write_bytes(saved(font))
    arguments = ("build", "--model", small_checkpoint, "-o", tmp_path / "out.ttf", "--base")
    assert "has glyphs for 0% of the model's vocabulary" in fontgen(*arguments, base).err
    latin = tmp_path / "latin.ttf"
    latin.write_bytes(saved(make_font()))
    assert "vocabulary" not in fontgen(*arguments, latin).err


# What shaped this


def test_who_shaped_it_is_said(fontgen: Fontgen, tmp_path: Path, base_path: Path) -> None:
    """A program that no host can run: the glyphs are OpenType's, and so it says."""
    import wasmtime

    font = TTFont(base_path)
    font["Wasm"] = DefaultTable("Wasm")
    font["Wasm"].data = bytes(
        wasmtime.wat2wasm(
            '(module (import "env" "no_such_function" (func $f)) (memory (export "memory") 1)'
            ' (func (export "shape") (param i32 i32 i32 i32 i32) (result i32) call $f i32.const 1))'
        )
    )
    path = tmp_path / "font.ttf"
    font.save(path)
    outcome = fontgen("shape", path, "ab")
    assert outcome.code == 0
    assert "OpenType shaped this: " in outcome.err and "no_such_function" in outcome.err
    assert "shaper   ot (" in outcome.out
    shaped = json.loads(fontgen("shape", path, "ab", "--json").out)
    assert shaped["shaper"] == "ot" and "no_such_function" in shaped["reason"]
    assert fontgen("shape", path, "ab", "--shaper", "wasm").code == 1
    report = fontgen("inspect", path).out
    assert "imports what no HarfBuzz has, so that it fails when it calls it: env.no_such" in report


def test_the_functions_of_every_host_are_those_of_harfbuzz() -> None:
    from fontgen.host.functions import FUNCTIONS

    header = (REPOSITORY / "tests/host/native/harfbuzz.h").read_text()
    assert FUNCTIONS == {*re.findall(r"^IMPORT \((\w+)\)", header, re.MULTILINE)}
    assert len(FUNCTIONS) == 33


@pytest.mark.parametrize(
    ("tag", "at", "reason"),
    [("Llam", 5000, "the table Llam is damaged"), ("Lset", 30, "the table Lset is damaged")],
)
def test_shape_says_which_table_the_program_refuses(
    tag: str, at: int, reason: str, fontgen: Fontgen, font_path: Path, tmp_path: Path
) -> None:
    """The program ran and left the text to OpenType: who reads "shaper wasm" would look elsewhere."""
    with TTFont(font_path) as font:
        table = bytearray(font[tag].data)
        table[at] ^= 1
        font[tag].data = bytes(table)
        font.save(tmp_path / "damaged.ttf")
    shaped = json.loads(fontgen("shape", tmp_path / "damaged.ttf", "The fox!!!!!!", "--json").out)
    assert (shaped["shaper"], shaped["visible"]) == ("ot", "The fox!!!!!!")
    assert shaped["reason"].startswith(reason)


def test_shape_says_that_memory_was_refused(font_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fontgen", "shape", str(font_path), "The fox!!!!!!", "--json"],
        env={**os.environ, "FONTGEN_WASM_MEMORY_MB": "9", "FONTGEN_WASM_TRACE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    shaped = json.loads(done.stdout)
    assert shaped["shaper"] == "ot"
    assert shaped["reason"].startswith("the model wants more memory than there is")
    assert "fontgen-wasm: left to OpenType: the model wants more memory" in done.stderr
