"""Hugging Face folders: weights, shards, tokenizers, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from support.checkpoint_writers import (
    SPACE,
    encode,
    huggingface_tensors,
    random_model,
    sentencepiece_model,
    small_vocabulary,
    tokenizer_json,
    write_huggingface,
    write_llama2c,
)
from support.llama_transcription import transcription

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.sentencepiece_model import decode_sentencepiece
from fontgen.llama.model import PieceKind, Vocabulary
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.onnx_model import OnnxModel
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.wasm_engine import Engine

TOKENS = [1, 40, 300, 7, 7, 299, 12, 40]
TEXTS = [
    "The little fox",
    "Tom's café, 1234",
    "a  b",
    "Привет 🦊",
    "the hen\nsaid",
    "foxes!!",
    "the<",
]


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(FontgenError) as caught:
        checkpoints.load(path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and caught.value.path is not None
    return str(caught.value)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("tied", [True, False])
def test_same_weights_as_llama2c(tmp_path: Path, tied: bool, shards: int) -> None:
    random = random_model(tied_embeddings=tied)
    expected = checkpoints.load(write_llama2c(tmp_path, random))
    model = checkpoints.load(write_huggingface(tmp_path / "hf", random, shards=shards))
    assert model.config == expected.config
    for name, tensor in expected.tensors.items():
        np.testing.assert_array_equal(model.tensors[name], tensor, err_msg=name)
    assert list(model.tensors) == list(expected.tensors)
    assert model.vocabulary.pieces == expected.vocabulary.pieces
    assert model.card.name == "hf" and len(model.card.sha256) == 64
    np.testing.assert_array_equal(
        OnnxModel(model).logits(TOKENS), OnnxModel(expected).logits(TOKENS)
    )


def test_rotary_layout_is_hugging_face_s(tmp_path: Path) -> None:
    """Random tensors in the folder, computed with halves there and with neighbours here."""
    random = random_model(seed=8)
    model = checkpoints.load(write_huggingface(tmp_path, random))
    theirs = huggingface_tensors(random)
    halves = dict(random.tensors)
    for layer in range(random.config.n_layers):
        for ours, name in (("wq", "q_proj"), ("wk", "k_proj")):
            halves[f"layers.{layer}.attention.{ours}.weight"] = theirs[
                f"model.layers.{layer}.self_attn.{name}.weight"
            ]
    expected = transcription(replace(random, tensors=halves), TOKENS, halves=True)
    logits = OnnxModel(model).logits_of_each(TOKENS)
    assert np.abs(logits - expected).max() < 2e-5 * np.abs(expected).max()
    wrong = transcription(replace(random, tensors=halves), TOKENS)
    assert np.abs(wrong - expected).max() > 1e-2


def test_keys_left_out_have_transformers_defaults(tmp_path: Path) -> None:
    random = random_model(n_kv_heads=6, tied_embeddings=False, norm_eps=1e-6, context_length=2048)
    left_out = dict.fromkeys(
        ["num_key_value_heads", "tie_word_embeddings", "rms_norm_eps", "max_position_embeddings",
         "rope_theta", "hidden_act", "architectures"]
    )  # fmt: skip
    folder = write_huggingface(tmp_path, random, **left_out)
    assert checkpoints.load(folder).config == random.config


def test_a_folder_may_be_called_as_files_are(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path / "tiny.safetensors", random_model())
    assert checkpoints.load(folder).config == random_model().config


def test_rope_parameters_of_transformers_5(tmp_path: Path) -> None:
    folder = write_huggingface(
        tmp_path,
        random_model(),
        rope_theta=None,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    )
    assert checkpoints.load(folder).config.rope_theta == 500.0


def test_old_rotary_tables_are_ignored(tmp_path: Path) -> None:
    random = random_model()
    folder = write_huggingface(tmp_path, random)
    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.float32)}
    safetensors.numpy.save_file(
        {**huggingface_tensors(random), **extra}, folder / "model.safetensors"
    )
    assert set(checkpoints.load(folder).tensors) == set(random.tensors)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"architectures": ["GPT2LMHeadModel"]}, "is GPT2LMHeadModel; only LlamaForCausalLM"),
        ({"architectures": None, "model_type": "mistral"}, "model_type 'mistral'"),
        ({"architectures": 2.5}, "architectures is no list"),
        ({"rope_scaling": {"type": "linear"}}, "lacks factor"),
        ({"rope_scaling": {"type": "linear", "factor": -1.0}}, "not positive"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "lacks low_freq_factor"),
        ({"rope_scaling": {"rope_type": "longrope", "factor": 8.0}}, "lacks short_factor"),
        ({"rope_parameters": {"rope_type": "su"}}, "rope_parameters of type 'su'"),
        ({"rope_scaling": "linear"}, "expected an object"),
        ({"attention_bias": True}, "attention_bias True"),
        ({"mlp_bias": True}, "mlp_bias True"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"head_dim": 8}, "head_dim 8"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor 0.5"),
        ({"hidden_size": None}, "lacks hidden_size"),
        ({"num_key_value_heads": 5}, "not a multiple of n_kv_heads 5"),
        ({"num_hidden_layers": 1 << 20}, "n_layers is 1,048,576"),
        ({"hidden_size": 36864, "num_hidden_layers": 40}, "too large for a font"),
        ({"num_hidden_layers": 4}, "tensor layers.3.attention_norm.weight is missing"),
        ({"intermediate_size": 48}, "has shape (44, 24), expected (48, 24)"),
        ({"num_attention_heads": 12}, "has shape (8, 24), expected (4, 24)"),
        ({"vocab_size": 319}, "no tokenizer of 319 tokens"),
        ({"vocab_size": 330}, "has 330 tokens but the tokenizer 320"),
        ({"tie_word_embeddings": False}, "there is no tensor"),
    ],
)
def test_config_refused(tmp_path: Path, changes: dict[str, object], cause: str) -> None:
    assert cause in refusal(write_huggingface(tmp_path, random_model(), **changes))


def test_tied_config_with_a_classifier(tmp_path: Path) -> None:
    folder = write_huggingface(
        tmp_path, random_model(tied_embeddings=False), tie_word_embeddings=True
    )
    assert "is tied to the embeddings, but there is a tensor" in refusal(folder)


def test_tensors_refused(tmp_path: Path) -> None:
    random = random_model()
    folder = write_huggingface(tmp_path, random)
    bias = {"model.layers.0.self_attn.q_proj.bias": np.ones(24, np.float32)}
    weights = folder / "model.safetensors"
    safetensors.numpy.save_file({**huggingface_tensors(random), **bias}, weights)
    assert "self_attn.q_proj.bias is not part of a Llama" in refusal(folder)
    weights.write_bytes(weights.read_bytes()[:-7])
    assert "is cut short" in refusal(folder)
    weights.unlink()
    assert "neither model.safetensors nor model.safetensors.index.json" in refusal(folder)
    (folder / "pytorch_model.bin").touch()
    assert "PyTorch pickles" in refusal(folder)


def test_shards_refused(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, random_model(), shards=2)
    index = folder / "model.safetensors.index.json"
    assert checkpoints.load(index).config == random_model().config
    missing = folder / "model-00002-of-00002.safetensors"
    data = missing.read_bytes()
    missing.unlink()
    assert refusal(folder) == f"{index}: names the shard {missing.name}, which is missing"
    missing.write_bytes(data[:-1])
    message = refusal(folder)
    assert message.startswith(f"{missing}: is cut short") and f"needs {len(data):,}" in message
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": "../secret.safetensors"}}))
    assert "which is no file name" in refusal(folder)
    index.write_text("{}")
    assert "has no weight_map" in refusal(folder)


# tokenizer.json


def read_json(folder: Path, document: dict[str, object], **beside: object) -> Vocabulary:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(document))
    if beside:
        (folder / "tokenizer_config.json").write_text(json.dumps(beside))
    return tokenizers.read(path)


@pytest.mark.parametrize("vocab_size", [320, 480])
@pytest.mark.parametrize("metaspace", [False, True])
def test_tokenizer_json_is_the_same_vocabulary(
    tmp_path: Path, metaspace: bool, vocab_size: int
) -> None:
    document = tokenizer_json(metaspace=metaspace, vocab_size=vocab_size)
    vocabulary = read_json(tmp_path, document)
    expected = decode_sentencepiece(sentencepiece_model(vocab_size=vocab_size))
    assert vocabulary.pieces == expected.pieces
    np.testing.assert_array_equal(vocabulary.kinds, expected.kinds)
    assert (vocabulary.bos, vocabulary.eos, vocabulary.unk) == (1, 2, 0)
    assert vocabulary.add_dummy_prefix and not vocabulary.remove_extra_whitespaces
    for text in TEXTS:
        assert encode(vocabulary, text) == encode(expected, text), text


@pytest.mark.parametrize("metaspace", [False, True])
def test_tokenizers_library_agrees(tmp_path: Path, metaspace: bool) -> None:
    library = pytest.importorskip("tokenizers")
    vocabulary = read_json(tmp_path, tokenizer_json(metaspace=metaspace))
    theirs = library.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    for text in TEXTS:
        assert encode(vocabulary, text) == theirs.encode(text).ids, text


def test_folder_with_tokenizer_json_only(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, random_model(), bos_token_id=1, eos_token_id=[1, 2])
    (folder / "tokenizer.model").unlink()
    read_json(folder, tokenizer_json(), add_prefix_space=False)
    vocabulary = checkpoints.load(folder).vocabulary
    assert vocabulary.pieces == small_vocabulary().pieces
    assert (vocabulary.bos, vocabulary.eos, vocabulary.stops) == (1, 2, (1,))
    assert not vocabulary.add_dummy_prefix


def test_the_tokenizer_s_own_bos_comes_before_what_config_json_says(tmp_path: Path) -> None:
    """As in transformers, whose tokenizer puts it there, and llama.cpp's converter."""
    folder = write_huggingface(tmp_path, random_model(), bos_token_id=0, eos_token_id=1)
    vocabulary = checkpoints.load(folder).vocabulary
    assert (vocabulary.bos, vocabulary.eos) == (1, 2)
    (folder / "tokenizer.model").unlink()
    read_json(folder, tokenizer_json(), bos_token="<s>", eos_token="</s>")
    vocabulary = checkpoints.load(folder).vocabulary
    assert (vocabulary.bos, vocabulary.eos) == (1, 2)


def with_names(bos: str, eos: str) -> dict[str, Any]:
    """A tokenizer whose special tokens are not called <s> and </s>."""
    document = tokenizer_json()
    for token, name in ((1, bos), (2, eos)):
        piece = document["added_tokens"][token]["content"]
        document["added_tokens"][token]["content"] = name
        document["model"]["vocab"] = {
            name if key == piece else key: value
            for key, value in document["model"]["vocab"].items()
        }
    return document


def test_bos_that_only_special_tokens_map_names(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, random_model(), bos_token_id=None, eos_token_id=None)
    (folder / "tokenizer.model").unlink()
    read_json(folder, with_names("<|bos|>", "<|eos|>"))
    assert "no BOS token" in refusal(folder)
    names = {"bos_token": {"content": "<|bos|>"}, "eos_token": "<|eos|>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(names))
    vocabulary = checkpoints.load(folder).vocabulary
    assert (vocabulary.bos, vocabulary.eos) == (1, 2)


def test_bos_that_only_config_json_names(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, random_model(), bos_token_id=1, eos_token_id=[2, 5])
    (folder / "tokenizer.model").unlink()
    read_json(folder, with_names("<|bos|>", "<|eos|>"))
    vocabulary = checkpoints.load(folder).vocabulary
    assert (vocabulary.bos, vocabulary.eos, vocabulary.stops) == (1, 2, (5,))
    assert vocabulary.add_bos


@pytest.mark.parametrize("added", [True, False])
def test_bos_is_added_as_the_tokenizer_s_configuration_says(tmp_path: Path, added: bool) -> None:
    folder = write_huggingface(tmp_path, random_model())
    (folder / "tokenizer_config.json").write_text(json.dumps({"add_bos_token": added}))
    assert checkpoints.load(folder).vocabulary.add_bos is added
    (folder / "tokenizer.model").unlink()
    read_json(folder, tokenizer_json(), add_bos_token=added)
    assert checkpoints.load(folder).vocabulary.add_bos is added


def test_several_ends_of_a_text(tmp_path: Path) -> None:
    folder = write_huggingface(tmp_path, random_model(), eos_token_id=[2, 7])
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 9, 5000]}))
    vocabulary = checkpoints.load(folder).vocabulary
    assert (vocabulary.eos, vocabulary.stops) == (2, (7, 9))
    assert vocabulary.ends == {1, 2, 7, 9}


def test_byte_pieces_may_be_added_tokens_too(tmp_path: Path) -> None:
    document = tokenizer_json()
    ids = document["model"]["vocab"]
    document["added_tokens"] += [
        document["added_tokens"][0] | {"id": ids[piece], "content": piece}
        for piece in ("<0xC3>", "<0xA9>")
    ]
    vocabulary = read_json(tmp_path, document)
    theirs = pytest.importorskip("tokenizers").Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert encode(vocabulary, "\u00e9") == theirs.encode("\u00e9", add_special_tokens=False).ids


def test_metaspace_puts_no_space_before_a_text_that_has_one(tmp_path: Path) -> None:
    vocabulary = read_json(tmp_path, tokenizer_json(metaspace=True))
    theirs = pytest.importorskip("tokenizers").Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    engine = Engine(
        shaper_module("portable"),
        write_model(quantise(dataclasses.replace(random_model(), vocabulary=vocabulary))),
    )
    for text in ("the fox", " the fox", "  the fox", "\u2581the", " ", ""):
        expected = theirs.encode(text, add_special_tokens=False).ids
        assert ReferenceTokenizer(vocabulary).encode(text) == expected, text
        assert engine.encode(text) == expected, text


@pytest.mark.parametrize("shards", [1, 2])
def test_rows_without_a_token_are_left_out(tmp_path: Path, shards: int) -> None:
    padded = random_model(vocab_size=384, tied_embeddings=False)
    folder = write_huggingface(tmp_path, padded, shards=shards)
    model = checkpoints.load(folder)
    assert model.config.vocab_size == len(model.vocabulary) == 320
    for name in ("tok_embeddings.weight", "output.weight"):
        np.testing.assert_array_equal(model.tensors[name], padded.tensors[name][:320])
    far = write_huggingface(tmp_path / "far", random_model(vocab_size=320 + 1025))
    assert "no tokenizer of 1345 tokens" in refusal(far)


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": ["LLaMAForCausalLM"]},
        {"hidden_act": "swish"},
        {"rope_scaling": {"type": "linear", "factor": 1.0}},
        {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}},
        {"rope_scaling": {"rope_type": "default"}},
    ],
)
def test_what_means_the_same_arithmetic(tmp_path: Path, changes: dict[str, object]) -> None:
    assert checkpoints.load(write_huggingface(tmp_path, random_model(), **changes)).config == (
        random_model().config
    )


def test_special_tokens_of_other_names(tmp_path: Path) -> None:
    document = tokenizer_json()
    document["added_tokens"] += [
        {"id": 320, "content": "<|story|>", "special": True},
        {"id": 321, "content": "<pad>", "special": False},
    ]
    vocabulary = read_json(tmp_path, document, bos_token={"content": "<|story|>"}, eos_token="</s>")
    assert (vocabulary.bos, vocabulary.eos, len(vocabulary)) == (320, 2, 322)
    assert list(vocabulary.kinds[320:]) == [PieceKind.CONTROL, PieceKind.CONTROL]


def test_text_is_never_encoded_with_a_piece_that_no_merge_makes(tmp_path: Path) -> None:
    merges = tokenizer_json()["model"]["merges"]
    vocabulary = read_json(tmp_path, with_model(merges=merges[:-1]))
    piece = merges[-1].replace(" ", "").replace(SPACE, " ").encode()
    assert vocabulary.kinds[vocabulary.pieces.index(piece)] == PieceKind.NEVER_ENCODED


def with_model(document: dict[str, Any] | None = None, **changes: object) -> dict[str, object]:
    document = document or tokenizer_json()
    return {**document, "model": {**document["model"], **changes}}


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ({}, "has no model"),
        (
            {**tokenizer_json(), "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Digits"}, {"type": "ByteLevel"}]}},
            "normalises its text (Prepend)",
        ),
        (with_model(type="Unigram"), "is a Unigram model"),
        (with_model(byte_fallback=False), "no byte fallback"),
        (with_model(end_of_word_suffix="</w>"), "end_of_word_suffix"),
        (with_model(vocab={"a": 0, "b": 0}), "two pieces the same id"),
        (with_model(vocab={"<unk>": 0, "<s>": 1, "</s>": 2, "b": 4}), "their ids are not 0 to 3"),
        (with_model(vocab={"a": 0, "b": 1}), "gives the id 0 to two tokens"),
        (with_model(vocab=[]), "has no vocabulary"),
        (with_model(merges=None), "has no merges"),
        (with_model(merges=[7]), "is not laid out as the tokenizers library does"),
        ({**tokenizer_json(), "normalizer": "lowercase"}, "is not laid out as"),
        (with_model(merges=["f ox"]), "of which not all are pieces"),
        ({**tokenizer_json(), "normalizer": {"type": "NFKC"}}, "normalises its text (NFKC)"),
        ({**tokenizer_json(), "normalizer": None}, "does not write spaces as U+2581"),
        (
            {**tokenizer_json(), "pre_tokenizer": {"type": "Whitespace"}},
            "has a pre-tokenizer Whitespace",
        ),
        (
            {**tokenizer_json(), "added_tokens": [{"id": 320, "content": "fox", "special": False}]},
            "has the added token 'fox', around which the tokenizers library splits",
        ),
    ],
)  # fmt: skip
def test_tokenizer_json_refused(tmp_path: Path, document: dict[str, object], cause: str) -> None:
    with pytest.raises(FontgenError) as caught:
        read_json(tmp_path, document)
    assert str(caught.value).startswith(f"{tmp_path / 'tokenizer.json'}: ")
    assert cause in str(caught.value)


def test_merges_that_scores_cannot_express(tmp_path: Path) -> None:
    document = tokenizer_json(vocab_size=480)
    assert len(read_json(tmp_path, document)) == 480
    merges = document["model"]["merges"]
    made = [merge.replace(" ", "") for merge in merges]
    twice = next(i for i in range(1, len(made)) if made[i] == made[i - 1])
    lost = with_model(document, merges=merges[:twice] + merges[twice + 1 :])
    with pytest.raises(FontgenError, match="in some ways but not of"):
        read_json(tmp_path, lost)
    moved = with_model(document, merges=[*merges[:twice], *merges[twice + 1 :], merges[twice]])
    with pytest.raises(FontgenError, match="by merges of different ranks"):
        read_json(tmp_path, moved)


def test_split_at_spaces_needs_pieces_that_do_not_cross_them(tmp_path: Path) -> None:
    document = tokenizer_json(metaspace=True)
    document["pre_tokenizer"]["split"] = True
    assert read_json(tmp_path, document).pieces == small_vocabulary().pieces
    document["added_tokens"].append({"id": 320, "content": f"a{SPACE}b", "special": True})
    with pytest.raises(FontgenError, match="has pieces that go across"):
        read_json(tmp_path, document)
