"""Finding and loading a host that is built already; nothing here compiles."""

from __future__ import annotations

import ctypes
import importlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from fontgen.errors import FontgenError
from fontgen.host.cache import cache_root
from fontgen.host.native import recipe
from fontgen.host.native.installed import installed_versions, missing_headers_message
from fontgen.host.native.platforms import here

MANIFEST = "host.json"


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
    """

    directory: Path
    library: Path
    library_directory: Path
    python_directory: Path
    versions: dict[str, str] = field(hash=False)

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
    versions.pop("sources", None)
    library_directory = directory / "lib"
    library = library_directory / here().library_file_name("harfbuzz")
    if not library.is_file():
        return None
    return Host(directory, library, library_directory, directory / "python", versions)


def find() -> Host | None:
    """The host for the installed versions, if it has been built; builds nothing."""
    return open_host(directory_of(recipe.key(installed_versions(), here())))


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
