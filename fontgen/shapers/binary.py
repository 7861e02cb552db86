"""The little of WebAssembly's binary format that Wasmtime's API does not tell: sections, custom ones above all.

Numbers of sections are those of the core specification, https://webassembly.github.io/spec/core/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SECTION_NAMES = (
    "custom", "type", "import", "function", "table", "memory", "global", "export", "start",
    "element", "code", "data", "data_count", "tag",
)  # fmt: skip
"""By section id (5.5.2)."""
_CUSTOM = 0
_HEADER_BYTES = 8


@dataclass(frozen=True)
class Section:
    """A section of a module.

    offset: where it begins, its id. size: bytes of its content, as it says itself. end: offset behind it.
    custom: name of a custom section, else empty. payload: what a custom section holds behind its name.
    """

    id: int
    offset: int
    size: int
    end: int
    custom: str = ""
    payload: bytes = b""

    @property
    def name(self) -> str:
        return SECTION_NAMES[self.id] if self.id < len(SECTION_NAMES) else str(self.id)


def sections(module: bytes) -> Iterator[Section]:
    """The sections of a module, in order. Of bytes that are no module, whatever they look like."""
    offset = _HEADER_BYTES
    while offset < len(module):
        size, start = _read_leb128(module, offset + 1)
        end = start + size
        custom, payload = "", b""
        if module[offset] == _CUSTOM:
            length, text = _read_leb128(module, start)
            custom = module[text : text + length].decode("utf-8", "replace")
            payload = module[text + length : end]
        yield Section(module[offset], offset, size, end, custom, payload)
        offset = end


def with_custom_section(module: bytes, name: str, payload: bytes) -> bytes:
    """A module with one more custom section at its end (5.5.3)."""
    content = _leb128(len(name)) + name.encode("ascii") + payload
    return module + bytes([_CUSTOM]) + _leb128(len(content)) + content


def without_custom_section(module: bytes, name: str) -> tuple[bytes, bytes | None]:
    """Inverse of `with_custom_section`: the module without its last section, and that section's payload.

    (module, None) when the last section is no custom section of that name, or the bytes are no module.
    """
    for section in sections(module):
        if section.end == len(module) and section.id == _CUSTOM and section.custom == name:
            return module[: section.offset], section.payload
    return module, None


def _leb128(number: int) -> bytes:
    """Unsigned LEB128 (5.2.2)."""
    encoded = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        encoded.append(low | 0x80 if number else low)
        if not number:
            return bytes(encoded)


def _read_leb128(data: bytes, offset: int) -> tuple[int, int]:
    """The number at an offset, and the offset behind it; past the end all bytes count as zero."""
    number = shift = 0
    while True:
        byte = data[offset] if offset < len(data) else 0
        number |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if byte < 0x80:
            return number, offset
