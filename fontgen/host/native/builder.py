"""Building the host: download, compile with zig, link, move into the cache.

The order of things can be read off `build`. Compiled objects are kept by the hash of what
went into them, so an edit of the adapter costs seconds and a failed build resumes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from fontgen.errors import FontgenError
from fontgen.host import sources
from fontgen.host.cache import cache_root
from fontgen.host.native import recipe
from fontgen.host.native.compiler import Compiler
from fontgen.host.native.installed import (
    check_requirements,
    installed_versions,
    missing_headers_message,
    package_directory,
    python_include,
)
from fontgen.host.native.library import MANIFEST, Host, directory_of, find, open_host
from fontgen.host.native.platforms import Platform, here
from fontgen.host.patches import PATCHES
from fontgen.progress import Reporter

# The archive's package files that an installed uharfbuzz has besides its extension.
_PACKAGE_FILES = ("__init__.py", "_version.py")


class Build:
    """One build in a scratch directory; see `build` for the way through.

    Args:
        scratch: an empty directory, removed when all is done; the result is its ``result``.
        objects: where compiled objects are kept from build to build, by the hash of what went into them.
        log: open for writing.
        versions: those of `installed_versions`.
        platform: what to compile for.
    """

    def __init__(
        self,
        scratch: Path,
        objects: Path,
        log: IO[str],
        versions: dict[str, str],
        platform: Platform,
    ):
        self.scratch = scratch
        self.platform = platform
        self.objects = objects
        self.versions = versions
        self.result = scratch / "result"
        self.compiler = Compiler(scratch, log, platform.target)
        self.harfbuzz = self.uharfbuzz = scratch  # set by unpack()

    def unpack(self, archive: Path) -> None:
        self.harfbuzz, self.uharfbuzz = sources.extract(archive, self.scratch / "source")

    def _source_of(self, unit: recipe.Unit) -> Path:
        if unit.source:
            roots = {
                "harfbuzz": self.harfbuzz,
                "adapter": recipe.ADAPTER_DIRECTORY,
                "uharfbuzz": self.uharfbuzz,
            }
            return roots[unit.root] / unit.source
        path = self.scratch / f"{unit.name}.cc"
        path.write_text("".join(f'#include "{name}"\n' for name in unit.includes), encoding="utf-8")
        return path

    def _flags_of(self, unit: recipe.Unit) -> list[str]:
        standard = "-std=c++17"
        flags = [standard, *recipe.CXX_FLAGS, *self.platform.harfbuzz_defines, *unit.flags]
        include = python_include() if unit.root == "uharfbuzz" else None
        if include is not None:
            # Debian's pyconfig.h includes <x86_64-linux-gnu/python3.11/pyconfig.h>, from the directory
            # above. That has the system's C library, too: it comes after the headers of zig's.
            flags += [f"-I{include}", "-idirafter", str(include.parent)]
        adapter = recipe.ADAPTER_DIRECTORY
        return [*flags, f"-I{adapter}", f"-I{adapter / 'freetype'}", f"-I{self.harfbuzz}"]

    def _object_key(self, unit: recipe.Unit) -> str:
        """What the object depends on: sources (pinned by hash), headers, flags, compiler."""
        digest = hashlib.sha256()
        digest.update(f"{sources.UHARFBUZZ_SHA256} {self.platform.target} {unit}\n".encode())
        digest.update(f"{self.versions['ziglang']} {recipe.CXX_FLAGS}\n".encode())
        digest.update(f"{self.platform.harfbuzz_defines}\n".encode())
        # The subset and raster libraries have no Wasm shaper: they see no patch of it, nor its header.
        has_wasm = unit.root == "adapter" or "-DHAVE_WASM=1" in unit.flags
        if has_wasm:
            digest.update(f"{PATCHES}\n".encode())
        if unit.root == "uharfbuzz":
            abi = self.platform.python_abi
            digest.update(f"{abi} {'' if abi == 'abi3' else f'{sys.hexversion:x}'}\n".encode())
        # HarfBuzz itself sees one header of the adapter; the adapter's files see all of them.
        directory = recipe.ADAPTER_DIRECTORY
        headers = [directory / "wasm_export.h"] if has_wasm else []
        if unit.root == "adapter":
            headers = sorted(p for p in directory.rglob("*") if p.is_file() and p.suffix != ".cc")
            headers.append(directory / unit.source)
        for header in headers:
            digest.update(header.name.encode() + b"\0" + header.read_bytes())
        return f"{unit.name}-{digest.hexdigest()[:20]}.o"

    def compile(self, unit: recipe.Unit) -> Path:
        """The unit's object file, from the object cache when it is there."""
        cached = self.objects / self._object_key(unit)
        if cached.is_file():
            os.utime(cached)
            return cached
        output = self.scratch / f"{unit.name}.o"
        self.compiler.run(
            unit.source or unit.name,
            [*self._flags_of(unit), "-c", str(self._source_of(unit)), "-o", str(output)],
        )
        self.objects.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_name(f"{cached.name}.{os.getpid()}")
        shutil.copyfile(output, temporary)
        os.replace(temporary, cached)
        return cached

    def _link(self, output: Path, objects: list[Path], arguments: list[str]) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        self.compiler.run(
            output.name,
            ["-shared", "-s", "-nostdlib++", "-fno-sanitize=all", "-o", str(output)]
            + [str(path) for path in objects]
            + arguments,
        )

    def link_library(self, library: recipe.Library, objects: list[Path]) -> None:
        """Links one library into ``result/lib``, exporting public names only."""
        directory = self.result / "lib"
        file_name = self.platform.library_file_name(library.name)
        arguments = [
            str(directory / self.platform.library_file_name(name)) for name in library.needs
        ]
        if self.platform.system == "macos":
            arguments += [f"-Wl,-install_name,@rpath/{file_name}", "-Wl,-rpath,@loader_path"]
        elif self.platform.system != "windows":
            exports = self.scratch / "exports.map"
            exports.write_text(recipe.EXPORTS, encoding="utf-8")
            arguments += [
                f"-Wl,-soname,{file_name}",
                f"-Wl,--version-script={exports}",
                "-Wl,-rpath,$ORIGIN",
                # A thread of the adapter may still run when a plug-in that brought us is closed.
                "-Wl,-z,nodelete",
                *(f"-l{name}" for name in library.system),
            ]
        self._link(directory / file_name, objects, arguments)

    def link_extension(self, objects: list[Path]) -> None:
        """Links the extension into ``result/python`` and completes the package around it."""
        package = self.result / "python" / "uharfbuzz"
        libraries = [
            str(self.result / "lib" / self.platform.library_file_name(library.name))
            for library in recipe.libraries()
        ]
        if self.platform.system == "macos":
            arguments = ["-undefined", "dynamic_lookup", "-Wl,-rpath,@loader_path/../../lib"]
        elif self.platform.system == "windows":
            arguments = [f"-L{Path(sys.base_prefix) / 'libs'}", "-lpython3"]
        else:
            arguments = ["-Wl,-rpath,$ORIGIN/../../lib", "-Wl,--allow-shlib-undefined"]
        self._link(package / self.platform.extension_file_name, objects, libraries + arguments)
        for name in _PACKAGE_FILES:
            shutil.copyfile(self.uharfbuzz / name, package / name)
        shutil.copyfile(self.scratch / "source" / "LICENSE", package / "LICENSE")

    def add_wasmtime(self, source: Path) -> None:
        """Copies Wasmtime beside the libraries, so that the build outlives this environment."""
        if not source.is_file():
            raise FontgenError("Wasmtime has no library for this platform", path=source)
        target = self.result / "lib" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def write_manifest(self) -> None:
        """Says what it is made of. The file makes a directory a host: it comes last."""
        manifest = {
            **self.versions,
            "target": self.platform.target,
            "sources": recipe.sources_digest(),
        }
        text = json.dumps(manifest, indent=1) + "\n"
        (self.result / MANIFEST).write_text(text, encoding="utf-8")

    def compile_all(
        self, libraries: Sequence[recipe.Library], reporter: Reporter, *, with_extension: bool
    ) -> dict[str, list[Path]]:
        """Objects of every library by its name; the extension's under ``uharfbuzz``.

        The longest units come first, on as many threads as there are processors.
        """
        owners = [(unit, library.name) for library in libraries for unit in library.units]
        if with_extension:
            owners.append((recipe.extension_unit(self.platform), "uharfbuzz"))
        owners.sort(key=lambda pair: -pair[0].weight)
        objects: dict[str, list[Path]] = {}
        pending: dict[Future[Path], tuple[recipe.Unit, str]] = {}
        with (
            reporter.steps(total=sum(unit.weight for unit, _ in owners)) as steps,
            ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool,
        ):
            for unit, owner in owners:
                pending[pool.submit(self.compile, unit)] = (unit, owner)
            try:
                while pending:
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        unit, owner = pending.pop(future)
                        objects.setdefault(owner, []).append(future.result())
                        steps.advance(unit.weight, f"compiled {unit.source or unit.name}")
            except BaseException:
                for future in pending:
                    future.cancel()
                self.compiler.stop()
                raise
        # In name order: a link must not depend on which core was faster.
        return {owner: sorted(paths) for owner, paths in objects.items()}

    def run(self, reporter: Reporter, wasmtime: Path, *, with_extension: bool) -> Path:
        """Goes all the way and returns ``result``.

        Args:
            reporter: told how far it is.
            wasmtime: its library for the platform.
            with_extension: uharfbuzz, too, which needs Python's headers.
        """
        reporter.note(f"downloading {sources.UHARFBUZZ_SDIST}")
        self.unpack(sources.fetch(cache_root() / "downloads", self.compiler.log))
        libraries = recipe.libraries()
        compiled = self.compile_all(libraries, reporter, with_extension=with_extension)
        for library in libraries:
            self.link_library(library, compiled[library.name])
        if with_extension:
            self.link_extension(compiled["uharfbuzz"])
        self.add_wasmtime(wasmtime)
        self.write_manifest()
        return self.result


@contextmanager
def _locked(path: Path, reporter: Reporter) -> Iterator[None]:
    """Holds a lock file, so that of two builds at once one waits and then finds the other's."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reporter.note("another build is under way: waiting for it")
        lock.acquire()
    with lock:
        lock.release()  # what the statement counts, not the file
        yield


def _publish(result: Path, directory: Path) -> None:
    """Moves a finished build into place at once; an older one of the same key gives way."""
    old = directory.with_name(f"{directory.name}.old.{os.getpid()}")
    if directory.exists():
        os.rename(directory, old)
    os.rename(result, directory)
    shutil.rmtree(old, ignore_errors=True)


def build(*, force: bool = False, quiet: bool = False) -> Host:
    """Builds the host unless it is there, and returns it.

    Args:
        force: build again, compiling everything.
        quiet: show no progress.

    Raises:
        FontgenError: something is missing, or a step failed; the message names the log.
    """
    versions = installed_versions()
    platform = here()
    directory = directory_of(recipe.key(versions, platform))
    if not force and (host := _complete(find())):
        return host
    check_requirements(versions)
    root, reporter = cache_root(), Reporter(quiet=quiet)
    log_path = root / "logs" / f"{directory.name}.log"
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FontgenError(f"cannot be created: {error.strerror}", path=root) from error
    with _locked(root / f"{directory.name}.lock", reporter):
        if not force and (host := _complete(open_host(directory))):
            return host
        try:
            with (
                tempfile.TemporaryDirectory(prefix="building.", dir=root) as scratch,
                open(log_path, "w", encoding="utf-8") as log,
            ):
                objects = (Path(scratch) if force else root) / "objects"
                work = Build(Path(scratch), objects, log, versions, platform)
                _publish(_build_all(work, reporter, directory), directory)
        except OSError as error:
            raise FontgenError(
                f"building failed: {error.strerror or error} (log: {log_path})",
                path=error.filename,
            ) from error
    host = open_host(directory)
    assert host is not None
    return host


def _complete(host: Host | None) -> Host | None:
    """A host that is there, unless it lacks an extension that could be built now."""
    return host if host and (host.has_uharfbuzz or python_include() is None) else None


def _build_all(work: Build, reporter: Reporter, directory: Path) -> Path:
    """Builds in ``work.scratch`` what will lie in ``directory``; returns where it is until then."""
    started = time.monotonic()
    reporter.note(
        f"building HarfBuzz {sources.HARFBUZZ_VERSION} with its Wasm shaper (some minutes)"
    )
    headers = python_include()
    if headers is None:
        reporter.note(f"note: {missing_headers_message()}")
    wasmtime = package_directory("wasmtime") / work.platform.wasmtime_library
    result = work.run(reporter, wasmtime, with_extension=headers is not None)
    duration = f"built in {time.monotonic() - started:.0f} s"
    work.compiler.log.write(f"# {duration}\n")
    work.compiler.log.flush()
    shutil.copyfile(work.compiler.log.name, result / "build.log")
    reporter.note(f"{duration}: {directory}")
    return result
