"""A font that is not ours: every function of HarfBuzz's Wasm API answers as it should.

Answers are compared with what uharfbuzz and fontTools say of the same font.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from support.host_fonts import compile_guest, with_axis, with_wasm


class ApiFont:
    """Shapes one-letter commands for tests/host/native/api.c; the answers are glyph numbers."""

    def __init__(self, uharfbuzz: ModuleType, data: bytes):
        self.uharfbuzz = uharfbuzz
        self.face = uharfbuzz.Face(data)
        self.font = uharfbuzz.Font(self.face)
        self.tables = TTFont(BytesIO(data))

    def ask(self, text: str, features: Any = None, direction: str = "ltr") -> list[int]:
        buffer = self.uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        buffer.direction = direction
        self.uharfbuzz.shape(self.font, buffer, features, shapers=["wasm"])
        return [info.codepoint for info in buffer.glyph_infos]


def tag(text: str) -> int:
    return int.from_bytes(text.encode(), "big")


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


@pytest.fixture(scope="module", params=["host heap", "guest heap"])
def api(
    request: pytest.FixtureRequest,
    uharfbuzz: ModuleType,
    base_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> ApiFont:
    flags = ["-DGUEST_HEAP"] if request.param == "guest heap" else []
    module = compile_guest("api.c", tmp_path_factory.mktemp("api") / "api.wasm", *flags)
    return ApiFont(uharfbuzz, with_wasm(with_axis(base_path), module))


def test_the_length_of_a_text_is_told(api: ApiFont) -> None:
    assert api.ask("nxy") == [1, 3, ord("y"), 1]


def test_buffer_functions(api: ApiFont) -> None:
    assert api.ask("bcd") == [
        *(1, 3, ord("c"), 1),  # copied into memory from the heap
        *(1, 100, ord("c")),  # made larger
        1,  # set
        *(1, ord("z")),  # reversed
        *(1, ord("b")),  # and, cluster by cluster, back
        *(4, tag("Latn"), 5),  # left to right; Arabic is right to left
        *(0, 0),  # freed
    ]


def test_font_functions(api: ApiFont) -> None:
    api.font.scale = (3000, 2000)
    try:
        answers = api.ask("f")
        glyph = api.font.get_nominal_glyph(ord("A"))
        extents = api.font.get_glyph_extents(glyph)
        name = api.font.glyph_to_string(glyph)
        assert [signed(answer) for answer in answers] == [
            *(3000, 2000, glyph),
            api.font.get_glyph_h_advance(glyph),
            api.font.get_glyph_v_advance(glyph),
            *(1, extents.x_bearing, extents.y_bearing, extents.width, extents.height),
            *name.encode()[:15],
            0,
        ]
    finally:
        api.font.scale = (api.face.upem, api.face.upem)


def test_outline_functions(api: ApiFont) -> None:
    moves: list[tuple[float, float]] = []
    points = [0]
    functions = api.uharfbuzz.DrawFuncs()
    functions.set_move_to_func(lambda x, y, data: (moves.append((x, y)), points.append(1)))
    functions.set_line_to_func(lambda x, y, data: points.append(1))
    functions.set_quadratic_to_func(lambda a, b, x, y, data: points.append(2))
    functions.set_cubic_to_func(lambda a, b, c, d, x, y, data: points.append(3))
    functions.set_close_path_func(lambda data: None)
    api.font.draw_glyph(api.font.get_nominal_glyph(ord("A")), functions)
    x, y = moves[0]
    assert [signed(answer) for answer in api.ask("o")] == [
        *(1, sum(points), len(moves)),
        *(int(x), int(y), 0),  # the first point is a move_to
        sum(points),  # where the last contour ends
        *(0, 0),  # freed
    ]


def test_face_functions(api: ApiFont) -> None:
    head = api.tables.reader["head"]
    upem = api.tables["head"].unitsPerEm
    assert api.ask("F") == [
        *(1, upem),
        *(1, len(head), upem),
        *(0, 0),  # freed
        *(1, 1, upem),  # into memory of the guest's own
        *(1, 0),  # a table that is not there is empty
        *(1, 1000),  # a face from bytes that are no font
        *(1, api.font.get_nominal_glyph(ord("A")), 1),
    ]


def test_coordinates(api: ApiFont) -> None:
    assert api.ask("c") == [1, 1, 1, 8192]


def test_features(api: ApiFont) -> None:
    assert api.ask("e") == [0, 1, 0, 0]
    everywhere = (0, 0xFFFFFFFF)
    assert api.ask("e", {"kern": False, "ss01": 3}) == [
        *(2, 1, 2),
        *(tag("kern"), 0, *everywhere),
        *(tag("ss01"), 3, *everywhere),
        0,
    ]


def test_debug_functions_are_silent(api: ApiFont, capfd: pytest.CaptureFixture[str]) -> None:
    assert api.ask("d") == [77]
    assert capfd.readouterr() == ("", "")


def test_shape_plan_is_made_once(api: ApiFont) -> None:
    assert api.ask("p") == [1234, 1]
    assert api.ask("p") == [1234, 1]


def test_other_text_is_opentype(api: ApiFont) -> None:
    def shaped(shapers: list[str], features: Any) -> list[tuple[int, ...]]:
        buffer = api.uharfbuzz.Buffer()
        buffer.add_str("AVA Tor, fi")
        buffer.guess_segment_properties()
        api.uharfbuzz.shape(api.font, buffer, features, shapers=shapers)
        return [
            (info.codepoint, info.cluster, position.x_advance)
            for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
        ]

    for features in (None, {"kern": False}, {"liga": False}):
        assert shaped(["wasm"], features) == shaped(["ot"], features)
    assert shaped(["wasm"], None) != shaped(["wasm"], {"kern": False})


def test_guest_heap_is_used(api: ApiFont, request: pytest.FixtureRequest) -> None:
    answers = api.ask("m", {"kern": True})
    if "guest heap" in request.node.name:
        allocations, frees = answers
        assert allocations > frees >= 1 or allocations == frees + 1
    else:
        assert answers == [api.font.get_nominal_glyph(ord("m"))]
