"""Runs a font's shaper module outside HarfBuzz, to ask its engine what it computes.

`fontgen verify` and the tests compare the answers with `fontgen.llama.reference`; nothing here takes part in
shaping. The module runs on Wasmtime, with imports that trap, since the engine itself calls none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import wasmtime

from fontgen.errors import FontgenError
from fontgen.llama.tables.model_table import vocab_size


class ShaperModule:
    """An instance of a shaper module and its memory.

    module: bytes of the font's ``Wasm`` table. names: the exports that it must have. imports: functions of ``env``
    by name; those that are not given trap. Raises `FontgenError` when the module is not a shaper of ours.
    """

    def __init__(
        self,
        module: bytes,
        names: Sequence[str],
        imports: Mapping[str, Callable[..., int | None]] | None = None,
    ):
        wasm_engine = wasmtime.Engine()
        try:
            compiled = wasmtime.Module(wasm_engine, module)
        except wasmtime.WasmtimeError as error:
            raise FontgenError(f"the Wasm table does not compile: {error}") from error
        self._store = wasmtime.Store(wasm_engine)
        linker = wasmtime.Linker(wasm_engine)
        for kind in compiled.imports:
            name = kind.name or ""
            if imports and name in imports and isinstance(kind.type, wasmtime.FuncType):
                linker.define_func(kind.module, name, kind.type, imports[name])
        linker.define_unknown_imports_as_traps(compiled)
        exports = linker.instantiate(self._store, compiled).exports(self._store)
        missing = [name for name in ("memory", "malloc", "free", *names) if name not in exports]
        if missing:
            raise FontgenError(f"the Wasm table is no shaper of ours: it lacks {missing[0]}")
        self._exports = exports
        self._memory: wasmtime.Memory = exports["memory"]  # type: ignore[assignment]

    def call(self, name: str, *arguments: int) -> int:
        """Call an export; pointers come back as unsigned numbers."""
        result = self._exports[name](self._store, *arguments)  # type: ignore[operator]
        return (result or 0) & 0xFFFFFFFF

    def read(self, start: int, size: int) -> bytes:
        """Bytes of the memory."""
        return bytes(self._memory.read(self._store, start, start + size))

    def write(self, start: int, data: bytes) -> None:
        """Put bytes where they belong."""
        self._memory.write(self._store, data, start)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory, which never shrinks."""
        return self._memory.data_len(self._store)

    def put(self, data: bytes) -> int:
        """Put bytes into memory of the module's own malloc(); returns where."""
        start = self.call("malloc", len(data))
        if not start:
            raise FontgenError(f"the engine has no memory for {len(data)} bytes")
        self.write(start, data)
        return start


class Engine:
    """The engine of a shaper module, opened on a model table.

    module: bytes of the font's ``Wasm`` table. table: bytes of its ``Llam`` table.
    Raises `FontgenError` when the module is not a shaper of ours or the engine refuses the table.
    """

    def __init__(self, module: bytes, table: bytes):
        self._module = ShaperModule(module, ("inspect_open", "inspect_encode", "inspect_logits"))
        # The engine computes on the table where it lies, so this allocation is never freed.
        if not self._module.call("inspect_open", self._module.put(table), len(table)):
            raise FontgenError("the engine refuses the model table")
        self.vocab_size = vocab_size(table)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the module's memory."""
        return self._module.memory_bytes

    def encode(self, text: str, *, at_start: bool = True) -> list[int]:
        """Tokens of a text, without BOS; ``at_start`` says that nothing comes before it."""
        module = self._module
        codepoints = np.array([ord(character) for character in text], dtype="<u4")
        source, target = module.put(codepoints.tobytes()), module.put(bytes(16 * len(text) + 16))
        count = module.call("inspect_encode", source, len(text), int(at_start), target)
        tokens = np.frombuffer(module.read(target, 4 * count), "<u4")
        module.call("free", source)
        module.call("free", target)
        return tokens.tolist()

    def logits(self, tokens: Sequence[int]) -> np.ndarray:
        """float32 (vocab_size,): the logits that follow the tokens; the KV cache makes a growing list cheap."""
        source = self._module.put(np.array(tokens, dtype="<u4").tobytes())
        start = self._module.call("inspect_logits", source, len(tokens))
        self._module.call("free", source)
        return np.frombuffer(self._module.read(start, 4 * self.vocab_size), "<f4").copy()
