"""What the host is made of: pinned versions, translation units and compiler flags.

Nothing in here runs anything; `fontgen.host.native.builder` follows it. Everything that changes
the bytes of the result is part of `key`, so a change of recipe never meets an old build.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fontgen.host import limits, patches
from fontgen.host.native.platforms import Platform
from fontgen.host.sources import HARFBUZZ_VERSION

WASMTIME_MAJOR = 50  # the adapter declares this version's C ABI by hand

ADAPTER_DIRECTORY = Path(__file__).parent / "adapter"

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


EXPORTS = "{ global: hb_*; fontgen_observ*; local: *; };\n"
"""A linker's version script: HarfBuzz's public functions, and the adapter's own (``observer.hh``)."""

# Each limit for the one file of the adapter where it is: the others need not be compiled anew for it.
_LIMITS = {
    "settings": (
        f"-DFONTGEN_TIMEOUT_MS={limits.TIMEOUT_MS}",
        f"-DFONTGEN_MEMORY_MB={limits.MEMORY_MB}",
        f"-DFONTGEN_CODE_MB={limits.CODE_MB}",
    ),
    "module": (f"-DFONTGEN_MOST_FAILURES={limits.MOST_FAILURES}",),
    "instance": (
        f"-DFONTGEN_MOST_TABLES={limits.MOST_TABLES}",
        f"-DFONTGEN_TABLE_ELEMENTS={limits.TABLE_ELEMENTS}",
    ),
    "references": (f"-DFONTGEN_MOST_OBJECTS={limits.MOST_OBJECTS}",),
}


def adapter_units() -> tuple[Unit, ...]:
    """Every C++ file of the adapter is a translation unit of its own."""
    return tuple(
        Unit(
            f"adapter-{path.stem}",
            3,
            flags=("-DHAVE_WASM=1", *_LIMITS.get(path.stem, ())),
            source=path.name,
            root="adapter",
        )
        for path in sorted(ADAPTER_DIRECTORY.glob("*.cc"))
    )


def extension_unit(platform: Platform) -> Unit:
    """The Python extension."""
    flags = ("-DPy_LIMITED_API=0x030B0000",) if platform.python_abi == "abi3" else ()
    return Unit("uharfbuzz", 25, flags=flags, source="_harfbuzz.cpp", root="uharfbuzz")


@dataclass(frozen=True)
class Library:
    """One shared library of the host; ``needs`` names other entries of `libraries`, ``system`` the platform's."""

    name: str
    units: tuple[Unit, ...]
    needs: tuple[str, ...] = ()
    system: tuple[str, ...] = ()


def libraries() -> tuple[Library, ...]:
    """All of them; each after what it needs."""
    return (
        Library("harfbuzz", HARFBUZZ_UNITS + adapter_units(), system=("m", "pthread", "dl")),
        Library("harfbuzz-subset", SUBSET_UNITS, needs=("harfbuzz",), system=("m", "pthread")),
        Library("harfbuzz-raster", RASTER_UNITS, needs=("harfbuzz",), system=("m", "pthread")),
    )


def sources_digest() -> str:
    """SHA-256, in hex, of the adapter's sources and of all that says how it is built."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    steering = [here / f"{name}.py" for name in ("recipe", "platforms", "builder", "compiler")]
    steering += [Path(patches.__file__), Path(limits.__file__)]
    for path in steering + sorted(p for p in ADAPTER_DIRECTORY.rglob("*") if p.is_file()):
        if "__pycache__" in path.parts:
            continue
        digest.update(path.name.encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def key(versions: dict[str, str], platform: Platform) -> str:
    """Name of the directory that holds the build of these versions for this platform."""
    digest = hashlib.sha256()
    for name, version in sorted(versions.items()):
        digest.update(f"{name}={version}\n".encode())
    digest.update(f"{platform.target} {platform.python_abi} {sources_digest()}\n".encode())
    name = f"harfbuzz-{HARFBUZZ_VERSION}-{platform.target}-{platform.python_abi}"
    return f"{name}-{digest.hexdigest()[:12]}"
