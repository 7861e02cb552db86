"""RoPE that is stretched: frequencies and attention factors are those that transformers computes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from support.checkpoint_writers import (
    huggingface_config,
    random_model,
    sentencepiece_model,
    write_gguf,
    write_huggingface,
)

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import ModelConfig, rope_table
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.onnx_model import OnnxModel
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import read_model, write_model
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine

WIDE = random_model(dim=48, n_heads=3, n_kv_heads=3)
"""Heads of 16."""
SHORT = [1.0, 1.0, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
LONG = [1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0]
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}
LONGROPE = {
    "rope_type": "longrope",
    "factor": 4.0,
    "original_max_position_embeddings": 32,
    "short_factor": SHORT,
    "long_factor": LONG,
}
STEEP = {"beta_fast": 16.0, "beta_slow": 2.0, "attention_factor": 1.5, "truncate": False}
TRANSFORMERS = {
    "llama3": (
        LLAMA3, 40, 1.0,
        [1.0, 0.0958399772644043, 0.012500000186264515, 0.0039528473280370235, 0.0012499999720603228,
         0.00039528473280370235, 0.0001250000059371814, 3.9528473280370235e-05],
    ),
    "yarn": (
        YARN, 40, 1.138629436111989,
        [1.0, 0.3162277638912201, 0.10000000149011612, 0.025693506002426147, 0.00624999962747097,
         0.0013834965648129582, 0.0002500000118743628, 7.905694656074047e-05],
    ),
    "steep yarn": (
        {**YARN, **STEEP}, 40, 1.5,
        [1.0, 0.3162277638912201, 0.10000000149011612, 0.02660749852657318, 0.004261618945747614,
         0.0007905694656074047, 0.0002500000118743628, 7.905694656074047e-05],
    ),
    "DeepSeek's yarn": (
        {**YARN, "mscale": 0.8, "mscale_all_dim": 0.4}, 40, 1.0525384255230092,
        [1.0, 0.3162277638912201, 0.10000000149011612, 0.025693506002426147, 0.00624999962747097,
         0.0013834965648129582, 0.0002500000118743628, 7.905694656074047e-05],
    ),
    "short longrope": (
        LONGROPE, 32, 1.1832159566199232,
        [1.0, 0.3162277638912201, 0.10000000149011612, 0.028747979551553726, 0.00833333283662796,
         0.0024325214326381683, 0.0007142857066355646, 0.00021081851446069777],
    ),
    "long longrope": (
        LONGROPE, 33, 1.1832159566199232,
        [1.0, 0.21081849932670593, 0.05000000074505806, 0.010540924966335297, 0.0020000000949949026,
         0.00039528473280370235, 7.69230755395256e-05, 1.5058465578476898e-05],
    ),
}  # fmt: skip
"""What ``ROPE_INIT_FUNCTIONS[rope_type](config, None, seq_len=context)`` of transformers 5.24 says of a `LlamaConfig`
of hidden_size 64, 4 heads and rope_theta 10000: ``rope_parameters``, context, attention factor, frequencies."""


def angles(config: ModelConfig) -> np.ndarray:
    """What a pair turns by from position 0 to 1, read off the table that the engine gets."""
    cosine, sine = rope_table(config)[1].astype(np.float64).T
    turned: np.ndarray = np.arctan2(sine, cosine)
    return turned


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_scaled_rope_is_that_of_transformers(tmp_path: Path, name: str) -> None:
    scaling, context, attention, frequencies = TRANSFORMERS[name]
    folder = write_huggingface(
        tmp_path, replace(WIDE, config=replace(WIDE.config, context_length=8192)),
        rope_scaling=scaling,
    )  # fmt: skip
    config = checkpoints.load(folder, target=Target(context_length=context)).config
    np.testing.assert_allclose(angles(config), frequencies, rtol=2e-6)
    np.testing.assert_allclose(np.hypot(*rope_table(config)[7].T), attention, rtol=1e-6)


@pytest.mark.parametrize("scaling", [None, LLAMA3, YARN, LONGROPE])
def test_transformers_computes_the_same_logits(tmp_path: Path, scaling: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = huggingface_config(WIDE)
    del config["architectures"]
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            **{**config, "max_position_embeddings": 128, "rope_scaling": scaling}
        )
    ).eval()
    torch.manual_seed(1)
    for parameter in theirs.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    theirs.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(sentencepiece_model())
    tokens = list(range(40, 70))
    model = checkpoints.load(tmp_path, target=Target(context_length=32))
    with torch.no_grad():
        expected = theirs(torch.tensor([tokens])).logits[0].numpy()
    logits = OnnxModel(model).logits_of_each(tokens)
    assert np.abs(logits - expected).max() < 2e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["llama3", "yarn", "long longrope"])
def test_engine_and_references_turn_alike(tmp_path: Path, name: str) -> None:
    scaling, context, _, _ = TRANSFORMERS[name]
    model = checkpoints.load(
        write_huggingface(tmp_path, WIDE, rope_scaling=scaling, max_position_embeddings=128),
        target=Target(context_length=context),
    )
    table = write_model(quantise(model))
    read = read_model(table)
    assert read.config.rope_factors == model.config.rope_factors
    assert read.config.rope_attention == model.config.rope_attention
    tokens = [1, 50, 60, 70, 80]
    engine = Engine(shaper_module("portable"), table)
    np.testing.assert_array_equal(engine.logits(tokens), ReferenceModel(read).logits(tokens))
    exact = FloatModel(model).logits(tokens)
    assert np.abs(OnnxModel(model).logits(tokens) - exact).max() < 1e-4 * np.abs(exact).max()


def test_any_base_is_the_engine_s() -> None:
    """A base that is no float32 is rounded when it is read, not when it is written."""
    model = random_model(rope_theta=12345.678)
    config = fit(model.config, Target())
    read = read_model(write_model(quantise(replace(model, config=config))))
    np.testing.assert_array_equal(rope_table(read.config), rope_table(config))


def test_where_the_scaling_stands(tmp_path: Path) -> None:
    """``rope_scaling`` counts where there are both; the context of the first training may stand outside."""
    inside = dict(YARN)
    original = inside.pop("original_max_position_embeddings")
    wide = replace(WIDE, config=replace(WIDE.config, context_length=8192))
    expected = checkpoints.load(write_huggingface(tmp_path / "a", wide, rope_scaling=YARN)).config
    for number, changes in enumerate(
        (
            {"rope_scaling": inside, "original_max_position_embeddings": original},
            {"rope_scaling": YARN, "rope_parameters": {"rope_type": "linear", "factor": 9.0}},
            {"rope_scaling": {}, "rope_parameters": YARN},
            {"rope_parameters": {**YARN, "factor": None}},
        )
    ):
        folder = write_huggingface(tmp_path / f"{number}", wide, **changes)
        assert checkpoints.load(folder).config == expected


@pytest.mark.parametrize(
    ("scaling", "cause"),
    [
        ({"rope_type": "su"}, "rope_scaling of type 'su', which is not supported"),
        ({"rope_type": ["yarn"]}, "of type ['yarn'], which is not supported"),
        ({**YARN, "factor": -1.0}, "yarn's factor -1"),
        ({**YARN, "factor": 10**400}, "factor is too large"),
        ({**YARN, "beta_fast": -1.0}, "beta_fast -1"),
        ({**YARN, "original_max_position_embeddings": 0}, "original_max_position_embeddings 0"),
        ({**YARN, "attention_factor": 0.0}, "attention factor is 0"),
        ({**LONGROPE, "long_factor": [1.0]}, "has 1 factors for 8 frequencies"),
        ({**LONGROPE, "long_factor": [0.0] * 8}, "not positive"),
        ({**LONGROPE, "long_factor": ["1"] * 8}, "long_factor is no list of numbers"),
        ({**LONGROPE, "long_factor": None}, "lacks long_factor"),
    ],
)
def test_scaling_refused(tmp_path: Path, scaling: dict[str, Any], cause: str) -> None:
    folder = write_huggingface(tmp_path, WIDE, rope_scaling=scaling)
    with pytest.raises(FontgenError) as error:
        checkpoints.load(folder)
    assert "config.json" in str(error.value) and cause in str(error.value)


# ---- GGUF ----


def write_scaled(path: Path, kind: gguf.RopeScalingType, *, n: int = 8192, **values: float) -> Path:
    def fields(writer: Any) -> None:
        writer.add_rope_scaling_type(kind)
        writer.add_rope_scaling_orig_ctx_len(32 if "long" in kind.value else 2048)
        for name, value in values.items():
            writer.add_float32(f"llama.rope.scaling.{name}", value)

    factors = {"rope_factors_short.weight": SHORT, "rope_factors_long.weight": LONG}
    return write_gguf(
        path,
        replace(WIDE, config=replace(WIDE.config, context_length=n)),
        fields=fields,
        tensors={
            name: np.array(factor, np.float32)
            for name, factor in factors.items()
            if kind == gguf.RopeScalingType.LONGROPE
        },
    )


def test_gguf_says_the_same(tmp_path: Path) -> None:
    """The formulas of llama.cpp: its attention factor multiplies YaRN's, and is all of LongRoPE's."""
    long = write_scaled(
        tmp_path / "l.gguf", gguf.RopeScalingType.LONGROPE, attn_factor=1.1832159566199232
    )
    steep = {"yarn_beta_fast": 16.0, "yarn_beta_slow": 2.0}
    for path, context, name in (
        (write_scaled(tmp_path / "y.gguf", gguf.RopeScalingType.YARN, factor=4.0), 40, "yarn"),
        (long, 32, "short longrope"),
        (long, 33, "long longrope"),
    ):
        _, _, attention, frequencies = TRANSFORMERS[name]
        config = checkpoints.load(path, target=Target(context_length=context)).config
        np.testing.assert_allclose(angles(config), frequencies, rtol=2e-6)
        np.testing.assert_allclose(config.rope_attention, attention, rtol=1e-6)
    path = write_scaled(
        tmp_path / "s.gguf", gguf.RopeScalingType.YARN, factor=4.0, attn_factor=2.0, **steep
    )
    folder = write_huggingface(
        tmp_path / "s", replace(WIDE, config=replace(WIDE.config, context_length=8192)),
        rope_scaling={**YARN, "beta_fast": 16.0, "beta_slow": 2.0},
    )  # fmt: skip
    config, same = checkpoints.load(path).config, checkpoints.load(folder).config
    assert config.rope_factors == same.rope_factors
    np.testing.assert_allclose(config.rope_attention, 2 * same.rope_attention, rtol=1e-6)


def test_gguf_without_a_type_is_linear(tmp_path: Path) -> None:
    """As in llama.cpp: no type is linear, and the type none no scaling at all."""

    def factor(writer: Any) -> None:
        writer.add_rope_scaling_factor(4.0)

    def none(writer: Any) -> None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
        writer.add_rope_scaling_factor(4.0)

    linear = checkpoints.load(write_gguf(tmp_path / "a.gguf", random_model(), fields=factor))
    assert linear.config.rope_factors == (4, 4)
    plain = checkpoints.load(write_gguf(tmp_path / "b.gguf", random_model(), fields=none))
    assert plain.config == random_model().config


def test_gguf_refused(tmp_path: Path) -> None:
    path = write_scaled(tmp_path / "a.gguf", gguf.RopeScalingType.YARN, yarn_ext_factor=0.5)
    with pytest.raises(FontgenError, match="yarn_ext_factor, which is not supported"):
        checkpoints.load(path)
    path = write_gguf(
        tmp_path / "b.gguf",
        random_model(),
        fields=lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.LONGROPE),
    )
    with pytest.raises(FontgenError, match="no RoPE factors for short contexts"):
        checkpoints.load(path)
