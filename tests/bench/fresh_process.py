"""Run as a program: shapes texts in a process that has shaped nothing yet, and says what it took.

Reads the arguments of `main` as a JSON object from standard input and prints one: ``cpu`` and
``wall``, seconds of opening the font and of the first shape; and, after all the texts,
``resident``, ``peak``, ``anonymous`` and ``file``, bytes of memory. Imports nothing of fontgen, so
that a process starts quickly; the font is mapped, not read, as programs do.
"""

from __future__ import annotations

import json
import sys
import time


def memory() -> dict[str, int]:
    """Bytes of this process's memory, from Linux's /proc."""
    names = {"VmRSS": "resident", "VmHWM": "peak", "RssAnon": "anonymous", "RssFile": "file"}
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return {name: 1024 * int(lines[key].split()[0]) for key, name in names.items() if key in lines}


def main(libraries: list[str], python_directory: str, font: str, texts: list[str]) -> None:
    """Shape ``texts`` with the font file ``font`` in the HarfBuzz of these libraries."""
    import ctypes

    for library in libraries:
        ctypes.CDLL(library)
    sys.path.insert(0, python_directory)
    import uharfbuzz

    def buffer(text: str) -> uharfbuzz.Buffer:
        made = uharfbuzz.Buffer()
        made.add_str(text)
        made.guess_segment_properties()
        return made

    first = buffer(texts[0])
    cpu, wall = time.process_time(), time.perf_counter()
    opened = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(font)))
    uharfbuzz.shape(opened, first, {})
    result: dict[str, float] = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
    }
    for text in texts[1:]:
        uharfbuzz.shape(opened, buffer(text), {})
    print(json.dumps(result | memory()))


if __name__ == "__main__":
    main(**json.loads(sys.stdin.read()))
