"""``fontgen eval``: how well a font's model predicts a text, by the engine and weights in the font.

The protocol, which the output repeats:

- The text is split into documents at lines ``<|endoftext|>``, where it has any; white space around
  a document does not count.
- Each document stands alone: BOS, then its tokens. Every token is scored given all before it; the
  end of a document is not scored.
- A document is cut at the context length: tokens past it, and their bytes, do not count. With
  ``whole`` the tail goes on in further windows instead, each beginning with BOS and knowing nothing
  of the one before.
- Nats per token: the mean of -ln p(token). Bits per byte: all nats, divided by ln 2 and by the
  UTF-8 bytes of the text that the scored tokens spell, which makes models of different vocabularies
  comparable.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.errors import FontgenError, naming
from fontgen.files import read_input
from fontgen.font.file import read_tables
from fontgen.font.tables import WASM_TAG
from fontgen.llama.documents import split_documents
from fontgen.llama.loss import cross_entropy
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.tables import MODEL_TAG, read_model
from fontgen.llama.wasm_engine import Engine
from fontgen.progress import Reporter
from fontgen.shapers.flavours import quickest_module

STDIN = Path("-")


@dataclass(frozen=True)
class Score:
    """What a model makes of a text. ``n_bytes``: UTF-8 of what the ``n_tokens`` spell."""

    n_tokens: int
    n_bytes: int
    nats: float

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.n_tokens if self.n_tokens else math.nan

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.n_bytes if self.n_bytes else math.nan

    @property
    def perplexity(self) -> float:
        """Per token."""
        return math.exp(self.nats_per_token)

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {
            "tokens": self.n_tokens,
            "bytes": self.n_bytes,
            "nats_per_token": self.nats_per_token,
            "bits_per_byte": self.bits_per_byte,
        }


def total(scores: Sequence[Score]) -> Score:
    """The score of several texts together."""
    return Score(
        sum(score.n_tokens for score in scores),
        sum(score.n_bytes for score in scores),
        math.fsum(score.nats for score in scores),
    )


class Evaluator:
    """Scores texts with the shaper's engine, one position at a time.

    module: bytes of the font's ``Wasm`` table. table: bytes of its ``Llam`` table.
    Raises `FontgenError` when either is damaged.
    """

    def __init__(self, module: bytes, table: bytes):
        model = read_model(table)
        self._engine = Engine(quickest_module(module), table)
        assert model.vocabulary.bos is not None  # Vocabulary.check
        self.bos = model.vocabulary.bos
        self._add_dummy_prefix = model.vocabulary.add_dummy_prefix
        self._decode = ReferenceTokenizer(model.vocabulary).decode
        self.context_length = model.config.context_length

    def score(self, document: str, *, whole: bool = False) -> Score:
        """Score a document: its first ``context_length`` tokens, or with ``whole`` all of them."""
        tokens = self._engine.encode(document)
        scored = tokens if whole else tokens[: self.context_length]
        nats = math.fsum(
            self._nats(scored[start : start + self.context_length])
            for start in range(0, len(scored), self.context_length)
        )
        # All tokens spell the document, also where the vocabulary normalises its spaces.
        complete = len(scored) == len(tokens)
        n_bytes = len(document.encode("utf-8")) if complete else self._n_bytes(scored)
        return Score(len(scored), n_bytes, nats)

    def scored_tokens(self, document: str) -> list[int]:
        """The tokens that `score` counts, without BOS, when the document is cut."""
        return self._engine.encode(document)[: self.context_length]

    def _n_bytes(self, tokens: Sequence[int]) -> int:
        spelled = b"".join(self._decode(token) for token in tokens)
        return len(spelled.removeprefix(b" ") if self._add_dummy_prefix else spelled)

    def _nats(self, targets: Sequence[int]) -> float:
        """-ln p of tokens that follow BOS."""
        read = [self.bos]
        nats = 0.0
        for target in targets:
            nats += float(cross_entropy(self._engine.logits(read)[None], [target])[0])
            read.append(target)
        return nats


def evaluate_documents(
    evaluator: Evaluator,
    documents: Sequence[str],
    *,
    whole: bool = False,
    reporter: Reporter | None = None,
) -> list[Score]:
    """The score of each document."""
    return list(_scores(evaluator, documents, whole, reporter or Reporter(quiet=True)))


def _scores(
    evaluator: Evaluator, documents: Sequence[str], whole: bool, reporter: Reporter
) -> Iterator[Score]:
    with reporter.steps(total=len(documents)) as steps:
        for document in documents:
            steps.begin("scoring documents")
            yield evaluator.score(document, whole=whole)


def open_evaluator(path: Path) -> Evaluator:
    """The evaluator of a font file; raises `FontgenError` when it is not a font of ours."""
    tables = read_tables(path, (WASM_TAG, MODEL_TAG))
    with naming(path):
        return Evaluator(tables[WASM_TAG], tables[MODEL_TAG])


def read_documents(path: Path, limit: int | None = None) -> list[str]:
    """The first ``limit`` documents of a UTF-8 text file (``-``: standard input).

    Raises `FontgenError` when there is no such file, it is not UTF-8, or holds no text.
    """
    data = sys.stdin.buffer.read() if path == STDIN else read_input(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cause = f"is not UTF-8: byte {error.start} is {data[error.start]:#04x}"
        raise FontgenError(cause, path=path) from error
    documents = split_documents(text.replace("\r\n", "\n"))
    if not documents:
        raise FontgenError("holds no text", path=path)
    return documents[:limit]


def protocol(evaluator: Evaluator, whole: bool) -> str:
    """How the scores came about, for the output."""
    context = evaluator.context_length
    tail = f"tails in further windows of {context}" if whole else f"cut at {context} tokens"
    return f"each document after BOS, {tail}; ends of documents are not scored"
