"""The host: HarfBuzz with its Wasm shaper on Wasmtime, and a uharfbuzz that uses it.

Released HarfBuzz libraries leave the Wasm shaper out. This package builds one that has it, from
wheels and one source archive of PyPI alone, and keeps it in the user's cache:

>>> from fontgen.host import native
>>> native.build()                      # doctest: +SKIP
>>> uharfbuzz = native.load()           # doctest: +SKIP
"""

from __future__ import annotations

from fontgen.host.native.builder import build
from fontgen.host.native.library import Host, find, load
from fontgen.host.native.observer import Observer, Outcome

__all__ = ["Host", "Observer", "Outcome", "build", "find", "load"]
