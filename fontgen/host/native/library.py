"""Finding and loading a host that is built already; nothing here compiles."""

from __future__ import annotations

import ctypes
import importlib
import json
import sys
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from types import ModuleType

from fontgen.errors import FontgenError
from fontgen.host.cache import cache_root
from fontgen.host.native import recipe
from fontgen.host.native.installed import installed_versions, missing_headers_message
from fontgen.host.native.platforms import here

MANIFEST = "host.json"
PACKAGE = "fontgen_host"
"""Of a wheel that holds a built host."""


@dataclass(frozen=True)
class Host:
    """A built Wasm-enabled HarfBuzz.

    Attributes:
        directory: the build, outside the repository; its name is the key of what went into it.
        library: ``libharfbuzz.so.0`` itself.
        library_directory: what goes on ``LD_LIBRARY_PATH``; holds the subset and raster libraries
            and Wasmtime too.
        python_directory: what goes on ``sys.path`` for a ``uharfbuzz`` that uses the library.
            It may not exist, when Python's headers were missing.
        versions: of harfbuzz, uharfbuzz, wasmtime, ziglang, and the target.
        sources: the digest of what it was built from (`recipe.sources_digest`).
    """

    directory: Path
    library: Path
    library_directory: Path
    python_directory: Path
    versions: dict[str, str] = field(hash=False)
    sources: str = ""

    @property
    def has_uharfbuzz(self) -> bool:
        """Whether the Python extension was built, too."""
        return (self.python_directory / "uharfbuzz" / here().extension_file_name).is_file()


def directory_of(key: str) -> Path:
    """Where the build of that key is kept."""
    return cache_root() / key


def open_host(directory: Path) -> Host | None:
    """The host in ``directory``, or None when there is no complete one."""
    try:
        versions = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    libraries = directory / "lib"
    library = libraries / here().library_file_name("harfbuzz")
    if not library.is_file():
        return None
    digest = versions.pop("sources", "")
    return Host(directory, library, libraries, directory / "python", versions, digest)


def packaged() -> Host | None:
    """The host that the package fontgen-host brings, where it is installed and was made for this fontgen."""
    spec = util.find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        host = open_host(Path(location))
        if (
            host
            and host.sources == recipe.sources_digest()
            and host.versions["target"] == here().target
        ):
            return host
    return None


def find() -> Host | None:
    """The host for the installed versions, if it has been built or is installed; builds nothing.

    The user's own build comes first, but for one that lacks the Python extension which the package has.
    """
    own = open_host(directory_of(recipe.key(installed_versions(), here())))
    return own if own and own.has_uharfbuzz else packaged() or own


def load() -> ModuleType:
    """Makes ``import uharfbuzz`` in this process the host's, and returns the module.

    Raises:
        FontgenError: the host is not built, or built without its Python extension.
    """
    host = find()
    if host is None:
        raise FontgenError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
    if not host.has_uharfbuzz:
        raise FontgenError(missing_headers_message())
    loaded = sys.modules.get("uharfbuzz")
    if loaded is not None:
        origin = Path(getattr(loaded, "__file__", None) or "?").absolute()
        if host.python_directory in origin.parents:
            return loaded
        # fontTools imports the released one by itself, to pack tables. Who has it keeps it; the two share
        # nothing, and whoever imports the name from here on gets the host's.
        for name in [name for name in sys.modules if name.partition(".")[0] == "uharfbuzz"]:
            del sys.modules[name]
    # By absolute path first, so that neither LD_LIBRARY_PATH nor an earlier search decides which
    # library satisfies the extension's need for libharfbuzz.so.0.
    for library in recipe.libraries():
        ctypes.CDLL(str(host.library_directory / here().library_file_name(library.name)))
    sys.path.insert(0, str(host.python_directory))
    try:
        return importlib.import_module("uharfbuzz")
    except ImportError as error:
        sys.path.remove(str(host.python_directory))
        raise FontgenError(f"cannot be imported: {error}", path=host.python_directory) from error
