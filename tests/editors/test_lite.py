"""The font without Wasm in editors as Debian has them: no host, nothing but a font in the user's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.small_content import small_content, small_font

from editors.featherpad import FeatherPad
from editors.gedit import Gedit
from editors.gnome_text_editor import GnomeTextEditor
from editors.harness import Program, check_same, missing, start
from editors.kate import Kate
from editors.mousepad import Mousepad
from editors.pluma import Pluma
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
