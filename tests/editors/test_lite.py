"""The font without Wasm in editors as Debian has them: no host, nothing but a font in the user's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.small_content import small_content, small_font

from editors.featherpad import FeatherPad
from editors.gedit import Gedit
from editors.gnome_text_editor import GnomeTextEditor
from editors.harness import (
    Program,
    base_environment,
    check_same,
    difference,
    family_of,
    missing,
    pdf_page,
    start,
)
from editors.kate import Kate
from editors.libreoffice import LibreOffice, convert_to_pdf, flat_text_document
from editors.mousepad import Mousepad
from editors.pluma import Pluma
from editors.views import PACKAGES, hb_view, open_image, pango_view
from fontgen.automaton.reference import Reference

PROMPT = "The little fox"
TYPED = PROMPT + "!" * 9
EVERYTHING = os.environ.get("FONTGEN_TEST_EDITORS", "") not in ("", "0")


@pytest.mark.parametrize(
    "program",
    [Mousepad, Gedit, GnomeTextEditor, Kate, FeatherPad, Pluma],
    ids=lambda program: program.executable,
)
def test_typed_marks_show_the_story(program: type[Program], tmp_path: Path) -> None:
    """Pixel by pixel what the story shows when it is typed as letters."""
    if not EVERYTHING:
        pytest.skip("takes long: make test-editors")
    if packages := missing(program):
        pytest.skip(f"not installed: {' '.join(packages)}")
    font = tmp_path / "lite.ttf"
    font.write_bytes(small_font()[0])
    story = Reference(small_content()).visible(TYPED)
    with start(program(), font, hosted=False, log_shaping=False, as_user=True) as session:
        session.type(TYPED)
        shown = session.screenshot()
        session.replace_all(story)
        check_same(session, "lite", session.screenshot(), shown)


def _in_libreoffice(home: Path, font: Path, text: str) -> Image.Image:
    if packages := missing(LibreOffice):
        pytest.skip(f"not installed: {' '.join(packages)}")
    environment = base_environment(home, font)
    document = home / "story.fodt"
    document.write_text(flat_text_document([text], family_of(font), 20), encoding="utf-8")
    return pdf_page(convert_to_pdf(document, environment, hosted=False))


def _drawn_by(draw: Callable[..., Path]) -> Callable[[Path, Path, str], Image.Image]:
    def drawn(home: Path, font: Path, text: str) -> Image.Image:
        program = draw.__name__.replace("_", "-")
        if shutil.which(program) is None:
            pytest.skip(f"not installed: {PACKAGES[program]}")
        return open_image(draw(home, font, text, 20, hosted=False))

    return drawn


@pytest.mark.parametrize(
    "draw",
    [_in_libreoffice, _drawn_by(pango_view), _drawn_by(hb_view)],
    ids=["soffice", "pango-view", "hb-view"],
)
def test_marks_in_a_file_show_the_story(
    draw: Callable[[Path, Path, str], Image.Image], tmp_path: Path
) -> None:
    """What is drawn without a window, too: marks and letters, both in one line."""
    if not EVERYTHING:
        pytest.skip("takes long: make test-editors")
    font = tmp_path / "lite.ttf"
    font.write_bytes(small_font()[0])
    story = Reference(small_content()).visible(TYPED)
    marks, letters, other = (
        draw(tmp_path / name, font, text)
        for name, text in (("marks", TYPED), ("letters", story), ("other", PROMPT + "...."))
    )
    assert difference(marks, letters, reach=1) == 0
    assert difference(marks, other, reach=1) > 0
