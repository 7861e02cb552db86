"""Where the compiled HarfBuzz of either host is kept, outside of any repository."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from fontgen.errors import FontgenError


def cache_root() -> Path:
    """``$FONTGEN_HOST_DIR``, else ``host`` in the user's cache directory for fontgen.

    Raises:
        FontgenError: there is no home directory to derive it from.
    """
    override = os.environ.get("FONTGEN_HOST_DIR")
    if override:
        return Path(override).absolute()
    root = user_cache_path("fontgen", appauthor=False)
    if not root.is_absolute():
        raise FontgenError("no home directory: set FONTGEN_HOST_DIR or XDG_CACHE_HOME")
    return root / "host"
