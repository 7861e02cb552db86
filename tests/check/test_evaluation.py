"""``fontgen eval`` against the same protocol in NumPy, and what it says of bad input."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from support.llama_fonts import font_data
from support.tiny_models import LETTERS, byte_vocabulary, random_model

from fontgen.check.evaluation import Evaluator, Score, total
from fontgen.llama.documents import split_documents
from fontgen.llama.loss import cross_entropy
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import write_model
from fontgen.shapers.flavours import FLAVOURS

CONTEXT = 24
TEXTS = {
    "short": "a cab é жж",
    "as long as the context": "abc" * CONTEXT,
    "one more": "abc" * CONTEXT + "b",
    "several windows": "ab c😀 " * 40,
    "bytes that are no pieces": "日本" * 3,
}


@pytest.fixture(scope="module", params=[True, False], ids=["dummy prefix", "no prefix"])
def model(request):
    vocabulary = byte_vocabulary(LETTERS, add_dummy_prefix=request.param)
    return quantise(random_model(vocabulary=vocabulary, context_length=CONTEXT, seed=4))


@pytest.fixture(scope="module", params=FLAVOURS)
def evaluator(request, model):
    return Evaluator(shaper_module(request.param), write_model(model))


def expected(model, text: str, *, whole: bool) -> tuple[list[int], float]:
    """Tokens scored and nats per token, by the reference."""
    reference = ReferenceModel(model)
    tokens = ReferenceTokenizer(model.vocabulary).encode(text)
    scored = tokens if whole else tokens[:CONTEXT]
    logits = []
    for position in range(len(scored)):
        window = position // CONTEXT * CONTEXT
        logits.append(reference.logits([model.vocabulary.bos, *scored[window:position]]))
    return scored, cross_entropy(np.stack(logits), scored).mean()


@pytest.mark.parametrize("whole", [False, True], ids=["cut", "whole"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_score_is_that_of_the_numpy_reference(model, evaluator, text, whole):
    text = text.strip()
    scored, nats = expected(model, text, whole=whole)
    score = evaluator.score(text, whole=whole)
    assert score.n_tokens == len(scored)
    assert score.nats_per_token == pytest.approx(nats, rel=1e-12)
    spelled = b"".join(map(ReferenceTokenizer(model.vocabulary).decode, scored))
    if model.vocabulary.add_dummy_prefix:
        assert spelled.startswith(b" ")
        spelled = spelled[1:]
    assert text.encode().startswith(spelled)
    assert score.n_bytes == len(spelled)
    assert score.bits_per_byte == pytest.approx(nats / math.log(2) * len(scored) / len(spelled))


def test_normalised_spaces_count_where_the_whole_document_does():
    vocabulary = byte_vocabulary(LETTERS, remove_extra_whitespaces=True)
    evaluator = Evaluator(
        shaper_module("simd128"), write_model(quantise(random_model(vocabulary=vocabulary)))
    )
    assert evaluator.score("a    b").n_bytes == 6


def test_documents_are_what_stands_between_separator_lines():
    text = " 1.\n\nstill 1\n<|endoftext|>\n\n <|endoftext|> \nTwo <|endoftext|> 2.\n<|endoftext|>"
    assert split_documents(text) == ["1.\n\nstill 1", "Two <|endoftext|> 2."]
    assert split_documents("one text") == ["one text"]
    assert split_documents(" \n<|endoftext|>\n") == []


def test_a_total_weighs_tokens_not_documents():
    both = total([Score(1, 4, 5.0), Score(3, 4, 1.0)])
    assert both == Score(4, 8, 6.0)
    assert both.nats_per_token == 1.5
    assert both.bits_per_byte == pytest.approx(6 / math.log(2) / 8)
    assert both.perplexity == pytest.approx(math.exp(1.5))


# The command


@pytest.fixture(scope="module")
def tiny_font(tmp_path_factory):
    path = tmp_path_factory.mktemp("eval") / "tiny.ttf"
    path.write_bytes(font_data(quantise(random_model(context_length=CONTEXT, seed=4))))
    return path


def test_the_command_prints_the_score_and_what_was_scored(fontgen, tiny_font, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(
        "a cab\n<|endoftext|>\n" + "b" * 100 + "\n<|endoftext|>\nabc\n", encoding="utf-8"
    )
    done = fontgen("eval", tiny_font, text, "--stories", "--limit", 2)
    assert done.code == 0 and done.err == ""
    assert "nats per token  " in done.out and "bits per byte   " in done.out
    assert "2 documents" in done.out and f"cut at {CONTEXT} tokens" in done.out
    assert "28 of 105 bytes" in done.out  # 24 tokens: the space before the text, and 23 times b

    report = json.loads(fontgen("eval", tiny_font, text, "--stories", "--json").out)
    assert report["documents"] == len(report["stories"]) == 3
    assert report["bytes_of_documents"] == 108
    nats = sum(story["nats_per_token"] * story["tokens"] for story in report["stories"])
    assert report["nats_per_token"] == pytest.approx(nats / report["tokens"])

    whole = json.loads(fontgen("eval", tiny_font, text, "--whole", "--json").out)
    assert whole["bytes"] == whole["bytes_of_documents"]
    assert "stories" not in whole


def test_text_comes_from_standard_input(fontgen, tiny_font, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
    assert json.loads(fontgen("eval", tiny_font, "-", "--json").out)["bytes"] == 3


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "holds no text"),
        (b" \n<|endoftext|>\n", "holds no text"),
        (b"a\xff", "is not UTF-8: byte 1"),
    ],
)
def test_a_bad_text_is_refused_in_one_line(fontgen, tiny_font, tmp_path, data, cause):
    text = tmp_path / "text.txt"
    text.write_bytes(data)
    refused(fontgen("eval", tiny_font, text), f"{text}: {cause}")


def test_missing_and_foreign_files_are_refused(fontgen, tiny_font, base_path, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("abc")
    missing = tmp_path / "missing"
    refused(fontgen("eval", tiny_font, missing), f"{missing}: cannot be read")
    refused(fontgen("eval", missing, text), f"{missing}: cannot be read")
    refused(fontgen("eval", text, text), f"{text}: is not a font")
    refused(fontgen("eval", base_path, text), f"{base_path}: has no table Wasm")
    refused(fontgen("eval", tiny_font, text, "--limit", 0), "--limit 0")


def test_a_damaged_model_table_is_refused(fontgen, tmp_path):
    table = bytearray(write_model(quantise(random_model())))
    table[-1] ^= 1
    font, text = tmp_path / "damaged.ttf", tmp_path / "text.txt"
    font.write_bytes(font_data(bytes(table)))
    text.write_text("abc")
    refused(fontgen("eval", font, text), f"{font}: table Llam does not match its checksum")


def refused(outcome, message: str) -> None:
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err.startswith(f"fontgen: error: {message}")
    assert outcome.err.count("\n") == 1
