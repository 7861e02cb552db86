"""What LibreOffice does with documents, without its window: OpenType features, wrapped lines."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from editors.harness import (
    base_environment,
    difference,
    family_of,
    missing,
    pdf_page,
    pdf_text,
    shape_log_library,
)
from editors.libreoffice import LibreOffice, convert_to_pdf, flat_text_document
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

PROMPT = "The little fox"
TYPED = PROMPT + "!" * 12


@pytest.fixture(autouse=True)
def office(host: object) -> None:
    if os.environ.get("FONTGEN_TEST_EDITORS", "") in ("", "0"):
        pytest.skip("takes long: make test-editors")
    if packages := [*missing(LibreOffice)]:
        pytest.skip(f"not installed: {' '.join(packages)}")


def write(path: Path, paragraphs: list[str], font: str) -> Path:
    path.write_text(flat_text_document(paragraphs, font, 20), encoding="utf-8")
    return path


def test_features_in_the_name_of_the_font(
    llama: ShapingFont, font_path: Path, tmp_path: Path
) -> None:
    """``Font:TEMP=80&SEED=3`` tells the story that these features choose."""
    environment = base_environment(tmp_path, font_path)
    family = family_of(font_path)
    features = {"TEMP": 80, "SEED": 3}
    story = llama.shape(TYPED, ShapeOptions(features=features)).visible
    assert story != llama.shape(TYPED).visible
    pages = []
    for name, text, font in (
        ("marks", TYPED, f"{family}:TEMP=80&SEED=3"),
        ("letters", story, family),
        ("plain", TYPED, family),
    ):
        document = write(tmp_path / f"{name}.fodt", [text], font)
        path = convert_to_pdf(document, environment)
        pages.append(pdf_page(path))
        assert pdf_text(path).strip().startswith(text[:14])
    assert difference(pages[0], pages[1], reach=1) == 0
    assert difference(pages[0], pages[2], reach=1) > 0


def test_wrapped_lines_go_on_with_the_story(
    llama: ShapingFont, font_path: Path, tmp_path: Path
) -> None:
    """However LibreOffice cuts a paragraph up, each mark shows the same token in every piece."""
    log = tmp_path / "shape-calls.jsonl"
    environment = base_environment(tmp_path, font_path) | {"FONTGEN_SHAPE_LOG": str(log)}
    text = "Once upon a time there was a little girl and she had a cat" + "!" * 60
    document = write(tmp_path / "story.fodt", [text], family_of(font_path))
    path = convert_to_pdf(document, environment, str(shape_log_library()))
    expected: dict[int, list[int]] = {}
    buffer = llama.uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    llama.uharfbuzz.shape(llama.font, buffer)
    for info in buffer.glyph_infos:
        expected.setdefault(info.cluster, []).append(info.codepoint)
    pieces = 0
    for line in log.read_text().splitlines():
        call = json.loads(line)
        piece = "".join(map(chr, call["codepoints"]))
        clusters = call["clusters"]
        if "!" not in piece or piece != text[clusters[0] : clusters[-1] + 1]:
            continue
        pieces += clusters[0] > 0
        shown: dict[int, list[int]] = {}
        for glyph, cluster in zip(call["glyphs"], call["glyph_clusters"], strict=True):
            shown.setdefault(cluster, []).append(glyph)
        assert shown == {cluster: expected[cluster] for cluster in shown}, (piece, clusters[0])
    assert pieces >= 4
    lines = pdf_text(path).split()
    assert "".join(lines).startswith(text[:54].replace(" ", ""))
