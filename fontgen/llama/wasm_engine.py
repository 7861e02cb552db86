"""Runs a font's shaper module outside HarfBuzz, to ask its engine what it computes.

`fontgen verify` and the tests compare the answers with `fontgen.llama.reference`; nothing here takes part in
shaping. The module runs on Wasmtime, with imports that trap, since the engine itself calls none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import wasmtime

from fontgen.errors import FontgenError
from fontgen.llama.tables.model_table import vocab_size


class Engine:
    """The engine of a shaper module, opened on a model table.

    module: bytes of the font's ``Wasm`` table. table: bytes of its ``Llam`` table.
    Raises `FontgenError` when the module is not a shaper of ours or the engine refuses the table.
    """

    def __init__(self, module: bytes, table: bytes):
        wasm_engine = wasmtime.Engine()
        try:
            compiled = wasmtime.Module(wasm_engine, module)
        except wasmtime.WasmtimeError as error:
            raise FontgenError(f"the Wasm table does not compile: {error}") from error
        self._store = wasmtime.Store(wasm_engine)
        linker = wasmtime.Linker(wasm_engine)
        linker.define_unknown_imports_as_traps(compiled)
        exports = linker.instantiate(self._store, compiled).exports(self._store)
        names = ("memory", "malloc", "free", "inspect_open", "inspect_encode", "inspect_logits")
        missing = [name for name in names if name not in exports]
        if missing:
            raise FontgenError(f"the Wasm table is no shaper of ours: it lacks {missing[0]}")
        self._exports = exports
        self._memory: wasmtime.Memory = exports["memory"]  # type: ignore[assignment]
        # The engine computes on the table where it lies, so this allocation is never freed.
        if not self._call("inspect_open", self._put(table), len(table)):
            raise FontgenError("the engine refuses the model table")
        self.vocab_size = vocab_size(table)

    def encode(self, text: str, *, at_start: bool = True) -> list[int]:
        """Tokens of a text, without BOS; ``at_start`` says that nothing comes before it."""
        codepoints = np.array([ord(character) for character in text], dtype="<u4")
        source, target = self._put(codepoints.tobytes()), self._put(bytes(16 * len(text) + 16))
        count = self._call("inspect_encode", source, len(text), int(at_start), target)
        tokens = np.frombuffer(self._memory.read(self._store, target, target + 4 * count), "<u4")
        self._call("free", source)
        self._call("free", target)
        return tokens.tolist()

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow the tokens; the KV cache makes a growing list cheap."""
        source = self._put(np.array(tokens, dtype="<u4").tobytes())
        start = self._call("inspect_logits", source, len(tokens)) & 0xFFFFFFFF
        self._call("free", source)
        stop = start + 4 * self.vocab_size
        return np.frombuffer(self._memory.read(self._store, start, stop), "<f4").copy()

    def _call(self, name: str, *arguments: int) -> int:
        return self._exports[name](self._store, *arguments)  # type: ignore[operator]

    def _put(self, data: bytes) -> int:
        start = self._call("malloc", len(data)) & 0xFFFFFFFF
        if not start:
            raise FontgenError(f"the engine has no memory for {len(data)} bytes")
        self._memory.write(self._store, data, start)
        return start
