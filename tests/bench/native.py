"""The plain C loop of ``llama.c``, compiled for this machine by ziglang, called by ctypes."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fontgen.errors import FontgenError
from fontgen.llama.model import Model, rope_table, tensor_shapes

SOURCE = Path(__file__).with_name("llama.c")
PLAIN = ("-O3", "-march=native")
"""IEEE arithmetic as written: sums stay in order, so the compiler cannot vectorise them."""
FAST_MATH = (*PLAIN, "-ffast-math")
"""What llama2.c's ``make runfast`` (-Ofast) allows: sums in any order, hence SIMD."""


class _Config(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int32)
        for name in (
            "dim",
            "hidden_dim",
            "n_layers",
            "n_heads",
            "n_kv_heads",
            "vocab_size",
            "context_length",
            "tied_embeddings",
        )
    ] + [("norm_eps", ctypes.c_float)]


class NativeModel:
    """A `Model` run by the C loop, on one thread, with a KV cache.

    flags: of the compiler, `PLAIN` or `FAST_MATH`. Raises `FontgenError` when it does not compile.
    """

    def __init__(self, model: Model, flags: Sequence[str] = PLAIN):
        self.config = model.config
        tensors = [model.tensors[name].ravel() for name in tensor_shapes(model.config)]
        self._weights = np.concatenate(tensors).astype(np.float32)
        self._rope = np.ascontiguousarray(rope_table(model.config), dtype=np.float32)
        self._library = _library(flags)
        values = [int(getattr(model.config, name)) for name, _ in _Config._fields_[:-1]]  # type: ignore[misc]
        config = _Config(*values, model.config.norm_eps)
        self._handle = self._library.llama_new(
            ctypes.byref(config), self._weights.ctypes.data, self._rope.ctypes.data
        )

    def forward(self, token: int, position: int) -> np.ndarray:
        """float32 (vocab_size,): logits after a token, whose predecessors were computed before."""
        logits = self._library.llama_forward(self._handle, token, position)
        return np.ctypeslib.as_array(logits, (self.config.vocab_size,))

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle:
            self._library.llama_free(handle)


def _library(flags: Sequence[str]) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "llama.so")
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "cc",
            *flags,
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
        ]
        command += ["-shared", "-fPIC", str(SOURCE), "-o", str(path), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            raise FontgenError(f"does not compile: {(errors or [done.stderr])[0]}", path=SOURCE)
        library = ctypes.CDLL(str(path))  # stays loaded when the file goes
    library.llama_new.restype = ctypes.c_void_p
    library.llama_new.argtypes = [ctypes.c_void_p] * 3
    library.llama_forward.restype = ctypes.POINTER(ctypes.c_float)
    library.llama_forward.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32]
    library.llama_free.restype = None
    library.llama_free.argtypes = [ctypes.c_void_p]
    return library
