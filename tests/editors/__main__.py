"""Say which programs this machine can test, and what to install for the others."""

from __future__ import annotations

import shutil

from . import programs
from .harness import missing
from .views import PACKAGES


def main() -> None:
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


if __name__ == "__main__":
    main()
