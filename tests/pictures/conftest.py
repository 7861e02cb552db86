"""The picture fonts, each built once a session from its shipped configuration, and their modules."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from support.paths import REPOSITORY

from fontgen.build import build_font
from fontgen.config import read_config
from fontgen.pictures.module import ChessEngine, MazeEngine, PictureModule, TetrominoEngine
from fontgen.text.shape import ShapingFont

NAMES = ("tetromino", "maze", "chess", "gsub-maze")


@pytest.fixture(scope="session")
def picture_paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = {name: folder / f"{name}.ttf" for name in NAMES}
    for name, path in paths.items():
        path.write_bytes(build_font(read_config(REPOSITORY / "fonts" / f"{name}.toml")))
    return paths


@pytest.fixture(scope="session")
def pictures(picture_paths: dict[str, Path], uharfbuzz: ModuleType) -> dict[str, ShapingFont]:
    """The fonts, open for shaping."""
    return {
        name: ShapingFont(uharfbuzz, path.read_bytes(), path)
        for name, path in picture_paths.items()
    }


def _module(pictures: dict[str, ShapingFont], name: str) -> PictureModule:
    return PictureModule(bytes(pictures[name].face.reference_table("Wasm").data))


@pytest.fixture(scope="session")
def tetromino_engine(pictures: dict[str, ShapingFont]) -> TetrominoEngine:
    return TetrominoEngine(_module(pictures, "tetromino"))


@pytest.fixture(scope="session")
def maze_engine(pictures: dict[str, ShapingFont]) -> MazeEngine:
    return MazeEngine(_module(pictures, "maze"))


@pytest.fixture(scope="session")
def chess_engine(pictures: dict[str, ShapingFont]) -> ChessEngine:
    return ChessEngine(_module(pictures, "chess"))
