"""Say which programs this machine can test, and what to install for the others; take pictures."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from PIL import Image

from . import programs
from .harness import Program, missing, start
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
    path = folder / f"{program.executable}.png"
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


if __name__ == "__main__":
    main()
