"""Where a host runs: operating system, processor, C library, and Python's binary interface."""

from __future__ import annotations

import platform
import sys
import sysconfig
from dataclasses import dataclass

# Where the C library is glibc, symbols newer than this are not used: Debian 10, RHEL 8 and later.
GLIBC_VERSION = "2.28"

# HarfBuzz's own build system finds these by trying; zig's libc has them on every target but Windows.
_POSIX_DEFINES = (
    "-DHAVE_PTHREAD=1",
    "-DHAVE_MMAP=1",
    "-DHAVE_UNISTD_H=1",
    "-DHAVE_SYS_MMAN_H=1",
    "-DHAVE_MPROTECT=1",
    "-DHAVE_GETPAGESIZE=1",
    "-DHAVE_SYSCONF=1",
    "-DHAVE_NEWLOCALE=1",
    "-DHAVE_USELOCALE=1",
)


@dataclass(frozen=True)
class Platform:
    """A platform that zig compiles for.

    Attributes:
        target: zig's name of it, such as ``x86_64-linux-gnu.2.28``.
        python_abi: ``abi3`` where one extension serves every CPython from 3.11 on, else a Python's own tag.
    """

    target: str
    python_abi: str = "abi3"

    @property
    def machine(self) -> str:
        """The processor: ``x86_64`` or ``aarch64``."""
        return self.target.split("-")[0]

    @property
    def system(self) -> str:
        """The operating system: ``linux``, ``macos`` or ``windows``."""
        return self.target.split("-")[1]

    @property
    def harfbuzz_defines(self) -> tuple[str, ...]:
        """What the preprocessor is told."""
        # Names are exported from a DLL one by one.
        return ("-DHB_DLL_EXPORT=1",) if self.system == "windows" else _POSIX_DEFINES

    @property
    def wasmtime_library(self) -> str:
        """Where the wheel of wasmtime keeps its shared library, relative to the package."""
        return {
            "macos": f"darwin-{self.machine}/_libwasmtime.dylib",
            "windows": f"win32-{self.machine}/_wasmtime.dll",
        }.get(self.system, f"linux-{self.machine}/_libwasmtime.so")

    @property
    def extension_file_name(self) -> str:
        """The file name under which Python imports ``uharfbuzz._harfbuzz``."""
        return "_harfbuzz.pyd" if self.system == "windows" else f"_harfbuzz.{self.python_abi}.so"

    def library_file_name(self, name: str) -> str:
        """The file name of a library of ours, such as ``libharfbuzz.so.0`` for ``harfbuzz``."""
        return {
            "macos": f"lib{name}.0.dylib",
            "windows": f"{name}.dll",
        }.get(self.system, f"lib{name}.so.0")


def here() -> Platform:
    """The platform that runs this."""
    return Platform(_target(), _python_abi())


def _target() -> str:
    name = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)
    if sys.platform == "darwin":
        return f"{machine}-macos"
    if sys.platform == "win32":
        return f"{machine}-windows-gnu"
    if platform.libc_ver()[0] == "glibc":
        return f"{machine}-linux-gnu.{GLIBC_VERSION}"
    return f"{machine}-linux-musl"


def _python_abi() -> str:
    # uharfbuzz uses the buffer protocol, which the limited API has since 3.11.
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    if sys.implementation.name == "cpython" and sys.version_info >= (3, 11) and not free_threaded:
        return "abi3"
    return sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag or "unknown"
