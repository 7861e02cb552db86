"""Games typed into a GTK and a Qt editor: the right way up, and backspace takes moves back to the pixel."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from support.paths import REPOSITORY

from editors.featherpad import FeatherPad
from editors.harness import Program, difference, missing, start
from editors.mousepad import Mousepad
from fontgen.build import build_font
from fontgen.config import read_config

pytestmark = pytest.mark.skipif(
    not os.environ.get("FONTGEN_TEST_EDITORS"), reason="FONTGEN_TEST_EDITORS is not set"
)


@pytest.mark.parametrize("program", [Mousepad, FeatherPad], ids=lambda program: program.name)
@pytest.mark.parametrize(
    "name, text, undone",
    [("tetromino", "tetris(anna):aaaxddddwx", "aw"), ("chess", "chess:1. e4 e5", " 2. Nf3")],
)
def test_games(
    program: type[Program], name: str, text: str, undone: str, host: object, tmp_path: Path
) -> None:
    lacking = missing(program)
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    font = tmp_path / f"{name}.ttf"
    font.write_bytes(build_font(read_config(REPOSITORY / "fonts" / f"{name}.toml")))
    with start(program(), font, "", size=14, as_user=True) as session:
        session.resize(760, 560)
        session.type("MM " + text)
        shown = session.screenshot()
        session.type(undone)
        assert difference(session.screenshot(), shown) > 0
        session.key(*["BackSpace"] * len(undone))
        assert difference(session.screenshot(), shown) == 0
        assert session.copy_all() == "MM " + text
        # The picture stands on the line of the letters before it, and does not hang from it.
        ink = np.asarray(shown.convert("L")) < 160
        letters, picture = (
            np.flatnonzero(ink[:, columns].any(axis=1))
            for columns in (slice(2, 30), slice(50, 140))
        )
        assert picture.min() < letters.max() - 80 and picture.max() < letters.max() + 40
