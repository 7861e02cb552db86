"""What is typed to steer the model, and what it shows that is no token: the one place for every language.

The C header of the font tables gets these from here (`fontgen.llama.tables.describe`); hosts that lay text out ask
here which characters make the font write.
"""

from __future__ import annotations

MORE = "!"
"""Each one past the first `KEPT_MARKS` of a run asks for one more token."""
ANOTHER = "?"
"""After a `MORE`: that token's next in line instead."""
KEPT_MARKS = 3
"""Marks of a run that stay what they are, unless the configuration says another number."""
BOUNDARY = "|"
"""Shown where a token begins, when the feature ``TOKN`` is on."""
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
"""Shown for the rest of a run when a call may compute no more: shape again, and it goes on."""
SHOWS_NOTHING = "\N{ZERO WIDTH SPACE}"
"""Shown for a mark that shows nothing, so that a caret still finds it; HarfBuzz makes it invisible."""

TAGS = {
    "TEMP": "temperature",
    "SEED": "seed",
    "TOPK": "top_k",
    "TOPP": "top_p",
    "TOKN": "boundaries",
}
"""OpenType feature tags of our own, which no lookup has, and the sampler's options that they set."""
MOST_REJECTED = 32
"""So many `ANOTHER` count after one mark."""
