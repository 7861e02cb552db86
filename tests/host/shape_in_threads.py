"""Shapes the same texts from many threads at once and checks that each result is the same.

    python shape_in_threads.py FONT THREADS SHAPES FACES

ctypes lets go of Python's lock during a call, so the threads really are in HarfBuzz together; and
since the list of texts is long enough, each of them also meets the others' cached instance.
Prints the number of differing results and the growth of resident memory over the second half, as
JSON.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
import threading
from pathlib import Path

TEXTS = [b"AVA", b"To be, or not", b"fi", b"WAVE", b"x" * 40]


def resident_kilobytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bind(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for name in (
        "hb_blob_create_from_file",
        "hb_face_create",
        "hb_font_create",
        "hb_buffer_create",
        "hb_buffer_get_glyph_infos",
    ):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def main() -> None:
    from fontgen import host

    found = host.find()
    assert found is not None
    hb = bind(str(found.library))
    path, n_threads, n_shapes, n_faces = sys.argv[1], *(int(value) for value in sys.argv[2:])
    pointer = ctypes.c_void_p
    blob = pointer(hb.hb_blob_create_from_file(path.encode()))
    fonts = [
        pointer(hb.hb_font_create(pointer(hb.hb_face_create(blob, 0)))) for _ in range(n_faces)
    ]
    for font in fonts:
        hb.hb_font_make_immutable(font)

    def shape(font: ctypes.c_void_p, buffer: ctypes.c_void_p, text: bytes) -> bytes:
        hb.hb_buffer_clear_contents(buffer)
        hb.hb_buffer_add_utf8(buffer, text, len(text), 0, len(text))
        hb.hb_buffer_guess_segment_properties(buffer)
        hb.hb_shape(font, buffer, None, 0)
        length = ctypes.c_uint()
        infos = hb.hb_buffer_get_glyph_infos(buffer, ctypes.byref(length))
        # hb_glyph_info_t: glyph, mask, cluster, and two private words.
        words = (ctypes.c_uint32 * (5 * length.value)).from_address(infos) if length.value else []
        return bytes(b"".join(bytes(memoryview(words)[i : i + 3]) for i in range(0, len(words), 5)))

    main_buffer = pointer(hb.hb_buffer_create())
    expected = [shape(fonts[0], main_buffer, text) for text in TEXTS]
    differing = [0] * n_threads
    half = threading.Barrier(n_threads + 1)

    def work(index: int) -> None:
        buffer = pointer(hb.hb_buffer_create())
        for i in range(n_shapes):
            if i == n_shapes // 2:
                half.wait()
            which = (i + index) % len(TEXTS)
            font = fonts[(i + index) % n_faces]
            differing[index] += shape(font, buffer, TEXTS[which]) != expected[which]
        hb.hb_buffer_destroy(buffer)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(n_threads)]
    for thread in threads:
        thread.start()
    half.wait()
    before = resident_kilobytes()
    for thread in threads:
        thread.join()
    json.dump({"differing": sum(differing), "growth_kb": resident_kilobytes() - before}, sys.stdout)


if __name__ == "__main__":
    main()
