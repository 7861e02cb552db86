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

UHARFBUZZ_VERSION = "0.57.0"
UHARFBUZZ_SDIST = f"uharfbuzz-{UHARFBUZZ_VERSION}.tar.gz"
UHARFBUZZ_SHA256 = "55136df18a9dd09fec36d1ceb77965f3108de6d86c338b3825feedb0730d84b7"
HARFBUZZ_VERSION = "15.0.0"  # bundled in that sdist
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


@dataclass(frozen=True)
class Patch:
    """An edit of one of HarfBuzz's sources: ``old`` must be there exactly once."""

    file: str
    old: str
    new: str


# The host builds and runs without these; most mend something in HarfBuzz's Wasm API functions that a
# hostile guest, or a long run, would find.
PATCHES = (
    # A guest's malloc() can change the structure between the allocation and the copy.
    Patch(
        "hb-wasm-api-buffer.hh",
        """  unsigned old_bytes = contents->length * sizeof (glyph_info_t);
""",
        "",
    ),
    Patch(
        "hb-wasm-api-buffer.hh",
        """  glyph_info_t *new_info = nullptr;
  uint32_t new_inforef""",
        """  const unsigned old_bytes = contents->length * sizeof (glyph_info_t);
  glyph_info_t *new_info = nullptr;
  uint32_t new_inforef""",
    ),
    # Copying a table into memory of the guest's own leaked a reference to the table.
    Patch(
        "hb-wasm-api-face.hh",
        """    hb_memcpy (data, hb_data, length);

    return true;
""",
        """    hb_memcpy (data, hb_data, length);
    hb_blob_destroy (hb_blob);

    return true;
""",
    ),
    Patch(
        "hb-wasm-api-face.hh",
        """      blob->length = 0;
      return false;
    }

    hb_memcpy""",
        """      blob->length = 0;
      hb_blob_destroy (hb_blob);
      return false;
    }

    hb_memcpy""",
    ),
    # Marking an object each time it is passed takes a lock, and tells the font's caches, shared
    # with other threads, that the font has changed.
    Patch(
        "hb-wasm-api.hh",
        "    hb_##obj##_set_user_data (obj, &_hb_wasm_ref_type_key, \\\n"
        "\t\t\t      (void *) hb_wasm_ref_type_##obj, \\\n"
        "\t\t\t      nullptr, false); \\\n",
        "    if (hb_##obj##_get_user_data (obj, &_hb_wasm_ref_type_key) != \\\n"
        "\t(void *) hb_wasm_ref_type_##obj) \\\n"
        "      hb_##obj##_set_user_data (obj, &_hb_wasm_ref_type_key, \\\n"
        "\t\t\t\t(void *) hb_wasm_ref_type_##obj, \\\n"
        "\t\t\t\tnullptr, false); \\\n",
    ),
    # Threads read and write this one.
    Patch(
        "hb-wasm-shape.cc",
        "  static bool initialized;\n",
        "  static hb_atomic_t<bool> initialized;\n",
    ),
    # What a program says stands before and after a text is for joining Arabic letters, which need
    # five characters; guests are shown as much as a paragraph (show_context() in calls.cc).
    Patch("hb-buffer.hh", "CONTEXT_LENGTH = 5u;", "CONTEXT_LENGTH = 4096u;"),
    # So much must not be zeroed for each text, nor be read ahead: nobody looks at what is not counted,
    # and of what follows a text guests are shown 256 characters at most.
    Patch("hb-buffer.cc", "  hb_memset (context, 0, sizeof context);\n", ""),
    Patch(
        "hb-buffer.cc",
        "  while (next < end && buffer->context_len[1] < buffer->CONTEXT_LENGTH)\n",
        "  while (next < end && buffer->context_len[1] < 256)\n",
    ),
    # LibreOffice asks for graphite2, then coretext_aat, ot and fallback: written before there were
    # Wasm fonts, it means "the font's own program first". There is no Graphite shaper here, so the
    # name is free to mean the other kind of program that a font may have.
    Patch(
        "hb-shape-plan.cc",
        """    for (; *shaper_list; shaper_list++)
      if (false)
	;
""",
        """    for (; *shaper_list; shaper_list++)
      if (false)
	;
#ifdef HAVE_WASM
      else if (0 == strcmp (*shaper_list, "graphite2"))
	HB_SHAPER_PLAN (wasm);
#endif
""",
    ),
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
    for path in [Path(__file__), Path(__file__).parent / "builder.py"] + sorted(
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
