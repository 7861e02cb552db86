"""Wheels of the host, so that nobody who has one needs a compiler: ``python -m fontgen.host.native.release``.

A wheel ``fontgen_host-*.whl`` holds for one platform what a build in the cache holds: the libraries, Wasmtime, and
uharfbuzz for every CPython from 3.11 on. `fontgen.host.native.find` uses it where it was made from the same sources.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from fontgen import __version__
from fontgen.errors import FontgenError
from fontgen.host.cache import cache_root
from fontgen.host.native.builder import Build
from fontgen.host.native.installed import (
    check_requirements,
    installed_versions,
    missing_headers_message,
    python_include,
)
from fontgen.host.native.library import PACKAGE
from fontgen.host.native.platforms import GLIBC_VERSION, Platform
from fontgen.progress import Reporter

TARGETS = tuple(f"{machine}-linux-gnu.{GLIBC_VERSION}" for machine in ("x86_64", "aarch64"))

_WASMTIME_WHEELS = {
    "x86_64-linux-gnu": "manylinux1_x86_64",
    "aarch64-linux-gnu": "manylinux2014_aarch64",
    "x86_64-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-macos": "macosx_11_0_arm64",
    "x86_64-macos": "macosx_10_13_x86_64",
    "x86_64-windows-gnu": "win_amd64",
}
"""pip's platform of the wheel of Wasmtime, by zig's name of ours without the C library's version."""

_SUMMARY = "A HarfBuzz that runs the programs in fonts' Wasm tables, built for fontgen"
_INIT = f'"""{_SUMMARY}; fontgen finds it by itself."""\n'
# The oldest date that a ZIP file can have: same inputs, same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def download_wasmtime(platform: Platform, version: str, directory: Path) -> tuple[Path, Path]:
    """Wasmtime's library for a platform and its licence, unpacked into the directory.

    Raises:
        FontgenError: there is no wheel of it for the platform, or pip could not download it.
    """
    wheel = next(
        (tag for known, tag in _WASMTIME_WHEELS.items() if platform.target.startswith(known)), None
    )
    if wheel is None:
        raise FontgenError(f"there is no Wasmtime for {platform.target}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--dest", str(directory), "--only-binary=:all:", "--platform", wheel]
    if subprocess.run([*command, f"wasmtime=={version}"], check=False).returncode:
        raise FontgenError(f"pip could not download wasmtime {version} for {wheel}")
    [path] = directory.glob("wasmtime-*.whl")
    with zipfile.ZipFile(path) as opened:
        library = opened.extract(f"wasmtime/{platform.wasmtime_library}", directory)
        licence = opened.extract(f"wasmtime-{version}.dist-info/licenses/LICENSE", directory)
    return Path(library), Path(licence)


def wheel_tag(platform: Platform) -> str:
    """The wheel's tag: any Python may use the libraries, uharfbuzz is CPython's from 3.11 on (PEP 600).

    >>> wheel_tag(Platform("aarch64-linux-gnu.2.28"))
    'py3-none-manylinux_2_28_aarch64'
    """
    return f"py3-none-manylinux_{GLIBC_VERSION.replace('.', '_')}_{platform.machine}"


def write_wheel(output: Path, platform: Platform, files: dict[str, bytes]) -> None:
    """Writes a wheel (PEP 427): these files, and the metadata that makes a package of them."""
    info = f"{PACKAGE}-{__version__}.dist-info"
    files = dict(files)
    files[f"{PACKAGE}/__init__.py"] = _INIT.encode()
    files[f"{info}/METADATA"] = (
        "Metadata-Version: 2.4\n"
        f"Name: {PACKAGE.replace('_', '-')}\nVersion: {__version__}\nSummary: {_SUMMARY}\n"
        "License-Expression: Apache-2.0 AND MIT-Modern-Variant AND Apache-2.0 WITH LLVM-exception\n"
        + "".join(
            f"License-File: {Path(name).name}\n" for name in files if f"{info}/licenses/" in name
        )
        + "Requires-Python: >=3.10\n"
    ).encode()
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: fontgen\nRoot-Is-Purelib: false\n"
        f"Tag: {wheel_tag(platform)}\n"
    ).encode()
    record = []
    for name, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}\n")
    files[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"]).encode()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        # The metadata last, as PEP 427 recommends.
        for name in sorted(files, key=lambda name: (".dist-info/" in name, name)):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(entry, files[name])


def make_wheel(target: str, folder: Path, reporter: Reporter) -> Path:
    """Builds the host for a platform and writes its wheel into the folder.

    Raises:
        FontgenError: something is missing, or a step failed.
    """
    versions = installed_versions()
    check_requirements(versions)
    if python_include() is None:
        raise FontgenError(missing_headers_message())
    platform = Platform(target)
    folder.mkdir(parents=True, exist_ok=True)
    logs = cache_root() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="building.", dir=cache_root()) as scratch,
        open(logs / f"release-{target}.log", "w", encoding="utf-8") as log,
    ):
        reporter.note(f"the host for {target}")
        work = Build(Path(scratch), cache_root() / "objects", log, versions, platform)
        wasmtime, licence = download_wasmtime(platform, versions["wasmtime"], Path(scratch))
        result = work.run(reporter, wasmtime, with_extension=True)
        files = {
            f"{PACKAGE}/{path.relative_to(result).as_posix()}": path.read_bytes()
            for path in sorted(result.rglob("*"))
            if path.is_file()
        }
        source = Path(scratch) / "source"
        licences = {
            "LICENSE.uharfbuzz": source / "LICENSE",
            "COPYING.harfbuzz": source / "harfbuzz" / "COPYING",
            "LICENSE.wasmtime": licence,
        }
        for name, path in licences.items():
            files[f"{PACKAGE}-{__version__}.dist-info/licenses/{name}"] = path.read_bytes()
    output = folder / f"{PACKAGE}-{__version__}-{wheel_tag(platform)}.whl"
    write_wheel(output, platform, files)
    reporter.note(f"wrote {output} ({output.stat().st_size:,} bytes)")
    return output


def main() -> None:
    """Make the wheels that the arguments ask for."""
    parser = argparse.ArgumentParser(description="Makes wheels of the host.")
    parser.add_argument("-o", "--output", type=Path, default=Path("dist"), metavar="FOLDER")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET")
    args = parser.parse_args()
    try:
        for target in args.targets:
            make_wheel(target, args.output, Reporter())
    except FontgenError as error:
        raise SystemExit(f"fontgen: error: {error}") from error


if __name__ == "__main__":
    main()
