"""Building the host: download, compile with zig, link, move into the cache.

The order of things can be read off :func:`build`.  Compiled objects are kept by the hash of what
went into them, so an edit of the adapter costs seconds and a failed build resumes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import metadata, util
from pathlib import Path
from typing import IO

from fontgen.errors import FontgenError
from fontgen.host import sources
from fontgen.host.native import recipe
from fontgen.host.native.library import MANIFEST, Host, cache_root, directory_of, open_host
from fontgen.host.native.progress import Progress
from fontgen.host.patches import PATCHES

# The archive's package files that an installed uharfbuzz has besides its extension.
_PACKAGE_FILES = ("__init__.py", "_version.py")


def installed_versions() -> dict[str, str]:
    """Versions of all that goes into the host, as installed in this environment."""
    versions = {"harfbuzz": sources.HARFBUZZ_VERSION, "uharfbuzz": sources.UHARFBUZZ_VERSION}
    for name in ("wasmtime", "ziglang"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def _package_directory(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FontgenError(f"the package {name} is not installed: pip install 'fontgen[host]'")
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


class Compiler:
    """zig, with every command and its output going to the log."""

    def __init__(self, zig: Path, scratch: Path, log: IO[str]):
        self.zig = zig
        self.log = log
        self._log_lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        # A cache of its own: removed with the scratch directory, not left in the user's home.
        self.environment = dict(
            os.environ,
            ZIG_GLOBAL_CACHE_DIR=str(scratch / "zig"),
            ZIG_LOCAL_CACHE_DIR=str(scratch / "zig"),
        )

    def run(self, what: str, arguments: list[str]) -> None:
        """Runs ``zig c++`` with ``arguments``.

        Raises:
            FontgenError: it failed; the message names the log.
        """
        command = [str(self.zig), "c++", "-target", recipe.target(), *arguments]
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=self.environment,
            )
        except OSError as error:
            raise FontgenError(f"cannot be run: {error}", path=self.zig) from error
        with self._log_lock:
            self._running.add(process)
        if self._stopped:
            process.kill()
        output = process.communicate()[0]
        with self._log_lock:
            self._running.discard(process)
            self.log.write(f"$ {' '.join(command)}\n{output}")
            self.log.write(f"# {time.monotonic() - started:.1f} s, status {process.returncode}\n")
            self.log.flush()
        if process.returncode:
            reason = "was stopped" if self._stopped else "failed"
            raise FontgenError(f"compiling {what} {reason} (log: {self.log.name})")

    def stop(self) -> None:
        """Ends what is running, so that a failure elsewhere is reported at once."""
        self._stopped = True
        with self._log_lock:
            for process in self._running:
                process.kill()


class Build:
    """One build in a scratch directory; see :func:`build` for the way through."""

    def __init__(self, scratch: Path, objects: Path, log: IO[str], versions: dict[str, str]):
        self.scratch = scratch
        self.objects = objects
        self.versions = versions
        self.result = scratch / "result"
        self.compiler = Compiler(
            _package_directory("ziglang") / ("zig.exe" if sys.platform == "win32" else "zig"),
            scratch,
            log,
        )
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
        flags = [standard, *recipe.CXX_FLAGS, *recipe.harfbuzz_defines(), *unit.flags]
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
        digest.update(f"{sources.UHARFBUZZ_SHA256} {recipe.target()} {unit}\n".encode())
        digest.update(f"{self.versions['ziglang']} {recipe.CXX_FLAGS}\n".encode())
        digest.update(f"{recipe.harfbuzz_defines()}\n".encode())
        # The patches are of the Wasm shaper, which the subset and raster libraries do not have.
        if unit.root == "adapter" or "-DHAVE_WASM=1" in unit.flags:
            digest.update(f"{PATCHES}\n".encode())
        if unit.root == "uharfbuzz":
            version = "" if recipe.abi_tag() == "abi3" else f"{sys.hexversion:x}"
            digest.update(f"{recipe.abi_tag()} {version}\n".encode())
        # HarfBuzz itself sees one header of the adapter; the adapter's files see all of them.
        directory = recipe.ADAPTER_DIRECTORY
        headers = [directory / "wasm_export.h"]
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
        """Links one library into ``result/lib``, exporting HarfBuzz's public names only."""
        directory = self.result / "lib"
        arguments = [str(directory / self._library(name).file_name) for name in library.needs]
        if recipe.system() == "macos":
            arguments += [
                f"-Wl,-install_name,@rpath/{library.file_name}",
                "-Wl,-rpath,@loader_path",
            ]
        elif recipe.system() != "windows":
            exports = self.scratch / "exports.map"
            exports.write_text("{ global: hb_*; local: *; };\n", encoding="utf-8")
            arguments += [
                f"-Wl,-soname,{library.file_name}",
                f"-Wl,--version-script={exports}",
                "-Wl,-rpath,$ORIGIN",
                # A thread of the adapter may still run when a plug-in that brought us is closed.
                "-Wl,-z,nodelete",
                *(f"-l{name}" for name in library.system),
            ]
        self._link(directory / library.file_name, objects, arguments)

    def link_extension(self, objects: list[Path]) -> None:
        """Links the extension into ``result/python`` and completes the package around it."""
        package = self.result / "python" / "uharfbuzz"
        libraries = [str(self.result / "lib" / lib.file_name) for lib in recipe.libraries()]
        if recipe.system() == "macos":
            arguments = ["-undefined", "dynamic_lookup", "-Wl,-rpath,@loader_path/../../lib"]
        elif recipe.system() == "windows":
            arguments = [f"-L{Path(sys.base_prefix) / 'libs'}", "-lpython3"]
        else:
            arguments = ["-Wl,-rpath,$ORIGIN/../../lib", "-Wl,--allow-shlib-undefined"]
        self._link(package / recipe.extension_file_name(), objects, libraries + arguments)
        for name in _PACKAGE_FILES:
            shutil.copyfile(self.uharfbuzz / name, package / name)
        shutil.copyfile(self.scratch / "source" / "LICENSE", package / "LICENSE")

    @staticmethod
    def _library(name: str) -> recipe.Library:
        return next(library for library in recipe.libraries() if library.name == name)

    def add_wasmtime(self) -> None:
        """Copies Wasmtime beside the libraries, so that the build outlives this environment."""
        source = _package_directory("wasmtime") / recipe.wasmtime_library()
        if not source.is_file():
            raise FontgenError("Wasmtime has no library for this platform", path=source)
        target = self.result / "lib" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def compile_all(self, progress: Progress, with_extension: bool) -> dict[str, list[Path]]:
        """Objects of every library by its name; the extension's under ``uharfbuzz``.

        The longest units come first, on as many threads as there are processors.
        """
        owners = [(unit, lib.name) for lib in recipe.libraries() for unit in lib.units]
        if with_extension:
            owners.append((recipe.extension_unit(), "uharfbuzz"))
        owners.sort(key=lambda pair: -pair[0].weight)
        progress.start(sum(unit.weight for unit, _ in owners))
        objects: dict[str, list[Path]] = {}
        pending: dict[Future[Path], tuple[recipe.Unit, str]] = {}
        with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
            for unit, owner in owners:
                pending[pool.submit(self.compile, unit)] = (unit, owner)
            try:
                while pending:
                    for future in wait(pending, timeout=0.5, return_when=FIRST_COMPLETED).done:
                        unit, owner = pending.pop(future)
                        objects.setdefault(owner, []).append(future.result())
                        progress.advance(unit.weight, f"compiled {unit.source or unit.name}")
                    progress.tick()
            except BaseException:
                for future in pending:
                    future.cancel()
                self.compiler.stop()
                raise
        # In name order: a link must not depend on which core was faster.
        return {owner: sorted(paths) for owner, paths in objects.items()}


def check_requirements(versions: dict[str, str]) -> None:
    """
    Raises:
        FontgenError: zig or Wasmtime is not installed, or not the version the adapter is for.
    """
    for name in ("ziglang", "wasmtime"):
        _package_directory(name)
    if versions["wasmtime"].split(".")[0] != str(recipe.WASMTIME_MAJOR):
        raise FontgenError(
            f"wasmtime {versions['wasmtime']} is installed; the host adapter is made for version "
            f"{recipe.WASMTIME_MAJOR}: pip install 'wasmtime=={recipe.WASMTIME_MAJOR}.*'"
        )


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    """Holds a lock file, so that of two builds at once one waits and then finds the other's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                with contextlib.suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
        else:
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress.note("another build is under way: waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
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
    headers = python_include()
    directory = directory_of(recipe.key(versions))
    host = open_host(directory)
    if host is not None and not force and (host.has_uharfbuzz or headers is None):
        return host
    check_requirements(versions)
    root = cache_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        log_path = root / "logs" / f"{directory.name}.log"
        log_path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise FontgenError(f"cannot be created: {error.strerror}", path=root) from error
    with Progress(quiet=quiet) as progress:
        with _locked(root / f"{directory.name}.lock", progress):
            host = open_host(directory)
            if host is not None and not force and (host.has_uharfbuzz or headers is None):
                return host
            scratch = root / f"building.{os.getpid()}"
            shutil.rmtree(scratch, ignore_errors=True)
            try:
                scratch.mkdir()
                with open(log_path, "w", encoding="utf-8") as log:
                    _build_into(directory, scratch, log, versions, progress, force)
            except OSError as error:
                raise FontgenError(
                    f"building failed: {error.strerror or error} (log: {log_path})",
                    path=error.filename,
                ) from error
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    host = open_host(directory)
    assert host is not None
    return host


def _build_into(
    directory: Path,
    scratch: Path,
    log: IO[str],
    versions: dict[str, str],
    progress: Progress,
    force: bool,
) -> None:
    root = cache_root()
    headers = python_include()
    started = time.monotonic()
    progress.note(
        f"building HarfBuzz {sources.HARFBUZZ_VERSION} with its Wasm shaper (some minutes)"
    )
    if headers is None:
        progress.note(f"note: {missing_headers_message()}")
    progress.note(f"downloading {sources.UHARFBUZZ_SDIST}")
    archive = sources.fetch(root / "downloads", log)
    objects = scratch / "objects" if force else root / "objects"
    steps = Build(scratch, objects, log, versions)
    steps.unpack(archive)
    compiled = steps.compile_all(progress, with_extension=headers is not None)
    for library in recipe.libraries():
        steps.link_library(library, compiled[library.name])
    if headers is not None:
        steps.link_extension(compiled["uharfbuzz"])
    steps.add_wasmtime()
    log.write(f"# built in {time.monotonic() - started:.0f} s\n")
    log.flush()
    shutil.copyfile(log.name, steps.result / "build.log")
    (steps.result / MANIFEST).write_text(
        json.dumps({**versions, "target": recipe.target()}, indent=1) + "\n", encoding="utf-8"
    )
    _publish(steps.result, directory)
    progress.note(f"built in {time.monotonic() - started:.0f} s: {directory}")
