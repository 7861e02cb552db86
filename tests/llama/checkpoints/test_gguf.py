"""GGUF files as the gguf package writes them, of all weight types promised, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from support.checkpoint_writers import (
    llama2c_tokenizer,
    random_model,
    sentencepiece_model,
    write_gguf,
    write_huggingface,
    write_llama2c,
)

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.model import rope_table
from fontgen.llama.reference.onnx_model import OnnxModel

TOKENS = [1, 40, 300, 7, 7, 299, 12, 40]
BLOCKS_OF_32 = {"dim": 64, "hidden_dim": 96, "n_heads": 8, "n_kv_heads": 4}


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(FontgenError) as caught:
        checkpoints.load(path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(path))
    return str(caught.value)


@pytest.mark.parametrize("tied", [True, False])
def test_same_weights_in_all_three_forms(tmp_path: Path, tied: bool) -> None:
    random = random_model(tied_embeddings=tied, rope_theta=10000.0, norm_eps=1e-5)
    expected = checkpoints.load(write_llama2c(tmp_path, random))
    model = checkpoints.load(write_gguf(tmp_path / "tiny.gguf", random))
    huggingface = checkpoints.load(write_huggingface(tmp_path / "hf", random))

    assert model.config == expected.config == huggingface.config
    assert list(model.tensors) == list(expected.tensors)
    for name, tensor in expected.tensors.items():
        np.testing.assert_array_equal(model.tensors[name], tensor, err_msg=name)
        np.testing.assert_array_equal(huggingface.tensors[name], tensor, err_msg=name)
    assert model.vocabulary.pieces == expected.vocabulary.pieces
    np.testing.assert_array_equal(model.vocabulary.kinds, expected.vocabulary.kinds)
    np.testing.assert_array_equal(model.vocabulary.scores, expected.vocabulary.scores)
    assert (model.vocabulary.bos, model.vocabulary.eos, model.vocabulary.unk) == (1, 2, 0)
    assert (model.card.name, model.card.license) == ("tiny", "mit")

    logits = [OnnxModel(m).logits_of_each(TOKENS) for m in (expected, model, huggingface)]
    np.testing.assert_array_equal(logits[0], logits[1])
    np.testing.assert_array_equal(logits[0], logits[2])


@pytest.mark.parametrize(
    ("weight_type", "error"),
    [("F16", 2**-11), ("BF16", 2**-8), ("Q8_0", 1 / 127), ("Q4_0", 1 / 7)],
)
def test_weight_types(tmp_path: Path, weight_type: str, error: float) -> None:
    """Each weight within the type's step of the largest in its block of 32."""
    random = random_model(**BLOCKS_OF_32)
    path = write_gguf(tmp_path / "tiny.gguf", random, weight_type=weight_type)
    model = checkpoints.load(path)
    for name, tensor in random.tensors.items():
        if tensor.ndim == 1:
            np.testing.assert_array_equal(model.tensors[name], tensor)
            continue
        quantised = model.tensors[name]
        stored = gguf.quantize(tensor, gguf.GGMLQuantizationType[weight_type])
        np.testing.assert_array_equal(
            quantised, gguf.dequantize(stored, gguf.GGMLQuantizationType[weight_type])
        )
        blocks = tensor.reshape(-1, 32)
        bound = 1.01 * error * np.abs(blocks).max(axis=1, keepdims=True)
        assert (np.abs(quantised.reshape(-1, 32) - blocks) <= bound).all()
        assert not np.array_equal(quantised, tensor)


def test_untied_classifier_that_repeats_the_embeddings(tmp_path: Path) -> None:
    random = random_model()
    path = write_gguf(
        tmp_path / "tiny.gguf",
        random,
        tensors={"output.weight": random.tensors["tok_embeddings.weight"]},
    )
    assert checkpoints.load(path).config.tied_embeddings


def test_tokenizer_settings(tmp_path: Path) -> None:
    path = write_gguf(
        tmp_path / "tiny.gguf", random_model(), fields=lambda w: w.add_add_space_prefix(False)
    )
    assert not checkpoints.load(path).vocabulary.add_dummy_prefix
    given = tmp_path / "tokenizer.model"
    given.write_bytes(sentencepiece_model())
    assert checkpoints.load(path, tokenizer=given).vocabulary.add_dummy_prefix
    given.write_bytes(sentencepiece_model(vocab_size=330))
    with pytest.raises(FontgenError, match="has 330 tokens, but tiny.gguf has 320"):
        checkpoints.load(path, tokenizer=given)


def test_rope_freqs_of_one_change_nothing(tmp_path: Path) -> None:
    path = write_gguf(
        tmp_path / "tiny.gguf", random_model(), tensors={"rope_freqs.weight": np.ones(2, "<f4")}
    )
    assert checkpoints.load(path).config == random_model().config


def test_scaled_rope(tmp_path: Path) -> None:
    """``rope_freqs`` divide the frequencies one by one (ggml's ``rope``), linear scaling all of them."""
    freqs = {"rope_freqs.weight": np.array([1, 8], "<f4")}
    path = write_gguf(tmp_path / "llama3.gguf", random_model(), tensors=freqs)
    assert checkpoints.load(path).config.rope_factors == (1, 8)

    def linear(writer: Any) -> None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(4.0)

    path = write_gguf(tmp_path / "linear.gguf", random_model(), fields=linear, tensors=freqs)
    model = checkpoints.load(path)
    assert model.config.rope_factors == (4, 32)
    plain, scaled = rope_table(random_model().config), rope_table(model.config)
    np.testing.assert_allclose(scaled[::4, 0], plain[: len(plain) // 4, 0], atol=1e-6)
    old = write_gguf(
        tmp_path / "old.gguf",
        random_model(),
        fields=lambda w: w.add_float32("llama.rope.scale_linear", 1.0),
    )
    assert checkpoints.load(old).config == random_model().config


def test_scores_are_zero_where_there_are_none(tmp_path: Path) -> None:
    path = write_gguf(
        tmp_path / "tiny.gguf",
        random_model(),
        fields=lambda w: w.kv_data[0].pop("tokenizer.ggml.scores"),
    )
    assert not checkpoints.load(path).vocabulary.scores.any()


@pytest.mark.parametrize("weight_type", ["F32", "F16"])
def test_a_big_endian_file_of_floats_is_read(tmp_path: Path, weight_type: str) -> None:
    little = write_gguf(tmp_path / "little.gguf", random_model(), weight_type=weight_type)
    big = write_gguf(
        tmp_path / "big.gguf",
        random_model(),
        weight_type=weight_type,
        endianess=gguf.GGUFEndian.BIG,
    )
    assert little.read_bytes() != big.read_bytes()
    for name, tensor in checkpoints.load(little).tensors.items():
        np.testing.assert_array_equal(checkpoints.load(big).tensors[name], tensor)


def test_a_big_endian_file_of_blocks_is_refused_by_that_name(tmp_path: Path) -> None:
    random = random_model(**BLOCKS_OF_32)
    path = tmp_path / "big.gguf"
    write_gguf(path, random, weight_type="Q8_0", endianess=gguf.GGUFEndian.BIG)
    assert "is for big-endian machines and tensor token_embd.weight is Q8_0" in refusal(path)


def test_a_model_in_several_files(tmp_path: Path) -> None:
    """As llama.cpp's gguf-split writes them: the first has the metadata, no tensor need be in it."""
    random = random_model()
    whole = write_gguf(tmp_path / "whole.gguf", random)
    names = list(random.tensors)
    parts = [[], names[:7], names[7:]]
    paths = [tmp_path / f"tiny-{i:05}-of-00003.gguf" for i in (1, 2, 3)]
    for number, (path, part) in enumerate(zip(paths, parts, strict=True)):

        def fields(writer: Any, number: int = number) -> None:
            if number:
                writer.kv_data[0].clear()
            writer.add_uint16("split.no", number)
            writer.add_uint16("split.count", 3)

        tensors = {name: random.tensors[name] for name in part}
        write_gguf(path, dataclasses.replace(random, tensors=tensors), fields=fields)
    expected = checkpoints.load(whole)
    for path in paths:
        model = checkpoints.load(path)
        assert model.config == expected.config
        for name, tensor in expected.tensors.items():
            np.testing.assert_array_equal(model.tensors[name], tensor)
    assert len({checkpoints.load(path).card.sha256 for path in paths}) == 1
    paths[2].rename(tmp_path / "tiny-3.gguf")
    assert refusal(paths[0]).endswith("of which tiny-00003-of-00003.gguf is missing")
    assert "whose names end in -00001-of-00003.gguf" in refusal(tmp_path / "tiny-3.gguf")


def test_what_ends_a_text(tmp_path: Path) -> None:
    """EOS, EOT and what llama.cpp knows by its name; BOS stands before a text unless the file says otherwise."""

    def fields(writer: Any) -> None:
        tokens = writer.kv_data[0]["tokenizer.ggml.tokens"].value
        types = writer.kv_data[0]["tokenizer.ggml.token_type"].value
        tokens[300:304], types[300:303] = ["<|eot|>", "<|im_end|>", "<|user|>", "<|end|>"], [3] * 3
        writer.add_eot_token_id(300)
        writer.add_add_bos_token(False)

    vocabulary = checkpoints.load(
        write_gguf(tmp_path / "a.gguf", random_model(), fields=fields)
    ).vocabulary
    assert vocabulary.eos == 2
    assert set(vocabulary.stops) == {300, 301}
    assert vocabulary.ends == {1, 2, 300, 301}
    assert not vocabulary.add_bos
    assert checkpoints.load(write_gguf(tmp_path / "b.gguf", random_model())).vocabulary.add_bos


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        (lambda w: w.add_string("llama.rope.scaling.type", "su"), "of type 'su'"),
        (lambda w: w.add_expert_count(8), "mixture of experts"),
        (lambda w: w.add_key_length(8), "llama.attention.key_length 8"),
        (lambda w: w.add_sliding_window(8), "sliding window of 8"),
        (lambda w: w.add_uint32("llama.rope.dimension_count", 2), "dimension_count 2"),
        (lambda w: w.add_tokenizer_model("gpt2"), "splits text as 'default' (tokenizer.ggml.pre)"),
        (lambda w: w.add_tokenizer_model("t5"), "its tokenizer is t5"),
        (lambda w: w.add_token_types([1]), "token_type has 1 entries for 320 tokens"),
        (lambda w: w.add_token_scores(["high"] * 320), "scores is no list of float"),
        (lambda w: w.add_token_list([1] * 320), "tokens is no list of str"),
        (lambda w: w.add_bos_token_id(5000), "no BOS"),
        (lambda w: w.add_string("llama.block_count", "three"), "block_count is 'three'"),
        (lambda w: w.add_block_count(4), "tensor layers.3.attention_norm.weight is missing"),
        (lambda w: w.add_block_count(1 << 23), "n_layers is 8,388,608"),
        (lambda w: w.add_head_count(0), "n_heads is 0"),
        (lambda w: w.add_layer_norm_rms_eps(-1.0), "norm_eps is -1"),
    ],
)
def test_metadata_refused(tmp_path: Path, fields: Any, cause: str) -> None:
    def overriding(writer: Any) -> None:
        added = writer.kv_data[0]
        before = dict(added)
        added.clear()  # the writer refuses a key twice
        fields(writer)
        for key, value in before.items():
            added.setdefault(key, value)

    path = write_gguf(tmp_path / "tiny.gguf", random_model(), fields=overriding)
    assert cause in refusal(path)


def test_vocabulary_of_another_size(tmp_path: Path) -> None:
    random = random_model()
    path = write_gguf(tmp_path / "tiny.gguf", random_model(vocab_size=310))
    assert "has 310 tokens but the tokenizer 320" in refusal(path)
    assert len(random.vocabulary) == 320


def test_tensors_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    write_gguf(path, random_model(), tensors={"rope_freqs.weight": np.full(3, 8.0, "<f4")})
    assert "RoPE has 3 factors for 2 frequencies" in refusal(path)
    write_gguf(path, random_model(), tensors={"blk.0.attn_q.bias": np.ones(24, "<f4")})
    assert "blk.0.attn_q.bias.weight is not part of a Llama" in refusal(path)
    write_gguf(path, random_model(), architecture="gpt2")
    assert "architecture 'gpt2'" in refusal(path)
    random = random_model()
    random.tensors["norm.weight"][0] = np.nan
    assert "tensor norm.weight holds a value that is not finite" in refusal(
        write_gguf(path, random)
    )


def test_cut_short_anywhere(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", random_model())
    data = path.read_bytes()
    for size in [*range(4, 400, 7), *range(400, len(data), 4999), len(data) - 33]:
        path.write_bytes(data[:size])
        message = refusal(path)
        assert "is cut short" in message and f"has {size:,}" in message


def test_flipped_bytes_are_never_more_than_a_refusal(tmp_path: Path) -> None:
    """Lengths, counts, types and names of all kinds of damage; what loads must still be a model."""
    path = write_gguf(tmp_path / "tiny.gguf", random_model())
    data = path.read_bytes()
    header = len(data) - sum(4 * t.size for t in random_model().tensors.values())
    rng = np.random.default_rng(7)
    for position in rng.integers(4, header, 60):
        damaged = bytearray(data)
        damaged[position] = int(
            rng.choice([0, 255, damaged[position] ^ 1, damaged[position] ^ 128])
        )
        path.write_bytes(damaged)
        try:
            checkpoints.load(path).check()
        except FontgenError as error:
            assert str(error).startswith(str(path))


def test_not_gguf_after_all(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF" + (9).to_bytes(4, "little") + bytes(100))
    assert "version 9" in refusal(path)
    (tmp_path / "tokenizer.bin").write_bytes(llama2c_tokenizer())
    path.write_bytes(b"Gguf" + bytes(100))
    assert "is not a checkpoint that fontgen reads" in refusal(path)
