"""What quantising costs, measured on text: the table of the model card.

    python -m model.evaluation.quantisers CHECKPOINT TEXTFILE

The stories of the text are those of `fontgen.llama.documents`. Each begins with BOS and is cut at
the model's context; without TEXTFILE the model writes its own, from another seed than the text it
is calibrated on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import lzma
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.loss import cross_entropy
from fontgen.llama.model import Model
from fontgen.llama.quantise.calibration import CalibrationText, sample_text
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.quantised import QuantisedModel
from fontgen.llama.reference.numpy_model import ReferenceModel
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.transformer import Transformer
from fontgen.progress import Reporter, Steps
from model.data.sources import stories_of_text

SAMPLED_SEED, SAMPLED_TOKENS = 1, 12288
SEQUENCES_AT_ONCE = 16

QUANTISERS: dict[str, Callable[[Model], QuantisedModel]] = {
    "8 bits per row": lambda model: quantise(model, 8),
    "8 bits, groups of 32": lambda model: quantise(model, 8, group_size=32),
    "4 bits, absmax": lambda model: quantise(model, 4, method="absmax"),
    "4 bits, scale search": lambda model: quantise(model, 4, method="search"),
    "4 bits, GPTQ": lambda model: quantise(model, 4),
    "4 bits, GPTQ, 8-bit embedding": lambda model: quantise(model, 4, embedding_bits=8),
}
"""Rows of the table; weights only, activations stay float32."""
IN_FONTS = ("8 bits per row", "4 bits, GPTQ")
"""What the engine runs, so that the figures may be had with its 8-bit activations too."""


@dataclass(frozen=True)
class Row:
    """One quantiser's figures.

    ``loss`` is relative to float32, ``top1`` the share of positions with the same best token.
    """

    quantiser: str
    nats_per_token: float
    loss: float
    bytes_per_parameter: float
    top1: float


def weight_bytes(model: QuantisedModel) -> float:
    """Bytes of the numbers in a quantised model: integers, scales and norms, without padding."""
    total = 4.0 * sum(norm.size for norm in model.norms.values())
    for matrix in model.matrices.values():
        total += matrix.values.size * matrix.bits / 8 + matrix.scales.nbytes
        total += 0 if matrix.group_scales is None else matrix.group_scales.nbytes
    return total


def read_text(model: Model, path: Path, stories: int) -> CalibrationText:
    """The first stories of a text file (``.xz`` too) as tokens, cut one after the context's end."""
    try:
        texts = list(itertools.islice(stories_of_text(path), stories))
    except (OSError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise FontgenError(str(error), path=path) from error
    if not texts:
        raise FontgenError("holds no text", path=path)
    tokenizer = ReferenceTokenizer(model.vocabulary)
    length = model.config.context_length + 1
    bos = model.vocabulary.bos
    assert bos is not None  # Model.check
    sequences = [[bos, *tokenizer.encode(story)][:length] for story in texts]
    longest = max(map(len, sequences))
    tokens = np.full((len(sequences), longest), bos, np.int64)
    used = np.zeros(tokens.shape, bool)
    for i, sequence in enumerate(sequences):
        tokens[i, : len(sequence)] = sequence
        used[i, : len(sequence)] = True
    return CalibrationText(tokens, used)


def measure(model: Model, text: CalibrationText) -> tuple[np.ndarray, np.ndarray]:
    """(nats, best token) at every position of the text that has a next token."""
    transformer = Transformer(model.config, model.tensors)
    nats, best = [], []
    for start in range(0, len(text.tokens), SEQUENCES_AT_ONCE):
        some = slice(start, start + SEQUENCES_AT_ONCE)
        known = text.used[some, 1:]
        hidden = transformer.forward(text.tokens[some, :-1])[known]
        logits = transformer.classify(hidden)
        nats.append(cross_entropy(logits, text.tokens[some, 1:][known]))
        best.append(logits.argmax(axis=-1))
    return np.concatenate(nats), np.concatenate(best)


def measure_reference(
    model: QuantisedModel, text: CalibrationText
) -> tuple[np.ndarray, np.ndarray]:
    """The same by `ReferenceModel`, as the font computes it, with activations in 8 bits."""
    reference = ReferenceModel(model)
    nats, best = [], []
    for tokens, used in zip(text.tokens.tolist(), text.used, strict=True):
        length = int(used.sum())
        logits = np.stack([reference.logits(tokens[:n]) for n in range(1, length)])
        nats.append(cross_entropy(logits, np.array(tokens[1:length])))
        best.append(logits.argmax(axis=-1))
    return np.concatenate(nats), np.concatenate(best)


def report(
    model: Model, text: CalibrationText, *, engine_stories: int = 0, steps: Steps | None = None
) -> Iterator[Row]:
    """A row for float32 and for every quantiser.

    Args:
        model: the checkpoint.
        text: what to measure on.
        engine_stories: so many stories are measured token by token through the engine's arithmetic
            too (activations in 8 bits); takes about a second for each 100 tokens of a small model.
        steps: progress.
    """
    begin = steps.begin if steps else lambda what: None
    begin("float32")
    nats, best = measure(model, text)
    expected = float(nats.mean())
    yield Row("float32", expected, 0.0, 4.0, 1.0)

    def row(name: str, quantised: QuantisedModel, other: tuple[np.ndarray, np.ndarray]) -> Row:
        n = len(other[0])
        loss = float(other[0].mean() / nats[:n].mean()) - 1
        size = weight_bytes(quantised) / model.n_parameters
        return Row(name, float(other[0].mean()), loss, size, float((other[1] == best[:n]).mean()))

    for name, quantiser in QUANTISERS.items():
        begin(name)
        quantised = quantiser(model)
        yield row(name, quantised, measure(quantised.dequantised(), text))
        if engine_stories and name in IN_FONTS:
            name += f", 8-bit activations, {engine_stories} stories"
            begin(name)
            some = CalibrationText(text.tokens[:engine_stories], text.used[:engine_stories])
            yield row(name, quantised, measure_reference(quantised, some))


def markdown(rows: list[Row]) -> str:
    """The rows as a table for the model card."""
    lines = [
        "| weights | nats per token | against float32 | bytes per parameter | same best token |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.quantiser} | {row.nats_per_token:.4f} | {row.loss:+.2%} "
        f"| {row.bytes_per_parameter:.3f} | {row.top1:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluation.quantisers", description="What quantising a model costs."
    )
    parser.add_argument("checkpoint", help="whatever fontgen build reads")
    parser.add_argument("text", nargs="?", type=Path, help="UTF-8, .xz too; by default sampled")
    parser.add_argument("--tokenizer", help="where the checkpoint has none")
    parser.add_argument("--stories", type=int, default=60, help="how many are read (60)")
    parser.add_argument(
        "--engine-stories", type=int, default=0, metavar="N",
        help="measure N of them with 8-bit activations too, slowly (0)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)
    try:
        model = checkpoints.load(options.checkpoint, tokenizer=options.tokenizer)
        if options.text is None:
            text = sample_text(model, seed=SAMPLED_SEED, n_tokens=SAMPLED_TOKENS)
        else:
            text = read_text(model, options.text, options.stories)
        total = len(QUANTISERS) + 1 + len(IN_FONTS) * bool(options.engine_stories)
        with Reporter(quiet=options.quiet).steps(total) as steps:
            rows = list(report(model, text, engine_stories=options.engine_stories, steps=steps))
    except FontgenError as error:
        print(f"quantisers: {error}", file=sys.stderr)
        return 2
    print(json.dumps([asdict(row) for row in rows], indent=1) if options.json else markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
