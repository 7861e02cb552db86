"""Tries Debian's fonts: ``python tests/font/sample_debian_fonts.py``.

Packages ``fonts-*`` come in an order that a seed chooses, until there are enough fonts; apt downloads them, and they
are unpacked into a temporary folder: nothing is installed. Every font with a Latin "a" must build; plain text in
fourteen scripts must be the base font's, by OpenType and by the font's own program; `fontgen verify` must pass; and
OpenType Sanitizer must take it if it takes the base. Exit code 1: one failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

import ots  # noqa: E402
from support.built_fonts import build_on  # noqa: E402
from support.plain_text import TEXTS, difference  # noqa: E402

from fontgen.check.verify import verify_font  # noqa: E402
from fontgen.errors import FontgenError  # noqa: E402
from fontgen.font.coverage import Coverage  # noqa: E402
from fontgen.font.file import read_font  # noqa: E402
from fontgen.host import native  # noqa: E402

SUFFIXES = (".ttf", ".otf", ".ttc", ".otc", ".woff", ".woff2")


def packages(seed: int) -> list[str]:
    """Names of all, in an order by chance."""
    names = subprocess.run(
        ["apt-cache", "pkgnames", "fonts-"], capture_output=True, text=True, check=True
    ).stdout.split()
    return random.Random(seed).sample(sorted(names), len(names))


def fonts_of(package: str, folder: Path) -> Iterator[Path]:
    """The font files of a package, unpacked; none where it cannot be downloaded."""
    done = subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=False)
    for archive in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
        archive.unlink()
    if done.returncode == 0:
        files = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
        yield from (path for path in sorted(files) if path.is_file() and not path.is_symlink())


def members(path: Path) -> list[str]:
    """Names of the fonts in a file."""
    head = path.read_bytes()[:12]
    if not head.startswith(b"ttcf"):
        return [str(path)]
    return [f"{path}#{index}" for index in range(int.from_bytes(head[8:12], "big"))]


def is_sane(data: bytes, folder: Path) -> bool:
    """Whether OpenType Sanitizer takes a font."""
    path = folder / "sanitized"
    path.write_bytes(data)
    return ots.sanitize(str(path), capture_output=True).returncode == 0


def fault(spec: str, folder: Path) -> str | None:
    """What is wrong with the font that is built on this one."""
    hb = native.load()
    base = read_font(spec)
    try:
        built = build_on(spec)
    except FontgenError as error:
        return str(error)
    for shaper in ("ot", "wasm"):
        if wrong := difference(hb, base, built, TEXTS.values(), shaper):
            return f"{shaper}: {wrong[:200]}"
    path = folder / "built.ttf"
    path.write_bytes(built)
    failed = [
        check for check in verify_font(path, n_tokens=4, prompts=("abc",)) if check.passed is False
    ]
    if failed:
        return f"verify: {failed[0].name}: {failed[0].detail}"
    if not base.is_collection and is_sane(base.data, folder) and not is_sane(built, folder):
        return "OpenType Sanitizer refuses it, and takes the base font"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Tries a sample of Debian's fonts.")
    parser.add_argument("-n", type=int, default=295, metavar="N", help="fonts (295)")
    parser.add_argument("--seed", type=int, default=1, metavar="SEED", help="of the sample (1)")
    parser.add_argument("--most", type=int, default=6, metavar="N", help="fonts of a package (6)")
    args = parser.parse_args()
    n_fonts = n_faults = 0
    for package in packages(args.seed):
        if n_fonts >= args.n:
            break
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            specs = [spec for path in fonts_of(package, folder) for spec in members(path)]
            for spec in random.Random(args.seed).sample(specs, min(len(specs), args.most)):
                start = time.process_time()
                try:
                    if "a" not in Coverage(read_font(spec)):
                        continue
                    wrong = fault(spec, folder)
                except Exception as error:
                    wrong = f"{type(error).__name__}: {error}"
                n_fonts += 1
                n_faults += wrong is not None
                seconds = time.process_time() - start
                print(f"{package} {Path(spec).name}: {wrong or 'ok'} ({seconds:.1f} s)", flush=True)
    print(f"{n_fonts} fonts, {n_faults} faults")
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
