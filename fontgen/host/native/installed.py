"""What is installed here: versions of the packages that the host is made of, and Python's headers."""

from __future__ import annotations

import sys
import sysconfig
from importlib import metadata, util
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.host import sources
from fontgen.host.native import recipe


def installed_versions() -> dict[str, str]:
    """Versions of all that goes into the host, as installed in this environment."""
    versions = {"harfbuzz": sources.HARFBUZZ_VERSION, "uharfbuzz": sources.UHARFBUZZ_VERSION}
    for name in ("wasmtime", "ziglang"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def package_directory(name: str) -> Path:
    """Where an installed package lies.

    Raises:
        FontgenError: it is not installed.
    """
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FontgenError(f"the package {name} is not installed: pip install 'fontgen[compiler]'")
    return Path(next(iter(spec.submodule_search_locations)))


def missing_headers_message() -> str:
    """Which package brings ``Python.h`` for this interpreter, in one line."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"uharfbuzz cannot be compiled: Python.h of {sys.executable} is missing. Install "
        f"python{version}-dev (Debian, Ubuntu: apt install python{version}-dev; Fedora: "
        f"dnf install python3-devel; or use a Python from uv or pyenv, which have it), then run "
        "`fontgen host build`"
    )


def python_include() -> Path | None:
    """The directory with this interpreter's ``Python.h`` (and ``pyconfig.h``), if it has one."""
    for scheme in ("include", "platinclude"):
        directory = Path(sysconfig.get_path(scheme))
        if (directory / "Python.h").is_file():
            return directory
    return None


def check_requirements(versions: dict[str, str]) -> None:
    """What a build needs is here.

    Raises:
        FontgenError: zig or Wasmtime is not installed, or not the version the adapter is for.
    """
    for name in ("ziglang", "wasmtime"):
        package_directory(name)
    if versions["wasmtime"].split(".")[0] != str(recipe.WASMTIME_MAJOR):
        raise FontgenError(
            f"wasmtime {versions['wasmtime']} is installed; the host adapter is made for version "
            f"{recipe.WASMTIME_MAJOR}: pip install 'wasmtime=={recipe.WASMTIME_MAJOR}.*'"
        )
