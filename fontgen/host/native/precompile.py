"""Run as a program: has the host compile fonts' Wasm tables, so that a later program finds them in
the cache of compiled modules.

    python precompile.py LIBHARFBUZZ DIRECTORY...

Shapes one letter in every font below each directory that has a Wasm table, as that program will, and
prints a line for each: milliseconds, a tab, the file. Imports nothing of fontgen, nor anything that
takes long to import; `fontgen.host.native.run` starts it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
MOST_FONTS = 64
"""The adapter keeps no more compiled modules."""
_WASM = int.from_bytes(b"Wasm", "big")


def font_files(directories: list[str]) -> Iterator[str]:
    """The font files below the directories, as fontconfig looks for them."""
    for directory in directories:
        for root, _, names in os.walk(directory):
            for name in sorted(names):
                if name.lower().endswith(SUFFIXES):
                    yield os.path.join(root, name)


def open_library(path: str) -> ctypes.CDLL:
    """HarfBuzz, with the types of the functions used here."""
    library = ctypes.CDLL(path)
    pointer, unsigned = ctypes.c_void_p, ctypes.c_uint
    types: dict[str, tuple[object, list[object]]] = {
        "hb_blob_create_from_file": (pointer, [ctypes.c_char_p]),
        "hb_blob_get_length": (unsigned, [pointer]),
        "hb_blob_destroy": (None, [pointer]),
        "hb_face_count": (unsigned, [pointer]),
        "hb_face_create": (pointer, [pointer, unsigned]),
        "hb_face_reference_table": (pointer, [pointer, ctypes.c_uint32]),
        "hb_face_destroy": (None, [pointer]),
        "hb_font_create": (pointer, [pointer]),
        "hb_font_destroy": (None, [pointer]),
        "hb_buffer_create": (pointer, []),
        "hb_buffer_destroy": (None, [pointer]),
        "hb_buffer_add_utf8": (
            None,
            [pointer, ctypes.c_char_p, ctypes.c_int, unsigned, ctypes.c_int],
        ),
        "hb_buffer_guess_segment_properties": (None, [pointer]),
        "hb_shape": (None, [pointer, pointer, pointer, unsigned]),
    }
    for name, (result, parameters) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


def shape(library: ctypes.CDLL, face: int) -> None:
    """Shapes one letter, for which the module is compiled if it has not been yet."""
    font, buffer = library.hb_font_create(face), library.hb_buffer_create()
    library.hb_buffer_add_utf8(buffer, b"x", -1, 0, -1)
    library.hb_buffer_guess_segment_properties(buffer)
    library.hb_shape(font, buffer, None, 0)
    library.hb_buffer_destroy(buffer)
    library.hb_font_destroy(font)


def main(library_path: str, *directories: str) -> None:
    library = open_library(library_path)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    n_fonts = 0
    for path in font_files(list(directories)):
        blob = library.hb_blob_create_from_file(os.fsencode(path))
        for index in range(library.hb_face_count(blob)):
            face = library.hb_face_create(blob, index)
            table = library.hb_face_reference_table(face, _WASM)
            if library.hb_blob_get_length(table):
                started = time.monotonic()
                shape(library, face)
                print(f"{1000 * (time.monotonic() - started):.1f}\t{path}", flush=True)
                n_fonts += 1
            library.hb_blob_destroy(table)
            library.hb_face_destroy(face)
            if n_fonts == MOST_FONTS:
                return
        library.hb_blob_destroy(blob)


if __name__ == "__main__":
    main(*sys.argv[1:])
