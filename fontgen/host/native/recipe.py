"""What the host is made of: pinned versions, translation units and compiler flags.

Nothing in here runs anything; `fontgen.host.native.builder` follows it.  Everything that changes
the bytes of the result is part of :func:`key`, so a change of recipe never meets an old build.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from fontgen.host import patches
from fontgen.host.sources import HARFBUZZ_VERSION

WASMTIME_MAJOR = 50  # the adapter declares this version's C ABI by hand
ZIGLANG_MINOR = "0.17"

ADAPTER_DIRECTORY = Path(__file__).parent / "adapter"

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


# No exceptions, RTTI or static guards: nothing of the C++ runtime is needed, so none is linked.
CXX_FLAGS = (
    "-O2",
    "-g0",
    "-fPIC",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-threadsafe-statics",
    "-fvisibility-inlines-hidden",
    "-fno-sanitize=all",
    "-w",
)


@dataclass(frozen=True)
class Unit:
    """One translation unit: ``includes`` are paths below HarfBuzz's ``src``; where ``source`` is
    given, it is that one file of ``root``, which is ``harfbuzz``, ``adapter`` or ``uharfbuzz``.
    """

    name: str
    weight: int  # seconds on an idle core, for the order and the progress bar
    flags: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    source: str = ""
    root: str = "harfbuzz"


# harfbuzz-subset.cc as one unit takes 150 s; HarfBuzz's own list of its sources, dealt into three,
# keeps two cores busy.
SUBSET_UNITS = (
    Unit(
        "subset-layout",
        60,
        includes=("hb-subset-table-layout.cc", "hb-subset.cc"),
    ),
    Unit(
        "subset-plan",
        55,
        includes=(
            "hb-subset-plan.cc",
            "hb-subset-plan-layout.cc",
            "hb-subset-plan-var.cc",
            "hb-subset-input.cc",
            "hb-subset-instancer-iup.cc",
            "hb-subset-instancer-solver.cc",
            "hb-subset-serialize.cc",
            "hb-number.cc",
            "hb-static.cc",
            "graph/gsubgpos-context.cc",
            "hb-depend.cc",
        ),
    ),
    Unit(
        "subset-tables",
        55,
        includes=(
            "OT/Var/VARC/VARC.cc",
            "hb-ot-cff1-table.cc",
            "hb-ot-cff2-table.cc",
            "hb-subset-cff-common.cc",
            "hb-subset-cff1.cc",
            "hb-subset-cff2.cc",
            "hb-subset-table-cff.cc",
            "hb-subset-table-color.cc",
            "hb-subset-table-other.cc",
            "hb-subset-table-var.cc",
        ),
    ),
)
HARFBUZZ_UNITS = (Unit("harfbuzz", 80, flags=("-DHAVE_WASM=1",), source="harfbuzz.cc"),)
RASTER_UNITS = (
    Unit(
        "raster",
        10,
        includes=("hb-raster-draw.cc", "hb-raster-image.cc", "hb-raster-paint.cc", "hb-static.cc"),
    ),
)


def adapter_units() -> tuple[Unit, ...]:
    """Every C++ file of the adapter is a translation unit of its own."""
    return tuple(
        Unit(f"adapter-{path.stem}", 3, flags=("-DHAVE_WASM=1",), source=path.name, root="adapter")
        for path in sorted(ADAPTER_DIRECTORY.glob("*.cc"))
    )


def extension_unit() -> Unit:
    flags = () if abi_tag() != "abi3" else ("-DPy_LIMITED_API=0x030B0000",)
    return Unit("uharfbuzz", 25, flags=flags, source="_harfbuzz.cpp", root="uharfbuzz")


@dataclass(frozen=True)
class Library:
    """One shared library of the host; ``needs`` names other entries of :func:`libraries`."""

    name: str
    units: tuple[Unit, ...]
    needs: tuple[str, ...] = ()
    system: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        return {
            "macos": f"lib{self.name}.0.dylib",
            "windows": f"{self.name}.dll",
        }.get(system(), f"lib{self.name}.so.0")


def libraries() -> tuple[Library, ...]:
    return (
        Library("harfbuzz", HARFBUZZ_UNITS + adapter_units(), system=("m", "pthread", "dl")),
        Library("harfbuzz-subset", SUBSET_UNITS, needs=("harfbuzz",), system=("m", "pthread")),
        Library("harfbuzz-raster", RASTER_UNITS, needs=("harfbuzz",), system=("m", "pthread")),
    )


def target() -> str:
    """Zig's name of the platform to compile for, which is always the one that runs this."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        return f"{machine}-macos"
    if sys.platform == "win32":
        return f"{machine}-windows-gnu"
    if platform.libc_ver()[0] == "glibc":
        return f"{machine}-linux-gnu.{GLIBC_VERSION}"
    return f"{machine}-linux-musl"


def system() -> str:
    """The part of :func:`target` that names the operating system: linux, macos or windows."""
    return target().split("-")[1]


def harfbuzz_defines() -> tuple[str, ...]:
    """What the preprocessor is told of the platform."""
    # Names are exported from a DLL one by one.
    return ("-DHB_DLL_EXPORT=1",) if system() == "windows" else _POSIX_DEFINES


def wasmtime_library() -> str:
    """Where the wheel of wasmtime keeps its shared library, relative to the package."""
    machine = target().split("-")[0]
    return {
        "macos": f"darwin-{machine}/_libwasmtime.dylib",
        "windows": f"win32-{machine}/_wasmtime.dll",
    }.get(system(), f"linux-{machine}/_libwasmtime.so")


def abi_tag() -> str:
    """``abi3`` where one extension serves every CPython from 3.11 on, else this Python's own tag.

    uharfbuzz uses the buffer protocol, which the limited API has since 3.11.
    """
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    if sys.implementation.name == "cpython" and sys.version_info >= (3, 11) and not free_threaded:
        return "abi3"
    return sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag or "unknown"


def extension_file_name() -> str:
    """The file name under which Python imports ``uharfbuzz._harfbuzz``."""
    if system() == "windows":
        return "_harfbuzz.pyd"
    return f"_harfbuzz.{'abi3' if abi_tag() == 'abi3' else abi_tag()}.so"


def sources_digest() -> str:
    """SHA-256, in hex, of the adapter's sources and of this recipe."""
    digest = hashlib.sha256()
    for path in [Path(__file__), Path(__file__).parent / "builder.py", Path(patches.__file__)] + sorted(
        path for path in ADAPTER_DIRECTORY.rglob("*") if path.is_file()
    ):
        if "__pycache__" in path.parts:
            continue
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def key(versions: dict[str, str]) -> str:
    """Name of the directory that holds this build, of these versions, for this platform."""
    digest = hashlib.sha256()
    for name, version in sorted(versions.items()):
        digest.update(f"{name}={version}\n".encode())
    digest.update(f"{target()} {abi_tag()} {sources_digest()}\n".encode())
    return f"harfbuzz-{HARFBUZZ_VERSION}-{target()}-{abi_tag()}-{digest.hexdigest()[:12]}"
