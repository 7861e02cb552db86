"""Looking at what is built, and at whether a given program would use it."""

from __future__ import annotations

import mmap
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from fontgen.errors import FontgenError
from fontgen.host.native.installed import missing_headers_message
from fontgen.host.native.library import Host, find
from fontgen.host.native.run import LIBRARY_PATH, find_program

LIBRARY = "libharfbuzz.so.0"
# An environment variable that every HarfBuzz since 2011 reads, so that its name is in every copy.
MARK = b"HB_SHAPER_LIST"
MAX_FILES = 400
MOST_SCRIPTS = 4


@dataclass
class Finding:
    """What is known of one program: whether it would use the host, why, and what to do."""

    program: str
    path: str | None
    uses_host: bool
    reasons: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def settings_in_force() -> dict[str, str]:
    """The variables that steer the host, as set in this environment."""
    return {
        name: value for name, value in sorted(os.environ.items()) if name.startswith("FONTGEN_")
    }


def _contains(path: Path, mark: bytes) -> bool:
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(mark) >= 0
    except (OSError, ValueError):
        return False


def _is_elf(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _script_interpreter(path: Path) -> str | None:
    """The command line after ``#!``, or None where the file is not a script."""
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return None
    return line[2:].decode(errors="replace").strip() if line.startswith(b"#!") else None


def _expanded(text: str) -> str:
    """A shell script's text with the variables that it sets to plain words put in."""
    variables: dict[str, str] = {}
    for name, value in re.findall(r"^\s*(\w+)=[\"']?([\w/.+${}-]+)[\"']?\s*$", text, re.MULTILINE):
        variables.setdefault(name, Template(value).safe_substitute(variables))
    return Template(text).safe_substitute(variables)


def _programs_behind(script: Path) -> Iterator[Path]:
    """Files that a start script probably runs: those whose absolute path is in its text, what it hands over to
    by ``exec``, and those beside what it links to, as LibreOffice's ``soffice.bin`` is beside ``soffice``."""
    text = _expanded(script.read_text(encoding="utf-8", errors="replace"))
    for name in re.findall(r"/[\w./+-]+", text):
        path = Path(name)
        if path.is_file() and _is_elf(path) and os.access(path, os.X_OK):
            # Tools that scripts use are in bin: rm, gdb, the shell itself.
            if path.parent.name not in ("bin", "sbin") or path.name.startswith(script.name):
                yield path
    for name in re.findall(r"^[^#\n]*(?<![\w-])exec\s+([\w.+-]+)", text, re.MULTILINE):
        found = shutil.which(name)
        if found is not None and Path(found).resolve() != script.resolve():
            yield Path(found)
    beside = script.resolve().with_suffix(".bin")
    if beside.is_file() and _is_elf(beside):
        yield beside


def _binary_behind(script: Path, depth: int = 0) -> Path | None:
    """The ELF file that a chain of start scripts probably ends in."""
    for path in _programs_behind(script):
        if _is_elf(path):
            return path
        if depth < MOST_SCRIPTS and _script_interpreter(path) is not None:
            behind = _binary_behind(path, depth + 1)
            if behind is not None:
                return behind
    return None


def _linked_libraries(path: Path, host: Host) -> dict[str, str]:
    """Soname to path of all that the dynamic linker would load, with the host's libraries first."""
    if shutil.which("ldd") is None:
        raise FontgenError("`ldd` is not installed, so programs cannot be looked at")
    done = subprocess.run(
        ["ldd", str(path)],
        env={**os.environ, LIBRARY_PATH: str(host.library_directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(re.findall(r"^\s*(\S+) => (\S+)", done.stdout, re.MULTILINE))


def _own_copies(path: Path) -> list[Path]:
    """Files of the program itself that carry a HarfBuzz: its executable and what is beside it."""
    path = path.resolve()
    around = [path]
    if path.parent.name not in ("bin", "sbin", "games"):
        around += sorted(path.parent.rglob("*.so*"))[:MAX_FILES]
    return [file for file in around if file.is_file() and _contains(file, MARK)]


def examine(program: str, host: Host) -> Finding:
    """Whether ``program``, started by ``fontgen run``, would shape with the host; also of one that is not there.

    Raises:
        FontgenError: there is no ``ldd`` to look with.
    """
    try:
        path = find_program(program)
    except FontgenError as error:
        return Finding(program, None, uses_host=False, reasons=[error.cause])
    finding = Finding(program, str(path), uses_host=False)
    real = path.resolve()
    if str(real).startswith("/snap/") or real.name == "snap":
        finding.reasons.append("it is a snap, which runs with libraries of its own")
        finding.advice.append("install the program from the distribution instead")
        return finding
    interpreter = _script_interpreter(real)
    if interpreter is not None:
        behind = _examine_script(real, interpreter, finding)
        if behind is None:
            return finding
        real = behind.resolve()
    if os.stat(real).st_mode & (stat.S_ISUID | stat.S_ISGID):
        finding.reasons.append("it is setuid or setgid: the system ignores the library path")
    elif not _is_elf(real):
        finding.reasons.append("it is not a program that this system's dynamic linker starts")
    else:
        _examine_binary(real, host, finding)
    return finding


def _examine_script(script: Path, interpreter: str, finding: Finding) -> Path | None:
    """The program behind a script; None, and why, where that cannot be told or does not matter."""
    if "flatpak run" in script.read_text(encoding="utf-8", errors="replace"):
        finding.reasons.append("it is a flatpak, which runs with libraries of its own")
        finding.advice.append("install the program from the distribution instead")
        return None
    behind = _binary_behind(script)
    if behind is None:
        finding.reasons.append(
            f"it is a script for {interpreter}: what that loads can only be seen when it runs"
        )
        finding.advice.append(
            f"try it, and look for {LIBRARY} in /proc/PID/maps of the running program"
        )
        return None
    finding.reasons.append(f"it is a script that runs {behind}")
    return behind


def _examine_binary(binary: Path, host: Host, finding: Finding) -> None:
    """Which HarfBuzz an ELF file would have."""
    libraries = _linked_libraries(binary, host)
    linked = libraries.get(LIBRARY)
    if linked == str(host.library):
        finding.uses_host = True
        finding.reasons.append(f"its {LIBRARY} is the host's")
    elif linked is not None:
        finding.reasons.append(f"it is linked to find {linked} first (RPATH)")
    copies = [copy for copy in _own_copies(binary) if str(copy) != linked]
    finding.reasons += [f"{copy} has a HarfBuzz built in" for copy in copies]
    if linked is None and not copies:
        finding.reasons.append(f"it is not linked with {LIBRARY}; it may load it, or a plug-in may")
        finding.advice.append(f"try it, and look for {LIBRARY} in /proc/PID/maps")
    if linked != str(host.library) and copies:
        finding.advice.append("a build of the program against the system's HarfBuzz would use it")
    if finding.uses_host and "libgio-2.0.so.0" in libraries:
        finding.advice.append(
            "close its other windows first: a running instance opens new ones in its own process"
        )


def host_summary() -> list[str]:
    """What is built, in lines for people."""
    host = find()
    if host is None:
        return ["not built: run `fontgen host build`"]
    versions = ", ".join(f"{name} {version}" for name, version in host.versions.items())
    lines = [f"built: {host.directory}", f"versions: {versions}"]
    if not host.has_uharfbuzz:
        lines.append(missing_headers_message())
    return lines
