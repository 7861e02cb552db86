"""GGUF files (llama.cpp's format) as metadata and float32 tensors, by the gguf package.

One model may lie in several files, ``NAME-00001-of-00003.gguf``: the first has the metadata, each has tensors.
Weights of all types that the gguf package dequantises are read; of files for big-endian machines, floats only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fontgen.errors import FontgenError, naming
from fontgen.llama.checkpoints.values import Values

if TYPE_CHECKING:
    from gguf import GGUFReader, ReaderTensor

_PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")


class GgufFile:
    """A model's file or files.

    Attributes:
        metadata: of the first file.
        shapes: of each tensor, rows first, under GGUF's names.
        sha256: hex digest of all files in order.
    """

    def __init__(self, path: Path):
        """Raise `FontgenError` where a file is missing, cut short or damaged."""
        first = _open(path)
        self.metadata = Values(path, _Metadata(first))
        n_files = self.metadata.integer("split.count", 1)
        self._readers = [(path, first)]
        if n_files > 1:
            paths = _parts(path, n_files)
            self._readers = [(part, first if part == path else _open(part)) for part in paths]
            self.metadata = Values(paths[0], _Metadata(self._readers[0][1]))
        self.shapes = {
            tensor.name: tuple(int(n) for n in reversed(tensor.shape))
            for _, reader in self._readers
            for tensor in reader.tensors
        }

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for path, _ in self._readers:
            with path.open("rb") as file:
                for chunk in iter(lambda: file.read(1 << 20), b""):
                    digest.update(chunk)
        return digest.hexdigest()

    def tensors(self) -> Iterator[tuple[str, np.ndarray]]:
        """Names, as in the file, and float32 arrays of `shapes`."""
        for path, reader in self._readers:
            for tensor in reader.tensors:
                with naming(path):
                    yield tensor.name, _dequantise(tensor, reader).reshape(self.shapes[tensor.name])


class _Metadata(Mapping[str, Any]):
    """A reader's fields, decoded when they are asked for."""

    def __init__(self, reader: GGUFReader):
        self._fields = reader.fields

    def __getitem__(self, key: str) -> Any:
        field = self._fields[key]
        try:
            return field.contents()
        except (ValueError, IndexError) as error:
            raise FontgenError(f"its {key} cannot be read: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def _parts(path: Path, count: int) -> list[Path]:
    match = _PART.fullmatch(path.name)
    if match is None or int(match[3]) != count:
        raise FontgenError(
            f"is one of {count} files, whose names end in -00001-of-{count:05}.gguf", path=path
        )
    parts = [path.with_name(f"{match[1]}-{i:05}-of-{match[3]}.gguf") for i in range(1, count + 1)]
    for part in parts:
        if not part.is_file():
            raise FontgenError(
                f"is one of {count} files, of which {part.name} is missing", path=path
            )
    return parts


def _open(path: Path) -> GGUFReader:
    try:
        import gguf  # noqa: PLC0415
    except ImportError as error:
        raise FontgenError(
            "is a GGUF file, read by the gguf package, which is not installed: "
            "pip install 'fontgen[checkpoints]'",
            path=path,
        ) from error

    class BoundedReader(gguf.GGUFReader):
        """Refuses what lies past the file's end, where NumPy would quietly give empty arrays."""

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "data":  # each slice of a memmap costs three of a plain array over it
                value = np.asarray(value).view(np.ndarray)
            super().__setattr__(name, value)

        def _get(self, offset: int, dtype: Any, count: int = 1, *args: Any, **options: Any) -> Any:
            self._require(int(offset) + np.dtype(dtype).itemsize * int(count))
            return super()._get(offset, dtype, count, *args, **options)

        def _build_tensors(self, start_offs: int, fields: Any) -> None:
            for field in fields:
                dims, type_, offset = field.parts[3:6]
                block, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType(type_[0])]
                elements = 1
                for length in dims:
                    elements *= int(length)
                self._require(int(start_offs) + int(offset[0]) + elements // block * size)
            super()._build_tensors(start_offs, fields)

        def _require(self, needed: int) -> None:
            if needed > len(self.data):
                raise FontgenError(
                    f"is cut short: needs {needed:,} bytes or more, has {len(self.data):,}"
                )

    damage = (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError)
    with naming(path):
        try:
            return BoundedReader(path)
        except damage as error:
            raise FontgenError(f"is not a GGUF file that can be read: {error}") from error


def _dequantise(tensor: ReaderTensor, reader: GGUFReader) -> np.ndarray:
    """float32, flat or not; a copy, so that the file's memory map is let go."""
    import gguf  # noqa: PLC0415

    if tensor.tensor_type.name in ("F16", "F32", "F64"):
        with np.errstate(over="ignore"):  # becomes an infinity, which `Model.check` refuses
            return np.array(tensor.data, np.float32)
    if reader.byte_order == "S":
        raise FontgenError(
            f"is for big-endian machines and tensor {tensor.name} is {tensor.tensor_type.name}: only floats "
            "are read from such a file; gguf-convert-endian makes it little-endian"
        )
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused by `Model.check`
            return np.array(gguf.dequantize(tensor.data, tensor.tensor_type), np.float32)
    except (NotImplementedError, ValueError) as error:
        raise FontgenError(
            f"tensor {tensor.name} is {tensor.tensor_type.name}, which gguf does not dequantise"
        ) from error
