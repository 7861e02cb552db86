"""Say which programs this machine can test, and what to install for the others; take pictures."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from . import programs
from .gedit import Gedit
from .harness import (
    Program,
    Setting,
    base_environment,
    missing,
    open_window,
    pretend_user,
    start,
)
from .views import PACKAGES

PICTURED = "The little fox" + "!" * 12


def report() -> None:
    """A line for each program, and the packages that are lacking."""
    lacking: list[str] = []
    for program in programs():
        packages = missing(program)
        lacking += packages
        print(f"{program.name}: {'lacks ' + ', '.join(packages) if packages else 'here'}")
    for tool, package in {**PACKAGES, "pdftotext": "poppler-utils"}.items():
        print(f"{tool}: {'here' if shutil.which(tool) else 'lacks ' + package}")
        if shutil.which(tool) is None:
            lacking.append(package)
    if lacking:
        wanted = " ".join(dict.fromkeys(lacking))
        print(f"on Debian, for the rest: apt install --no-install-recommends {wanted}")


def take_picture(program: Program, font: Path, folder: Path) -> Path:
    """A picture of a small window with a story in it, in a palette of 64 colours."""
    with start(program, font, PICTURED, as_user=True) as session:
        session.resize(*program.picture_size)
        image = session.screenshot(whole=True)
    return save_picture(image, folder / f"{program.executable}.png")


def picture_first_look(font: Path, folder: Path) -> Path:
    """The same of what ``fontgen editor`` opens, after some typing."""
    with tempfile.TemporaryDirectory(prefix="fontgen-editor-", ignore_cleanup_errors=True) as made:
        home = Path(made)
        environment = base_environment(home, font)
        command = [sys.executable, "-m", "fontgen", "editor", "gedit", "--font", str(font)]
        with open_window(
            Gedit(),
            Setting(home, home / "story.txt", "", 20),
            environment,
            pretend_user(command),
        ) as session:
            session.resize(*Gedit.picture_size)
            session.type("!" * 12)
            image = session.screenshot(whole=True)
    return save_picture(image, folder / "first-look.png")


def save_picture(image: Image.Image, path: Path) -> Path:
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m editors", description=__doc__)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="take them, into FOLDER")
    parser.add_argument("--font", type=Path, default=Path("../fonts/llama.ttf"))
    parser.add_argument("executables", nargs="*", metavar="PROGRAM", help="default: all")
    args = parser.parse_args()
    if args.pictures is None:
        report()
        return
    for program in programs():
        if missing(program) or args.executables and program.executable not in args.executables:
            continue
        print(take_picture(program(), args.font, args.pictures))
    if not missing(Gedit) and (not args.executables or "first-look" in args.executables):
        print(picture_first_look(args.font.absolute(), args.pictures))


if __name__ == "__main__":
    main()
