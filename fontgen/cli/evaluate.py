"""``fontgen eval``: how well a font's model predicts a text."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from fontgen.check.evaluation import (
    Evaluator,
    Score,
    evaluate_documents,
    open_evaluator,
    protocol,
    read_documents,
    total,
)
from fontgen.cli.common import print_json, reporter
from fontgen.errors import FontgenError


def evaluate(args: argparse.Namespace) -> int:
    """Print the scores of TEXTFILE."""
    if args.limit is not None and args.limit < 1:
        raise FontgenError(f"--limit {args.limit}: at least one document is needed")
    documents = read_documents(args.text, args.limit)
    evaluator = open_evaluator(args.font)
    scores = evaluate_documents(evaluator, documents, whole=args.whole, reporter=reporter(args))
    n_bytes = sum(len(document.encode("utf-8")) for document in documents)
    if args.json:
        print_json(_report(args, evaluator, scores, n_bytes))
        return 0
    if args.stories:
        _print_stories(scores)
    everything = total(scores)
    share = everything.n_bytes / n_bytes
    counts = f"{_count(len(scores), 'document')}, {_count(everything.n_tokens, 'token')}"
    print(
        f"nats per token  {everything.nats_per_token:.4f}  (perplexity {everything.perplexity:.2f})"
    )
    print(f"bits per byte   {everything.bits_per_byte:.4f}")
    print(f"scored          {counts}, {everything.n_bytes:,} of {n_bytes:,} bytes ({share:.1%})")
    print(f"protocol        {protocol(evaluator, args.whole)}")
    return 0


def _print_stories(scores: Sequence[Score]) -> None:
    print("document    tokens     bytes  nats/token  bits/byte")
    for number, score in enumerate(scores, 1):
        print(
            f"{number:8}  {score.n_tokens:8,}  {score.n_bytes:8,}"
            f"  {score.nats_per_token:10.4f}  {score.bits_per_byte:9.4f}"
        )


def _report(
    args: argparse.Namespace, evaluator: Evaluator, scores: Sequence[Score], n_bytes: int
) -> dict[str, Any]:
    everything = total(scores)
    report = {
        "font": str(args.font),
        "text": str(args.text),
        "protocol": protocol(evaluator, args.whole),
        "context_length": evaluator.context_length,
        "documents": len(scores),
        "bytes_of_documents": n_bytes,
        **everything.as_dict(),
        "perplexity": everything.perplexity,
    }
    if args.stories:
        report["stories"] = [score.as_dict() for score in scores]
    return report


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + "s" * (n != 1)
