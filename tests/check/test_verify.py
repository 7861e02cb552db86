"""`fontgen verify` passes on a good font, and notices each thing that it exists to notice."""

from __future__ import annotations

import dataclasses
import json

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from support import byte_level
from support.base_fonts import make_font, saved
from support.llama_fonts import font_data
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.build.llama import put_together
from fontgen.check import verify
from fontgen.check.verify import verify_font
from fontgen.font import base as basefont
from fontgen.font import tables
from fontgen.llama.model import PreTokenizer
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import (
    MODEL_TAG,
    SETTINGS_TAG,
    Frame,
    Settings,
    write_model,
    write_settings,
)
from fontgen.shapers.flavours import FLAVOURS, UNIVERSAL

PROMPTS = ("abc", "")


def a_model():
    return random_model(vocabulary=byte_vocabulary(LETTERS), seed=4, context_length=40)


@pytest.fixture(scope="module")
def model():
    return quantise(a_model())


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("flavour", [UNIVERSAL, *FLAVOURS])
def test_a_good_font_passes(uharfbuzz, tmp_path, model, flavour, bits):
    path = tmp_path / "good.ttf"
    quantised = model if bits == 8 else quantise(a_model(), bits=4, method="absmax")
    bounded = Settings(max_tokens_per_call=7, replacements=(("ab", "ba"),))
    path.write_bytes(font_data(quantised, bounded, flavour))
    checks = verify_font(path, n_tokens=8, prompts=PROMPTS)
    assert [check.passed for check in checks] == [True] * 8 + [None], checks


def test_a_font_with_a_frame_and_a_byte_level_vocabulary_passes(uharfbuzz, tmp_path):
    kind = PreTokenizer.SMOLLM
    vocabulary = byte_level.vocabulary_of(byte_level.train(kind, 400), kind, stops=(7,))
    framed = quantise(random_model(vocabulary=vocabulary, seed=6, context_length=80))
    path = tmp_path / "answers.ttf"
    own = Settings(temperature=70, top_p=90, frame=Frame((1, 300, 301), (2, 1), (2, 300), (8,)))
    path.write_bytes(font_data(framed, own, UNIVERSAL))
    checks = verify_font(path, n_tokens=6, prompts=("the fox isn't 12", ""))
    assert [check.passed for check in checks] == [True] * 8 + [None], checks


def test_the_command_line(fontgen, uharfbuzz, tmp_path, model):
    path = tmp_path / "good.ttf"
    path.write_bytes(font_data(model))
    outcome = fontgen("verify", path, "--tokens", "4", "--prompt", "ab", "--json")
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert {check["passed"] for check in report["checks"]} == {True, None}
    assert fontgen("verify", path, "--tokens", "0").code == 2


def test_a_font_of_an_older_version_is_verified_with_its_own_engine_and_with_ours(
    uharfbuzz, tmp_path, model, monkeypatch
):
    """Here this version's tables are newer than the font's by a number that nothing else depends on."""
    path = tmp_path / "older.ttf"
    path.write_bytes(font_data(model))
    written = []

    def newest(data, model):
        written.append(data)
        return write_model(model)

    monkeypatch.setattr(verify, "newest_table", newest)
    assert all(c.passed is not False for c in verify_font(path, n_tokens=4, prompts=PROMPTS))
    assert written and set(written) == {write_model(model)}


def test_of_a_large_model_some_is_tried_and_said(uharfbuzz, tmp_path, model, monkeypatch):
    path = tmp_path / "good.ttf"
    path.write_bytes(font_data(model))
    monkeypatch.setattr(verify, "LARGE_PARAMETERS", model.n_parameters - 1)
    checks = verify_font(path)
    assert [check.passed for check in checks] == [True] * 8 + [None], checks
    details = " ".join(check.detail for check in checks)
    assert f"{verify.LARGE_N_PROMPTS} prompts, {verify.LARGE_N_TOKENS} tokens each" in details
    asked = verify_font(path, n_tokens=3, prompts=("ab",))
    assert "the logits after 3 tokens" in asked[0].detail
    assert "1 prompts, 3 tokens each" in asked[2].detail


def test_a_font_that_is_none_of_ours(fontgen, base_path):
    outcome = fontgen("verify", base_path)
    assert outcome.code == 2
    assert (
        outcome.err
        == f"fontgen: error: {base_path}: has no table Wasm: it was not made by fontgen\n"
    )


def test_an_engine_that_computes_something_else_is_noticed(
    fontgen, uharfbuzz, tmp_path, model, monkeypatch
):
    """Not the font is wrong here but the reference: one weight differs in its last bit."""
    matrix = model.matrices["layers.0.attention.wo.weight"]
    values = matrix.values.copy()
    values[0, 0] ^= 1
    other = model.matrices | {
        "layers.0.attention.wo.weight": dataclasses.replace(matrix, values=values)
    }
    path = tmp_path / "other.ttf"
    path.write_bytes(font_data(model))
    monkeypatch.setattr(
        verify, "read_model", lambda data: dataclasses.replace(model, matrices=other)
    )
    outcome = fontgen("verify", path, "--tokens", "8", "--prompt", "abc")
    assert outcome.code == 1
    assert outcome.out.count("FAILED  logits of") == 2


def test_glyphs_that_show_something_else_are_noticed(fontgen, uharfbuzz, tmp_path, model):
    """A font whose module is not the shaper: here the base font's shaping, with the tables in place."""
    ttfont = basefont.open_base(None)
    tables.write_table(ttfont, SETTINGS_TAG, write_settings(Settings(kept_marks=900)))
    tables.write_table(ttfont, MODEL_TAG, write_model(model))
    tables.write_table(ttfont, tables.WASM_TAG, shaper_module("portable"))
    path = tmp_path / "plain.ttf"
    path.write_bytes(tables.font_bytes(ttfont))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "read_settings", lambda data: Settings())
        outcome = fontgen("verify", path, "--tokens", "4", "--prompt", "abc")
    assert outcome.code == 1
    assert "FAILED  glyphs of HarfBuzz" in outcome.out


def test_a_context_that_has_no_room_for_the_longer_prompts(fontgen, uharfbuzz, tmp_path):
    """They are left out; one that somebody asks for is refused."""
    small = random_model(vocabulary=byte_vocabulary(LETTERS), seed=4, context_length=8)
    path = tmp_path / "small.ttf"
    path.write_bytes(font_data(quantise(small)))
    checks = verify_font(path, n_tokens=4)
    assert [check.passed for check in checks] == [True] * 8 + [None], checks
    outcome = fontgen("verify", path, "--prompt", "жжжжж")
    assert outcome.code == 2
    assert "is too long for a context of 8" in outcome.err


def test_a_long_context_costs_no_more_than_the_tokens_that_were_asked_for(
    uharfbuzz, tmp_path, monkeypatch
):
    from fontgen.llama.reference.numpy_model import ReferenceModel

    longest = 0
    logits = ReferenceModel.logits

    def counted(self, tokens):
        nonlocal longest
        longest = max(longest, len(tokens))
        return logits(self, tokens)

    monkeypatch.setattr(ReferenceModel, "logits", counted)
    large = random_model(vocabulary=byte_vocabulary(LETTERS), seed=4, context_length=8192)
    path = tmp_path / "large.ttf"
    path.write_bytes(font_data(quantise(large)))
    assert all(check.passed is not False for check in verify_font(path, n_tokens=4, prompts=("a",)))
    assert longest < 200


@pytest.mark.parametrize("ellipsis", ["none", "replaced by GSUB"])
def test_a_font_whose_ellipsis_cannot_be_told_by_its_glyph(uharfbuzz, tmp_path, ellipsis):
    """Calls that compute one position each: the font itself says when it has no more to show."""
    font = make_font()
    if ellipsis != "none":
        for table in font["cmap"].tables:
            table.cmap[0x2026] = "uni002E"
        addOpenTypeFeaturesFromString(font, "feature calt { sub uni002E by uni0078; } calt;")
    base, path = tmp_path / "base.ttf", tmp_path / "built.ttf"
    base.write_bytes(saved(font))
    bounded = Settings(max_tokens_per_call=1)
    opened = basefont.open_base(base)
    path.write_bytes(
        put_together(opened, "Boxes", shaper_module("simd128"), bounded, quantise(a_model()))
    )
    checks = verify_font(path, n_tokens=6, prompts=("abc",))
    assert all(check.passed is not False for check in checks), checks
