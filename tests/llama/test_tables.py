from __future__ import annotations

import dataclasses
import struct
import unicodedata
import zlib

import numpy as np
import pytest
import tokenizers
from support.paths import REPOSITORY
from support.tiny_models import random_model

from fontgen.errors import FontgenError
from fontgen.font.sealed import struct_of
from fontgen.llama import tables as table
from fontgen.llama.character_classes import character_classes
from fontgen.llama.model import PieceKind, PreTokenizer, Vocabulary, rope_table
from fontgen.llama.quantise.tensors import quantise, quantise_rows
from fontgen.llama.tables import describe, layout
from fontgen.llama.tables.weights import pack_weights


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_comes_back_from_its_table(tied):
    model = quantise(
        random_model(tied_embeddings=tied, dim=12, n_heads=2, n_kv_heads=1, hidden_dim=18)
    )
    again = table.read_model(table.write_model(model))
    assert dataclasses.replace(again.config, norm_eps=1e-5) == model.config
    assert again.config.norm_eps == pytest.approx(1e-5)
    assert again.card == model.card
    assert again.vocabulary.pieces == model.vocabulary.pieces
    assert (again.vocabulary.scores == model.vocabulary.scores).all()
    assert (again.vocabulary.kinds == model.vocabulary.kinds).all()
    assert again.matrices.keys() == model.matrices.keys()
    for name, matrix in model.matrices.items():
        assert (again.matrices[name].values == matrix.values).all(), name
        assert (again.matrices[name].scales == matrix.scales).all(), name
    for name, norm in model.norms.items():
        assert (again.norms[name] == norm).all(), name


def test_a_byte_level_vocabulary_comes_back(byte_level_vocabulary):
    vocabulary = byte_level_vocabulary
    model = quantise(random_model(vocabulary=vocabulary))
    again = table.read_model(table.write_model(model)).vocabulary
    for name, value in vars(vocabulary).items():
        assert np.array_equal(getattr(again, name), value), name


@pytest.fixture
def byte_level_vocabulary():
    pieces = [b"<|begin|>", b"<|end|>", b"<|user|>", *(bytes([byte]) for byte in range(256))]
    merges = []
    for left, right in (
        (b"t", b"h"),
        (b"th", b"e"),
        (b" ", b"the"),
        (b"\xc3", b"\xa9"),
        (b"a", b"n"),
    ):
        pieces.append(left + right)
        merges.append([pieces.index(left), pieces.index(right), len(pieces) - 1])
    kinds = np.zeros(len(pieces), np.uint8)
    kinds[:3] = PieceKind.CONTROL
    return Vocabulary(
        tuple(pieces),
        np.zeros(len(pieces), np.float32),
        kinds,
        bos=0,
        eos=1,
        unk=None,
        add_dummy_prefix=False,
        add_bos=False,
        stops=(2,),
        pre_tokenizer=PreTokenizer.LLAMA_BPE,
        merges=np.array(merges, np.uint32),
        ignore_merges=True,
        character_classes=character_classes(),
    )


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda merges: merges - 1, "makes"),
        (lambda merges: merges + 1000, "outside the vocabulary"),
        (lambda merges: np.concatenate([merges, merges[:1]]), "two rules"),
    ],
)
def test_merges_that_contradict_the_pieces_are_refused(byte_level_vocabulary, change, cause):
    merges = change(byte_level_vocabulary.merges)
    with pytest.raises(FontgenError, match=cause):
        dataclasses.replace(byte_level_vocabulary, merges=merges).check()


def test_factors_of_rope_come_back():
    model = random_model()
    factors = tuple(float(np.float32(1 + i / 3)) for i in range(model.config.head_size // 2))
    scaled = dataclasses.replace(model.config, rope_factors=factors)
    again = table.read_model(table.write_model(quantise(dataclasses.replace(model, config=scaled))))
    assert again.config.rope_factors == factors
    np.testing.assert_array_equal(rope_table(again.config), rope_table(scaled))
    assert (rope_table(scaled)[1:] != rope_table(model.config)[1:]).any()


def test_characters_are_classed_as_the_tokenizers_library_does():
    """All that this Python's Unicode has, against regular expressions of that library."""
    assigned = "".join(
        chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")
    )
    classes = character_classes()
    first, kinds = classes >> 2, classes & 3
    codepoints = np.array([ord(character) for character in assigned])
    own = kinds[np.searchsorted(first, codepoints, "right") - 1]
    patterns = {1: r"\p{L}", 2: r"\p{N}", 3: r"\s"}
    for kind, pattern in patterns.items():
        split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed")
        left = "".join(part for part, _ in split.pre_tokenize_str(assigned))
        assert left == "".join(
            c for c, own_kind in zip(assigned, own, strict=True) if own_kind != kind
        )


def test_packing_places_each_weight_where_the_description_says():
    values = np.arange(-60, 60, dtype=np.int8).reshape(20, 6)
    stored = pack_weights(values)
    assert stored.shape == (2, 2, 16, 4)
    for row, column in [(0, 0), (15, 3), (16, 4), (19, 5)]:
        byte = stored[row // 16, column // 4, row % 16, column % 4]
        weight = int(byte) - 128 if column % 2 == 0 else int(np.int8(byte.view(np.int8)))
        assert weight == values[row, column]


def test_the_same_model_gives_the_same_bytes():
    assert table.write_model(quantise(random_model())) == table.write_model(
        quantise(random_model())
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b[:20],
        lambda b: b"",
        lambda b: b"XXXX" + b[4:],
    ]
    + [
        lambda b, at=at: b[:at] + bytes([b[at] ^ 16]) + b[at + 1 :]
        for at in (4, 8, 12, 16, 30, 999, -1 % 5000)
    ],
)
def test_damage_is_noticed(damage):
    data = table.write_model(quantise(random_model()))
    with pytest.raises(FontgenError, match="table Llam"):
        table.read_model(damage(data))


def test_settings_come_back_and_are_checked():
    settings = table.Settings(kept_marks=5, max_tokens_per_call=77)
    data = table.write_settings(settings)
    assert table.read_settings(data) == settings
    with pytest.raises(FontgenError, match="checksum"):
        table.read_settings(data[:-1] + b"\xff")
    with pytest.raises(FontgenError, match="kept_marks"):
        table.write_settings(table.Settings(kept_marks=-1))


def test_rows_are_quantised_to_the_nearest_step():
    weights = np.random.default_rng(1).standard_normal((50, 33)).astype(np.float32)
    weights[7] = 0
    matrix = quantise_rows(weights)
    assert np.abs(matrix.values).max(axis=1).tolist() == [127] * 7 + [0] + [127] * 42
    assert (np.abs(matrix.dequantised() - weights) <= matrix.scales[:, None] * 0.5001).all()


def test_other_bits_are_refused():
    with pytest.raises(FontgenError, match="7 bits"):
        quantise(random_model(), bits=7)


def test_the_page_about_the_tables_is_up_to_date():
    page = (REPOSITORY / "wasm" / "llama" / "TABLES.md").read_text()
    assert page == describe.markdown(), (
        "python -m fontgen.llama.tables.describe > wasm/llama/TABLES.md"
    )


def test_models_of_version_2_stay_readable():
    """Their headers end before the bits of the KV cache, which were 32."""
    model = quantise(random_model(kv_cache_bits=16))
    data = table.write_model(model)
    assert table.read_model(data).config.kv_cache_bits == 16
    newest, before = struct_of(layout.MODEL_FIELDS), struct_of(layout.MODEL_FIELDS, 2)
    # The sections begin at the same multiple of the alignment, so that the rest is as it was.
    assert -(-newest.size // layout.ALIGNMENT) == -(-before.size // layout.ALIGNMENT)
    body = data[16 : before.size] + bytes(newest.size - before.size) + data[newest.size :]
    older = b"Llam" + struct.pack("<3I", 2, len(data), zlib.adler32(body)) + body
    assert table.read_model(older).config.kv_cache_bits == 32


def test_settings_of_version_1_stay_readable():
    """Written by hand: the header of fonts made before sampling was a setting."""
    body = struct.pack("<3I", 5, 77, 0)
    data = b"Lset" + struct.pack("<3I", 1, 28, zlib.adler32(body)) + body
    settings = table.read_settings(data)
    assert (settings.kept_marks, settings.max_tokens_per_call) == (5, 77)
    assert settings.temperature == settings.no_repeat == 0
    newer = bytearray(table.write_settings(settings))
    newer[4] = 3
    with pytest.raises(FontgenError, match="versions 1 to 2"):
        table.read_settings(bytes(newer))
