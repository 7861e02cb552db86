"""``fontgen tokens``: the tokens of a text, and what each was chosen among."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from fontgen.check.tokens import Alternative, ExplainedToken, TokenExplainer
from fontgen.cli.common import print_json, read_text
from fontgen.cli.text_options import features_of
from fontgen.errors import FontgenError
from fontgen.llama.trace import MOST_CHOICES


def tokens(args: argparse.Namespace) -> int:
    """Print a line for each token."""
    if not 0 <= args.alternatives <= MOST_CHOICES:
        raise FontgenError(
            f"--alternatives {args.alternatives} is not between 0 and {MOST_CHOICES}"
        )
    explainer = TokenExplainer(args.font)
    features = features_of(args)
    explained = explainer.explain(read_text(args), features, most=args.alternatives)
    if args.json:
        print_json({"font": str(args.font), "tokens": [_as_dict(token) for token in explained]})
    else:
        print(_table(explained))
    return 0


def _as_dict(explained: ExplainedToken) -> dict[str, Any]:
    traced, choices = explained.traced, explained.choices
    return {
        "token": traced.token,
        "kind": traced.kind.name.lower(),
        "cluster": traced.cluster,
        "bytes": explained.data.hex(),
        "text": explained.data.decode("utf-8", "replace"),
        "name": explained.name.decode("utf-8", "replace"),
        "probability": choices.probability if choices else None,
        "rank": choices.rank if choices else None,
        "candidates": choices.kept if choices else None,
        "alternatives": [
            {
                "token": other.token,
                "bytes": other.data.hex(),
                "text": other.data.decode("utf-8", "replace"),
                "name": other.name.decode("utf-8", "replace"),
                "probability": other.probability,
            }
            for other in explained.alternatives
        ],
    }


def _table(explained: Sequence[ExplainedToken]) -> str:
    rows = [("kind", "token", "text", "bytes", "chance", "rank", "the likeliest here")]
    for token in explained:
        choices = token.choices
        others = ", ".join(
            f"{_shown(other)} {other.probability:.1%}" for other in token.alternatives
        )
        rows.append(
            (
                token.traced.kind.name.lower(),
                str(token.traced.token),
                _shown(token),
                token.data.hex(" "),
                f"{choices.probability:.1%}" if choices else "",
                str(choices.rank) if choices else "",
                others,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    right = {1, 4, 5}  # numbers
    lines = []
    for row in rows:
        cells = [
            row[i].rjust(width) if i in right else row[i].ljust(width)
            for i, width in enumerate(widths)
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def _shown(token: ExplainedToken | Alternative) -> str:
    """A token's bytes as a Python string would be written, so that spaces are seen; or its name."""
    if not token.data:
        return token.name.decode("utf-8", "replace")
    try:
        return repr(token.data.decode())
    except UnicodeDecodeError:
        return repr(token.data)
