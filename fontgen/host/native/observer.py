"""What became of a text: which shaper did the work and why, and the text that a font's program showed.

Glyphs do not say it: a guest that fails leaves the text to OpenType, and one that shows a story need not use
glyphs that stand for characters. The adapter keeps it for whoever asks (``adapter/observer.hh``).
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from fontgen.errors import FontgenError
from fontgen.host.native.library import find

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Outcome:
    """What became of the last text that was shaped under an `Observer`."""

    shaper: str
    """``wasm``: the font's program; ``ot``: OpenType."""
    reason: str
    """Why OpenType, in a line for people; empty where the font's program shaped."""
    message: str
    """The last line that the program passed to ``debugprint()``, now or for an earlier text; may be empty."""
    shown: str | None
    """The text that the program had HarfBuzz shape, in the order of the buffer; None where it made its glyphs by
    itself, or did not shape."""
    clusters: tuple[int, ...]
    """For each character of ``shown``, the index into the typed text that it belongs to."""
    finished: bool = True
    """Whether that was all; if not, shaping the text again shows more."""


@cache
def _library(path: Path) -> ctypes.CDLL:
    """The host's library with the types of the adapter's own functions; the one that is loaded already."""
    library = ctypes.CDLL(str(path))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    numbers = ctypes.POINTER(ctypes.POINTER(ctypes.c_uint32))
    types: dict[str, tuple[object, list[object]]] = {
        "fontgen_observer_create": (pointer, []),
        "fontgen_observer_destroy": (None, [pointer]),
        "fontgen_observe": (None, [pointer]),
        "fontgen_observed_shaper": (number, [pointer]),
        "fontgen_observed_reason": (text, [pointer]),
        "fontgen_observed_message": (text, [pointer]),
        "fontgen_observed_text": (number, [pointer, numbers, numbers]),
        "fontgen_observed_finished": (number, [pointer]),
        "fontgen_observed_refusal": (text, [text, ctypes.c_size_t]),
    }
    for name, (result, parameters) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


class Observer:
    """Watches what this thread shapes within a ``with`` statement, through the module of `native.load`.

    >>> with Observer() as observer:                           # doctest: +SKIP
    ...     uharfbuzz.shape(font, buffer)
    >>> observer.outcome(font.face.reference_table("Wasm").data).shaper  # doctest: +SKIP
    'wasm'

    Raises:
        FontgenError: the host is not built.
    """

    def __init__(self) -> None:
        host = find()
        if host is None:
            raise FontgenError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
        self._library = _library(host.library)
        self._observer = ctypes.c_void_p(self._library.fontgen_observer_create())
        if not self._observer:
            raise MemoryError

    def __enter__(self) -> Observer:
        """Begins anew: what was shaped before is forgotten."""
        self._library.fontgen_observe(self._observer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._library.fontgen_observe(None)

    def __del__(self) -> None:
        if getattr(self, "_observer", None):
            self._library.fontgen_observer_destroy(self._observer)

    def outcome(self, wasm_table: bytes) -> Outcome:
        """What became of the last text.

        Args:
            wasm_table: of the font that it was set in; empty where it has none. A table that did not load when its
                face was first used is not asked again: this tells what was wrong with it.
        """
        library = self._library
        shaper = library.fontgen_observed_shaper(self._observer)
        reason = library.fontgen_observed_reason(self._observer)
        if shaper == 0 and wasm_table:
            reason = library.fontgen_observed_refusal(wasm_table, len(wasm_table))
        elif shaper == 0:
            reason = b"it has no Wasm table"
        message = library.fontgen_observed_message(self._observer)
        shown, clusters = self._text()
        return Outcome(
            "wasm" if shaper == 1 else "ot",
            reason.decode(errors="replace"),
            message.decode(errors="replace"),
            shown,
            clusters,
            bool(library.fontgen_observed_finished(self._observer)),
        )

    def _text(self) -> tuple[str | None, tuple[int, ...]]:
        characters, clusters = ctypes.POINTER(ctypes.c_uint32)(), ctypes.POINTER(ctypes.c_uint32)()
        n = self._library.fontgen_observed_text(
            self._observer, ctypes.byref(characters), ctypes.byref(clusters)
        )
        if n < 0:
            return None, ()
        shown = "".join(chr(c) if c < 0x110000 else _REPLACEMENT for c in characters[:n])
        return shown, tuple(clusters[:n])
