"""Readers of llama2.c's and this project's checkpoints and of their tokenizers."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from support.checkpoint_writers import (
    SPACE,
    VOCAB_SIZE,
    encode,
    llama2c_header,
    llama2c_tokenizer,
    llama2c_v0,
    llama2c_v1,
    random_model,
    sentencepiece_model,
    small_vocabulary,
    write_huggingface,
    write_llama2c,
    write_own,
)
from support.paths import SHARED_CHECKPOINTS

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints, limits, memory
from fontgen.llama.checkpoints import tokenizers
from fontgen.llama.checkpoints.sentencepiece_model import decode_sentencepiece
from fontgen.llama.checkpoints.tokenizer_bin import decode_tokenizer_bin
from fontgen.llama.limits import PAGE_CONTEXT
from fontgen.llama.memory import Target, fit
from fontgen.llama.model import Model, ModelConfig, PieceKind, tensor_shapes
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.llama.tables.describe import c_header
from fontgen.llama.wasm_engine import Engine

STORIES_260K = SHARED_CHECKPOINTS / "stories260K.bin"


def assert_same_tensors(model: Model, expected: Model) -> None:
    assert list(model.tensors) == list(tensor_shapes(expected.config))
    for name, tensor in expected.tensors.items():
        assert model.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(model.tensors[name], tensor, err_msg=name)


def refusal(path: Path, **options: object) -> str:
    """The one line with which a checkpoint is refused."""
    with pytest.raises(FontgenError) as caught:
        checkpoints.load(path, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.path is not None
    return message


# llama2.c


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("version", [0, 1])
def test_llama2c(tmp_path: Path, version: int, tied: bool) -> None:
    expected = random_model(tied_embeddings=tied)
    data = (llama2c_v0, llama2c_v1)[version](expected)
    path = write_llama2c(tmp_path, expected)
    path.write_bytes(data)

    model = checkpoints.load(path)

    assert model.config == expected.config
    assert_same_tensors(model, expected)
    assert model.vocabulary.pieces == expected.vocabulary.pieces
    np.testing.assert_array_equal(model.vocabulary.kinds, expected.vocabulary.kinds)
    assert model.card.name == "model"
    assert model.card.source == "model.bin"
    assert model.card.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("tied", [True, False])
def test_llama2c_version_2_is_dequantised(tmp_path: Path, tied: bool) -> None:
    expected = random_model(tied_embeddings=tied)
    path = write_llama2c(tmp_path, expected)
    path.write_bytes(llama2c_v1(expected, group_size=8))

    model = checkpoints.load(path)

    assert model.config == expected.config
    for name, tensor in expected.tensors.items():
        if tensor.ndim == 1:
            np.testing.assert_array_equal(model.tensors[name], tensor)
        else:
            groups = tensor.reshape(-1, 8)
            step = np.abs(groups).max(axis=1, keepdims=True) / 127
            error = np.abs(model.tensors[name].reshape(-1, 8) - groups)
            assert (error <= 0.5001 * step).all()
            assert error.max() > 0


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("change", [-1, -4000, 1])
def test_llama2c_size_must_match_header(tmp_path: Path, version: int, change: int) -> None:
    model = random_model()
    path = write_llama2c(tmp_path, model)
    data = {
        0: llama2c_v0(model),
        1: llama2c_v1(model),
        2: llama2c_v1(model, group_size=8),
    }[version]
    path.write_bytes(data[:change] if change < 0 else data + bytes(change))
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert ("is cut short" if change < 0 else "does not match its header") in message
    assert f"needs {len(data):,} bytes, has {len(data) + change:,}" in message


def test_llama2c_header_of_another_model(tmp_path: Path) -> None:
    model = random_model()
    path = write_llama2c(tmp_path, model)
    data = llama2c_v0(model)
    header = llama2c_header(replace(model.config, n_layers=4))
    path.write_bytes(struct.pack("<7i", *header) + data[28:])
    assert "n_layers 4" in refusal(path)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "is not a checkpoint: llama2.c's header alone needs 28 bytes, has 0"),
        (b"x" * 27, "has 27"),
        (b"Dear diary, this is not a model but a text.", "is not a checkpoint that fontgen reads"),
        (b"24ka" + bytes(40), "its header needs 256 bytes, has 44"),
        (b"24ka" + struct.pack("<i", 7) + bytes(300), "version 7; versions 0, 1 and 2 are read"),
        (b"24ka" + struct.pack("<i", 1) + bytes(300), "dim is 0"),
        (b"PK\x03\x04" + bytes(300), "is a PyTorch pickle"),
        (struct.pack("<7i", 24, 44, 3, 5, 5, 320, 40), "24 is not a multiple of n_heads 5"),
        (struct.pack("<7i", 24, 44, 1 << 20, 6, 6, 320, 40), "n_layers is 1,048,576"),
        (struct.pack("<7i", 1 << 16, 1 << 16, 9, 64, 64, 320, 40), "too large for a font"),
    ],
)
def test_not_a_checkpoint(tmp_path: Path, data: bytes, cause: str) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    assert cause in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_must_be_finite(tmp_path: Path, value: float) -> None:
    model = random_model()
    model.tensors["layers.1.feed_forward.w2.weight"][3, 5] = value
    message = refusal(write_llama2c(tmp_path, model))
    assert "layers.1.feed_forward.w2.weight" in message and "not finite" in message


def test_missing_file(tmp_path: Path) -> None:
    assert "there is no such file or folder" in refusal(tmp_path / "absent.bin")


def test_stories260k() -> None:
    if not STORIES_260K.exists():
        pytest.skip("stories260K.bin is not here")
    model = checkpoints.load(STORIES_260K)
    assert model.config == ModelConfig(
        dim=64, hidden_dim=172, n_layers=5, n_heads=8, n_kv_heads=4, vocab_size=512,
        context_length=512,
    )  # fmt: skip
    assert (model.card.name, model.card.license) == ("stories260K", "MIT")
    assert model.card.source == "stories260K.bin"
    assert model.vocabulary.pieces[1:4] == (b"<s>", b"</s>", b"<0x00>")
    assert list(model.vocabulary.kinds[:4]) == [
        PieceKind.UNKNOWN, PieceKind.CONTROL, PieceKind.CONTROL, PieceKind.BYTE,
    ]  # fmt: skip
    assert (model.vocabulary.kinds == PieceKind.BYTE).sum() == 256
    assert model.n_parameters == 260_032


# This project's folders


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("by_file", [True, False])
def test_own_folder(tmp_path: Path, tied: bool, by_file: bool) -> None:
    expected = random_model(tied_embeddings=tied, norm_eps=1e-6, rope_theta=5000.0)
    folder = write_own(tmp_path / "tiny", expected)
    model = checkpoints.load(folder / "model.safetensors" if by_file else folder)
    assert model.config == expected.config
    assert_same_tensors(model, expected)
    data = (folder / "model.safetensors").read_bytes()
    assert model.card.sha256 == hashlib.sha256(data).hexdigest()
    assert (model.card.name, model.card.license) == ("tiny", "MIT")


def test_own_folder_in_float16(tmp_path: Path) -> None:
    expected = random_model()
    folder = write_own(tmp_path, expected)
    halves = {name: tensor.astype(np.float16) for name, tensor in expected.tensors.items()}
    safetensors.numpy.save_file(halves, folder / "model.safetensors")
    model = checkpoints.load(folder)
    for name, half in halves.items():
        np.testing.assert_array_equal(model.tensors[name], half.astype(np.float32))


def test_own_folder_in_bfloat16(tmp_path: Path) -> None:
    expected = random_model()
    folder = write_own(tmp_path, expected)
    cut = {  # a bfloat16 is a float32 without its lower half
        name: (tensor.view(np.uint32) & 0xFFFF0000).view(np.float32)
        for name, tensor in expected.tensors.items()
    }
    # NumPy has no bfloat16: int16 tensors are written, then called so in the header.
    bits = {name: (tensor.view(np.uint32) >> 16).astype(np.int16) for name, tensor in cut.items()}
    data = safetensors.numpy.save(bits)
    length = 8 + int.from_bytes(data[:8], "little")
    header = data[8:length].replace(b'"I16"', b'"BF16"')
    (folder / "model.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header + data[length:]
    )
    assert_same_tensors(checkpoints.load(folder), replace(expected, tensors=cut))


def test_own_folder_defaults(tmp_path: Path) -> None:
    expected = random_model(n_kv_heads=6, tied_embeddings=False)
    folder = write_own(
        tmp_path / "storyteller", expected, n_kv_heads=None, norm_eps=None, rope_theta=None,
        tied_embeddings=None, name=None,
    )  # fmt: skip
    model = checkpoints.load(folder)
    assert model.config == expected.config
    assert model.card.name == "storyteller"


def test_tied_model_may_repeat_its_embeddings(tmp_path: Path) -> None:
    expected = random_model()
    folder = write_own(tmp_path, expected)
    repeated = {**expected.tensors, "output.weight": expected.tensors["tok_embeddings.weight"]}
    safetensors.numpy.save_file(repeated, folder / "model.safetensors")
    assert_same_tensors(checkpoints.load(folder), expected)


def test_tied_and_untied_mismatch(tmp_path: Path) -> None:
    untied = write_own(tmp_path / "a", random_model(tied_embeddings=False), tied_embeddings=True)
    assert "is tied to the embeddings, but there is a tensor" in refusal(untied)
    tied = write_own(tmp_path / "b", random_model(), tied_embeddings=False)
    assert "is not tied to the embeddings, but there is no tensor" in refusal(tied)


def test_own_folder_refused(tmp_path: Path) -> None:
    folder = write_own(tmp_path, random_model())
    weights, config = folder / "model.safetensors", folder / "config.json"
    data, keys = weights.read_bytes(), json.loads(config.read_text())

    weights.write_bytes(data[:-10])
    assert f"needs {len(data):,} bytes, has {len(data) - 10:,}" in refusal(folder)
    weights.write_bytes(data + bytes(3))
    assert f"needs {len(data):,} bytes; has {len(data) + 3:,}" in refusal(folder)
    weights.write_bytes(b"no tensors at all")
    assert "is not a safetensors file" in refusal(folder)
    weights.unlink()
    assert "no model.safetensors" in refusal(folder)

    weights.write_bytes(data)
    for change, cause in [
        ({"dim": None, "model_type": None}, "has neither dim"),
        ({"dim": "288"}, "dim is '288', expected an integer"),
        ({"dim": True}, "dim is True"),
        ({"n_layers": None}, "lacks n_layers"),
        ({"n_heads": 5}, "not a multiple of n_heads"),
        ({"norm_eps": "small"}, "norm_eps is 'small'"),
        ({"tied_embeddings": 1}, "tied_embeddings is 1, expected true or false"),
        ({"name": 3}, "name is 3"),
        ({"n_layers": 4}, "tensor layers.3.attention_norm.weight is missing"),
        ({"n_layers": 2}, "tensor layers.2."),
        ({"hidden_dim": 45}, "has shape (44, 24), expected (45, 24)"),
        ({"n_layers": 1 << 11}, "n_layers is 2,048, outside 1 to 1,024"),
    ]:
        config.write_text(json.dumps({**keys, **change}))
        assert cause in refusal(folder), change
    config.write_text("{")
    assert "is not JSON" in refusal(folder)
    config.write_text("[]")
    assert "is not a JSON object" in refusal(folder)
    config.unlink()
    assert "no config.json" in refusal(folder)


def test_integer_weights_are_refused(tmp_path: Path) -> None:
    model = random_model()
    folder = write_own(tmp_path, model)
    safetensors.numpy.save_file(
        {**model.tensors, "norm.weight": np.ones(24, np.int8)}, folder / "model.safetensors"
    )
    assert "tensor norm.weight is I8" in refusal(folder)


# Tokenizers


@pytest.mark.parametrize(
    "options",
    [{}, {"add_dummy_prefix": False}, {"split_digits": True}, {"remove_extra_whitespaces": False}],
)
def test_sentencepiece_tokenizer_encodes_the_same(options: dict[str, object]) -> None:
    data = sentencepiece_model(**options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    vocabulary = decode_sentencepiece(data)
    assert vocabulary.add_dummy_prefix == options.get("add_dummy_prefix", True)
    assert vocabulary.remove_extra_whitespaces == options.get("remove_extra_whitespaces", True)
    assert (vocabulary.bos, vocabulary.eos, vocabulary.unk) == (1, 2, 0)
    for text in ("The little fox", "Tom's café, 1234", "a", "Привет, лиса 🦊", "the hen\nsaid"):
        assert encode(vocabulary, text) == processor.encode(text), text
    for token in range(len(vocabulary)):
        piece = processor.id_to_piece(token).replace("\N{LOWER ONE EIGHTH BLOCK}", " ")
        assert vocabulary.pieces[token] == piece.encode()
        assert vocabulary.scores[token] == np.float32(processor.get_score(token))
        assert (vocabulary.kinds[token] == PieceKind.BYTE) == processor.is_byte(token)
        assert (vocabulary.kinds[token] == PieceKind.CONTROL) == processor.is_control(token)
        assert (vocabulary.kinds[token] == PieceKind.UNKNOWN) == processor.is_unknown(token)


def test_sentencepiece_without_eos() -> None:
    vocabulary = decode_sentencepiece(sentencepiece_model(eos_id=-1))
    assert (vocabulary.bos, vocabulary.eos) == (1, None)


def test_sentencepiece_with_other_ids() -> None:
    vocabulary = decode_sentencepiece(
        sentencepiece_model(unk_id=2, bos_id=0, eos_id=1, bos_piece="<story>", pad_id=3)
    )
    assert (vocabulary.bos, vocabulary.eos, vocabulary.unk) == (0, 1, 2)
    assert vocabulary.kinds[3] == PieceKind.CONTROL


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"model_type": "unigram", "hard_vocab_limit": False}, "is a unigram model"),
        ({"normalization_rule_name": "nmt_nfkc"}, "normalises its text (nmt_nfkc)"),
        ({"treat_whitespace_as_suffix": True}, "at the end of words"),
    ],
)
def test_unsupported_sentencepiece(tmp_path: Path, options: dict[str, object], cause: str) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(sentencepiece_model(**options))
    with pytest.raises(FontgenError) as caught:
        tokenizers.read(path)
    assert str(caught.value).startswith(f"{path}: ") and cause in str(caught.value)


@pytest.fixture(scope="module")
def with_user_defined() -> tuple[sentencepiece.SentencePieceProcessor, ReferenceTokenizer, Engine]:
    """Words within words, spaces, a single character that others contain, and one of several bytes."""
    data = sentencepiece_model(
        user_defined_symbols=f"fox,foxes,{SPACE}fo,he,hen,{SPACE}{SPACE},e,\n,é日,ll"
    )
    vocabulary = decode_sentencepiece(data)
    engine = Engine(
        shaper_module("portable"),
        write_model(quantise(replace(random_model(), vocabulary=vocabulary))),
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    return processor, ReferenceTokenizer(vocabulary), engine


@given(
    words=st.lists(
        st.sampled_from(
            [
                "the",
                "fox",
                "foxes",
                " ",
                "  ",
                "   ",
                "hen",
                "he",
                "n",
                "e",
                "é",
                "日",
                "\n",
                "ll",
                "hello",
            ]
        )
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters=f"{SPACE}\0")),
        max_size=10,
    )
)
@settings(max_examples=150)
def test_user_defined_symbols_are_taken_as_sentencepiece_does(
    with_user_defined: Any, words: list[str]
) -> None:
    processor, reference, engine = with_user_defined
    text = "".join(words)
    expected = processor.encode(text)
    assert reference.encode(text) == expected
    assert engine.encode(text) == expected


def test_user_defined_markup_is_never_typed() -> None:
    data = sentencepiece_model(user_defined_symbols="<sep>")
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    vocabulary = decode_sentencepiece(data)
    assert vocabulary.kinds[processor.piece_to_id("<sep>")] == PieceKind.CONTROL
    spaced = decode_sentencepiece(sentencepiece_model(user_defined_symbols=f"{SPACE}<PRE>"))
    assert spaced.kinds[spaced.pieces.index(b" <PRE>")] == PieceKind.CONTROL
    assert encode(vocabulary, "the little fox") == processor.encode("the little fox")


def test_sentencepiece_without_byte_fallback_encodes_the_same() -> None:
    data = sentencepiece_model(byte_fallback=False, vocab_size=100)
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    tokenizer = ReferenceTokenizer(decode_sentencepiece(data))
    for text in ("the little fox", "Привет fox", "a fox 🦊🦊 the hen"):
        assert tokenizer.encode(text) == processor.encode(text)


def test_of_equal_pieces_the_first_is_used() -> None:
    data = llama2c_tokenizer() + struct.pack("<fi", 5.0, 3) + b"the"
    vocabulary = decode_tokenizer_bin(data + struct.pack("<fi", 6.0, 3) + b"the")
    same = [token for token, piece in enumerate(vocabulary.pieces) if piece == b"the"]
    assert len(same) >= 2
    assert [vocabulary.kinds[token] == PieceKind.NORMAL for token in same] == [
        token == same[0] for token in same
    ]


def test_llama2c_tokenizer_is_the_same_vocabulary() -> None:
    vocabulary, expected = decode_tokenizer_bin(llama2c_tokenizer()), small_vocabulary()
    assert vocabulary.pieces == expected.pieces
    np.testing.assert_array_equal(vocabulary.scores, expected.scores)
    np.testing.assert_array_equal(vocabulary.kinds, expected.kinds)
    assert vocabulary.add_dummy_prefix


@pytest.mark.parametrize(
    ("name", "data", "cause"),
    [
        ("tokenizer.bin", b"", "is cut short"),
        ("tokenizer.bin", llama2c_tokenizer()[:-1], "is cut short: token 319 needs"),
        ("tokenizer.bin", llama2c_tokenizer()[:8], "is cut short: token 0 needs 12 bytes, has 8"),
        ("tokenizer.bin", b"\x07\0\0\0" + b"\xff" * 100, "is no llama2.c tokenizer"),
        (
            "tokenizer.bin",
            llama2c_tokenizer().replace(b"<0x41>", b"<0x42>"),
            "has the byte piece <0x41> 0 times",
        ),
        (
            "tokenizer.bin",
            llama2c_tokenizer().replace(b"<0x41>", b"<Ox41>"),
            "has the byte piece <0x41> 0 times",
        ),
        ("tokenizer.model", b"", "it holds no pieces"),
        ("tokenizer.model", b"\xff" * 50, "is not a sentencepiece model"),
        ("tokenizer.model", sentencepiece_model()[:-3], "is not a sentencepiece model"),
        ("tokenizer.model", sentencepiece_model().replace(b"fo", b"f\xff"), "is not UTF-8"),
        ("tokenizer.txt", b"", "must end in .model, .bin or .json"),
    ],
)
def test_damaged_tokenizer(tmp_path: Path, name: str, data: bytes, cause: str) -> None:
    checkpoint = write_llama2c(tmp_path, random_model())
    path = tmp_path / "given" / name
    path.parent.mkdir()
    path.write_bytes(data)
    message = refusal(checkpoint, tokenizer=path)
    assert message.startswith(f"{path}: ") and cause in message


def test_tokenizer_beside_the_checkpoint(tmp_path: Path) -> None:
    path = write_llama2c(tmp_path, random_model())
    # Many checkpoints have both files of one vocabulary beside them, and others' tokenizers.
    (tmp_path / "tokenizer.model").write_bytes(sentencepiece_model())
    (tmp_path / "tok300.model").write_bytes(sentencepiece_model(vocab_size=VOCAB_SIZE - 20))
    (tmp_path / "tok9.bin").write_bytes(b"not one")
    assert checkpoints.load(path).vocabulary.pieces == small_vocabulary().pieces

    other = sentencepiece_model(split_digits=True, pad_id=3)
    (tmp_path / "tokenizer.model").write_bytes(other)
    message = refusal(path)
    assert "tokenizer.model, tokenizer.bin" in message and "--tokenizer" in message
    chosen = checkpoints.load(path, tokenizer=tmp_path / "tokenizer.model")
    assert chosen.vocabulary.pieces == decode_sentencepiece(other).pieces

    (tmp_path / "tokenizer.model").unlink()
    (tmp_path / "tokenizer.bin").unlink()
    message = refusal(path)
    assert message.startswith(f"{path}: no tokenizer of {VOCAB_SIZE} tokens")
    assert "tok300.model has 300 tokens" in message and "tok9.bin is" in message

    (tmp_path / "tok300.model").unlink()
    (tmp_path / "tok9.bin").unlink()
    assert "looked for tokenizer.model, tokenizer.bin" in refusal(path)


def test_tokenizer_of_another_vocabulary(tmp_path: Path) -> None:
    path = write_llama2c(tmp_path, random_model())
    given = tmp_path / "other" / "tokenizer.model"
    given.parent.mkdir()
    given.write_bytes(sentencepiece_model(vocab_size=300))
    message = refusal(path, tokenizer=given)
    assert message == f"{given}: has 300 tokens, but model.bin has {VOCAB_SIZE}"
    assert "No such file" in refusal(path, tokenizer=tmp_path / "absent.model")


# Limits


BILLION = ModelConfig(
    dim=2048, hidden_dim=5632, n_layers=22, n_heads=32, n_kv_heads=4, vocab_size=32000,
    context_length=1 << 18, tied_embeddings=False,
)  # fmt: skip
THREE_BILLION = ModelConfig(
    dim=3072, hidden_dim=8192, n_layers=28, n_heads=24, n_kv_heads=8, vocab_size=32000,
    context_length=1024,
)  # fmt: skip


def test_what_fits_at_four_bits_alone_is_refused_at_eight_with_the_arithmetic() -> None:
    with pytest.raises(
        FontgenError, match=r"8-bit weights need 2,9\d\d,\d{3},\d{3} .*2,147,483,648"
    ):
        fit(THREE_BILLION, Target(bits=8))
    assert fit(THREE_BILLION, Target(bits=4)) == THREE_BILLION


@pytest.mark.parametrize("write", [write_llama2c, write_own, write_huggingface])
def test_every_reader_hears_of_the_bits(tmp_path: Path, monkeypatch, write) -> None:
    model = random_model()
    path = write(tmp_path, model)
    weights = memory.weight_bytes(model.config, 8)
    monkeypatch.setattr(memory, "FONT_LIMIT", weights + memory.RESERVE)
    assert "too large for a font" in refusal(path)
    assert checkpoints.load(path, target=Target(bits=4)).config.dim == model.config.dim


def test_a_font_s_context_is_at_most_what_its_model_was_trained_for() -> None:
    assert fit(BILLION, Target()).context_length == PAGE_CONTEXT
    assert fit(BILLION, Target(context_length=5000)).context_length == 5000
    for wrong in (0, -1, 1 << 17):
        with pytest.raises(FontgenError, match="is not within 1 to 65,536"):
            fit(BILLION, Target(context_length=wrong))
    with pytest.raises(FontgenError, match="is not within 1 to 1,024: .* trained for 1,024"):
        fit(THREE_BILLION, Target(bits=4, context_length=1025))
    wide = replace(BILLION, n_kv_heads=32)
    with pytest.raises(FontgenError, match=r"KV cache of 23,622,320,128 .*--context"):
        fit(wide, Target(context_length=1 << 16))


@pytest.mark.parametrize("write", [write_llama2c, write_own, write_huggingface])
def test_a_checkpoint_of_long_context_is_read_with_a_shorter_one(tmp_path: Path, write) -> None:
    model = random_model(context_length=3000)
    path = write(tmp_path, model)
    assert checkpoints.load(path).config.context_length == PAGE_CONTEXT
    shorter = checkpoints.load(path, target=Target(context_length=7))
    assert shorter.config == replace(model.config, context_length=7)
    assert all((shorter.tensors[name] == tensor).all() for name, tensor in model.tensors.items())


@pytest.mark.parametrize(
    ("name", "value"),
    [("dim", limits.LARGEST_DIMENSION), ("n_layers", limits.LARGEST_N_LAYERS)],
)
def test_the_engine_s_limits_are_the_builder_s(name: str, value: int) -> None:
    with pytest.raises(FontgenError, match=rf"{name} is {value + 2:,}, outside 1 to {value:,}"):
        replace(random_model().config, **{name: value + 2}).check()
    assert f"#define LARGEST_{name.upper().replace('DIM', 'DIMENSION')} {value}u" in c_header()
