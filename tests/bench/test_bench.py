"""The benchmark's own computations; what it measures is measured by ``make bench``, never here."""

from __future__ import annotations

import dataclasses
import io
import json
import math

import numpy as np
import pytest
from PIL import Image
from support import checkpoint_writers
from support.tiny_models import random_model

from bench import figures, measure
from bench.chart import draw_chart
from bench.measure import Samples, in_turns
from bench.native import FAST_MATH, PLAIN, NativeModel
from bench.onnx_int4 import BLOCK, Int4OnnxModel, pack
from bench.program import main
from bench.report import COLUMNS, HIGHER, LOWER, Row, number, plain_table
from bench.subject import build_subject, settings_of, table_of
from fontgen.config import read_config
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.tables import MODEL_TAG, read_model
from fontgen.llama.transformer import FloatModel
from fontgen.shapers.flavours import FLAVOURS
from fontgen.text.shape import ShapingFont

# Measuring


def test_ratios_and_differences_are_taken_round_by_round():
    a, b = Samples((1.0, 20.0, 3.0)), Samples((2.0, 10.0, 1.0))
    assert (a / b).values == (0.5, 2.0, 3.0)
    assert (a - b).values == (-1.0, 10.0, 2.0)
    assert ((a / b).median, a.low, a.high) == (2.0, 1.0, 20.0)
    assert a.scaled(2).inverted().values == (1 / 2, 1 / 40, 1 / 6)


def test_probes_take_turns_there_and_back():
    order = []

    def probe(name):
        return lambda: order.append(name) or {name: float(len(order))}

    samples = in_turns([probe("a"), probe("b")], rounds=3, seconds=1e9)
    assert "".join(order) == "abbaab"
    assert samples == {"a": Samples((1.0, 4.0, 5.0)), "b": Samples((2.0, 3.0, 6.0))}


@pytest.mark.parametrize(("seconds", "rounds"), [(1e9, 7), (35, 3), (45, 4), (0, 2)])
def test_no_round_begins_that_would_end_too_late(monkeypatch, seconds, rounds):
    clock = [100.0]
    monkeypatch.setattr(measure.time, "monotonic", lambda: clock[0])

    def ten_seconds():
        clock[0] += 10
        return {"x": 1.0}

    samples = in_turns([ten_seconds], rounds=7, seconds=seconds, least=2)
    assert len(samples["x"].values) == rounds


# Reporting


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        (HIGHER, 9, "aim"),
        (HIGHER, 8, "aim"),
        (HIGHER, 5, "must"),
        (HIGHER, 3, "missed"),
        (LOWER, 3, "aim"),
        (LOWER, 5, "missed"),
    ],
)
def test_a_verdict_is_the_better_of_the_targets_reached(better, value, verdict):
    row = Row("g", "f", "b", Samples((value,)), "x", 4, 8 if better == HIGHER else 3, better)
    assert row.verdict == verdict


def test_without_a_target_there_is_no_verdict():
    assert Row("g", "f", "b", Samples((1.0,))).verdict == ""
    assert Row("g", "f", "b", Samples((3.0,)), must=2).verdict == "missed"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.012345, "0.0123"), (3.14159, "3.14"), (99.95, "100.0"), (123.4, "123"),
        (1234567.8, "1,234,568"), (-2.5, "-2.50"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def rows() -> list[Row]:
    return [
        Row("Speed", "font", "program", Samples((4.0, 5.0, 6.0)), "x", 4, 8, HIGHER),
        Row("Tokens per second, one thread", "in the font", "", Samples((900.0,)), "tok/s"),
        Row("Tokens per second, one thread", "program", "", Samples((200.0,)), "tok/s"),
        Row("Typing", "keystroke", "", Samples((1.0, 2.0, 3.0)), "ms"),
    ]


def test_the_plain_table_names_each_group_once_and_aligns():
    lines = plain_table(rows()).splitlines()
    assert [word for word in COLUMNS if word not in lines[0]] == []
    assert lines.count("SPEED") == lines.count("TYPING") == 1
    line = next(line for line in lines if line.startswith("font"))
    assert line.split() == ["font", "program", *"5.00 x 4.00 to 6.00 >= 4 >= 8 must".split()]
    assert line.index(">= 4") + 4 == lines[0].index("must") + 4
    assert all(line == line.rstrip() for line in lines)


def test_a_row_is_json():
    row = json.loads(json.dumps(rows()[0].as_dict()))
    assert (row["median"], row["min"], row["max"], row["verdict"]) == (5.0, 4.0, 6.0, "must")


def test_the_chart_is_a_png_with_a_bar_for_each_figure():
    image = Image.open(io.BytesIO(draw_chart(rows(), "title", "caption"))).convert("RGB")
    assert image.format is None and image.width == 1200
    pixels = np.asarray(image)
    ours = (pixels == (0xC2, 0x41, 0x0C)).all(-1).sum(1)  # of each line
    others = (pixels == (0x94, 0xA3, 0xB8)).all(-1).sum(1)
    bars = np.flatnonzero(np.diff((ours > 0).astype(int)) == 1)
    assert len(bars) == 2 and (others > 0).any()
    assert ours.max() / others.max() == pytest.approx(900 / 200, rel=0.05)


def test_speeds_that_were_not_measured_leave_no_row():
    samples = {
        figures.speed_name(8, "simd128"): Samples((0.001, 0.001)),
        figures.ONNX_FLOAT32: Samples((0.004, 0.006)),
    }
    ratio, *speeds = figures.speed_rows(samples)
    assert ratio.samples.median == 5 and (ratio.must, ratio.aim, ratio.verdict) == (4, 8, "must")
    assert [row.samples.median for row in speeds] == pytest.approx([1000, (250 + 1000 / 6) / 2])


def test_plain_texts_have_no_trigger_and_their_lengths():
    for text, length in [
        (figures.LONG_PARAGRAPH, 100_000),
        *((text, 500) for text in figures.PAGE),
    ]:
        assert len(text) == length and "!!" not in text
    assert len(set(figures.PAGE)) == len(figures.PAGE)


# The programs beside


@pytest.mark.parametrize("flags", [PLAIN, FAST_MATH], ids=["plain", "fast math"])
@pytest.mark.parametrize(
    "shape", [{}, {"tied_embeddings": False, "n_kv_heads": 4}, {"n_kv_heads": 1}], ids=str
)
def test_the_c_loop_computes_the_model(shape, flags):
    model = random_model(**shape)
    native = NativeModel(model, flags)
    tokens = np.random.default_rng(1).integers(0, model.config.vocab_size, 24).tolist()
    expected = FloatModel(model).all_logits(tokens)
    for _ in range(2):  # a second text overwrites the first
        logits = [native.forward(token, i).copy() for i, token in enumerate(tokens)]
        assert np.abs(np.stack(logits) - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("columns", [BLOCK, 3 * BLOCK, BLOCK + 5])
def test_four_bits_are_packed_as_onnxruntime_reads_them(columns):
    weights = np.random.default_rng(2).standard_normal((7, columns)).astype(np.float32)
    weights[3, :BLOCK] = 0
    packed, scales = pack(weights)
    nibbles = np.stack([packed & 15, packed >> 4], -1).reshape(7, -1, BLOCK).astype(np.float32)
    unpacked = ((nibbles - 8) * scales.reshape(7, -1, 1)).reshape(7, -1)[:, :columns]
    # The largest of a block becomes -8; its opposite, if as large, loses a whole step.
    assert np.abs(unpacked - weights).max() <= np.abs(scales).max() * 1.0001
    assert np.abs(unpacked - weights).mean() <= np.abs(scales).mean() * 0.3


def test_onnxruntime_runs_the_model_in_four_bits():
    """Exactly the model of the packed weights, but for activations of 8 bits."""
    model = random_model(dim=64, hidden_dim=96, n_heads=4, n_kv_heads=4, spread=0.1)
    tensors = dict(model.tensors)
    tensors["output.weight"] = tensors["tok_embeddings.weight"]
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and name != "tok_embeddings.weight":
            packed, scales = pack(tensor)
            nibbles = np.stack([packed & 15, packed >> 4], -1).reshape(len(tensor), -1, BLOCK)
            unpacked = (nibbles.astype(np.float32) - 8) * scales.reshape(len(tensor), -1, 1)
            tensors[name] = unpacked.reshape(len(tensor), -1)[:, : tensor.shape[1]]
    config = dataclasses.replace(model.config, tied_embeddings=False)
    expected = FloatModel(dataclasses.replace(model, config=config, tensors=tensors))
    tokens = [1, 65, 70, 80]
    difference = Int4OnnxModel(model).logits(tokens) - expected.logits(tokens)
    assert np.abs(difference).max() < 0.03 * np.abs(expected.logits(tokens)).max()


# What is measured


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A tiny model whose stories do not end before the context does."""
    model = checkpoint_writers.random_model(context_length=64, tied_embeddings=True)
    for token in (model.vocabulary.bos, model.vocabulary.eos):
        model.tensors["tok_embeddings.weight"][token] = 0  # so is its logit, and others are above
    folder = checkpoint_writers.write_own(tmp_path_factory.mktemp("bench") / "model", model)
    path = folder / "font.toml"
    path.write_text("[model]\ncheckpoint = '.'\n[shaper]\nmax_tokens_per_call = 5\n")
    return path


@pytest.fixture(scope="module")
def subject(uharfbuzz, config):
    return build_subject(read_config(config))


def test_all_bits_and_flavours_tell_the_story_of_the_reference(uharfbuzz, subject):
    assert set(subject.variants) == {(bits, name) for bits in (8, 4) for name in FLAVOURS}
    for (bits, _), variant in subject.variants.items():
        model = read_model(table_of(variant.data, MODEL_TAG))
        assert model.matrices["tok_embeddings.weight"].bits == bits
        story = variant.story
        n = len(story.generated)
        assert n + len(story.before) == model.config.context_length + 1
        settings = settings_of(variant.data)
        continuation = ReferenceContinuer(model, settings).continue_text(story.typed(n))
        assert continuation.runs == [story.generated]
        shown = ShapingFont(uharfbuzz, variant.data).shape(story.typed(n)).visible
        font = ShapingFont(uharfbuzz, subject.base)
        assert shown == font.shape(story.visible(n)).visible.replace("\u200b", "")
        assert story.visible(3) == story.visible(n)[: story.ends[2]]


def test_only_the_variants_are_unbounded(subject):
    assert {settings_of(data).max_tokens_per_call for data in subject.capped.values()} == {5}
    assert settings_of(subject.shipped[8]).max_tokens_per_call == 5
    unbounded = {
        settings_of(variant.data).max_tokens_per_call for variant in subject.variants.values()
    }
    assert min(unbounded) >= 64


def test_the_program_reports_every_figure(uharfbuzz, config, tmp_path, capsys):
    chart, text = tmp_path / "chart.png", tmp_path / "text.txt"
    text.write_text("Once upon a time\n<|endoftext|>\nthere was a fox")
    done = main(
        [str(config), "--rounds", "1", "--json", "-q", "-o", str(chart), "--text", str(text)]
    )
    captured = capsys.readouterr()
    assert (done, captured.err) == (0, "")
    report = json.loads(captured.out)
    assert all(math.isfinite(row["median"]) for row in report["rows"])
    groups = {row["group"] for row in report["rows"]}
    assert len(groups) == 9
    promised = [row for row in report["rows"] if row["must"] is not None]
    assert all(row["verdict"] in ("aim", "must", "missed") for row in promised)
    assert len(promised) == 21
    assert Image.open(chart).format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["missing.toml"], "missing.toml: cannot be read"),
        (["--rounds", "0"], "--rounds 0"),
        (["-o", "missing/chart.png"], "missing/chart.png: cannot be written"),
        (["--text", "missing.txt"], "missing.txt: cannot be read"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    uharfbuzz, monkeypatch, tmp_path, capsys, arguments, cause
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"bench: error: {cause}") and captured.err.count("\n") == 1
