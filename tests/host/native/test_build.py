"""Building, finding and loading the host; running programs with it."""

from __future__ import annotations

import ctypes
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import wasmtime
from support.host_fonts import SOURCES, compile_guest, with_wasm
from support.paths import REPOSITORY

from fontgen.cli.parser import make_parser
from fontgen.errors import FontgenError
from fontgen.host import sources
from fontgen.host.native import Host, build, builder, doctor, find, recipe
from fontgen.host.native import run as run_module
from fontgen.host.native.platforms import here


def fontgen(*arguments: str) -> int:
    """Exit code of one of the host's subcommands."""
    args = make_parser().parse_args(arguments)
    return int(pkgutil.resolve_name(args.handler)(args))


def in_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_library_runs_wasm(host: Host, uharfbuzz: ModuleType) -> None:
    assert host.library.name in ("libharfbuzz.so.0", "libharfbuzz.0.dylib", "harfbuzz.dll")
    assert host.library.parent == host.library_directory
    assert uharfbuzz.version_string() == host.versions["harfbuzz"] == sources.HARFBUZZ_VERSION
    assert host.python_directory in Path(uharfbuzz.__file__).parents


def test_editors_find_their_functions(host: Host) -> None:
    """What Debian 12's Pango, cairo, GTK 3 and 4, Qt 5 and 6, LibreOffice, Emacs, GIMP, Inkscape,
    libass, libraqm, mupdf, hb-view and TeX import from the two libraries (``nm -D``)."""
    names = (SOURCES / "imported_symbols.txt").read_text().split()
    libraries = [
        ctypes.CDLL(str(host.library_directory / here().library_file_name(name)))
        for name in ("harfbuzz", "harfbuzz-subset")
    ]
    missing = [name for name in names if not any(hasattr(lib, name) for lib in libraries)]
    assert len(names) > 250
    assert missing == []


def test_second_build_is_the_first(host: Host) -> None:
    assert build() == host == find()


def test_loading_beside_another_uharfbuzz(host: Host, tmp_path: Path) -> None:
    """fontTools imports the released one when it packs tables; the host's then takes its name."""
    (tmp_path / "uharfbuzz.py").write_text("")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import uharfbuzz as other\n"
        "from fontgen.host import native as host; loaded = host.load()\n"
        "import uharfbuzz; assert uharfbuzz is loaded is not other; print(uharfbuzz.__file__)"
    )
    assert in_python(code).stdout.startswith(str(host.python_directory))


def test_a_copied_table_does_not_stay_in_memory_twice(host: Host, font_path: Path) -> None:
    """The weights' pages of a mapped font are given back; the font can be read again all the same."""
    code = f"""
import re
from fontgen.host import native as host
uharfbuzz = host.load()
font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path({str(font_path)!r})))
def shape():
    buffer = uharfbuzz.Buffer(); buffer.add_str("The fox!!!!!!"); buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    return [info.codepoint for info in buffer.glyph_infos]
glyphs = shape()
smaps = open("/proc/self/smaps").read()
print(sum(map(int, re.findall(r"llama.ttf\\nSize:.*?\\nRss: *([0-9]+) kB", smaps, re.DOTALL))))
assert len(font.face.reference_table("Llam").data) > 4_000_000
assert shape() == glyphs
"""
    done = in_python(code)
    assert done.stderr == ""
    assert int(done.stdout) < 3_500, "kilobytes of the font file in memory"


@pytest.mark.parametrize(("shaper", "runs"), [("graphite2", True), ("ot", False)])
def test_a_shaper_that_libreoffice_asks_for(
    uharfbuzz: ModuleType, font_path: Path, shaper: str, runs: bool
) -> None:
    """Its list begins with graphite2."""
    font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(font_path))))
    shapings = []
    for name in ("wasm", shaper):
        buffer = uharfbuzz.Buffer()
        buffer.add_str("The little fox!!!!!!")
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer, shapers=[name])
        shapings.append([info.codepoint for info in buffer.glyph_infos])
    assert (shapings[0] == shapings[1]) is runs


def test_loading_what_is_not_built(tmp_path: Path) -> None:
    code = "from fontgen.host import native as host; print(host.find()); host.load()"
    done = in_python(code, FONTGEN_HOST_DIR=str(tmp_path))
    assert done.stdout == "None\n"
    assert "run `fontgen host build`" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / sources.UHARFBUZZ_SDIST
    archive.write_bytes(b"something else")
    monkeypatch.setenv("FONTGEN_UHARFBUZZ_SDIST", str(archive))
    monkeypatch.setenv("FONTGEN_HOST_DIR", str(tmp_path / "host"))
    with pytest.raises(FontgenError, match="is not the expected archive"):
        build(quiet=True)
    monkeypatch.setenv("FONTGEN_UHARFBUZZ_SDIST", str(tmp_path / "none"))
    with pytest.raises(FontgenError, match="no such file"):
        build(quiet=True)
    # A failed build leaves nothing that could be taken for one.
    assert find() is None
    assert {path.name for path in (tmp_path / "host").iterdir() if path.is_dir()} == {"logs"}


def test_without_python_headers(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only uharfbuzz is missing then, and the message says what to install."""
    for name in ("objects", "downloads"):  # that nothing need be compiled
        (tmp_path / name).symlink_to(host.directory.parent / name)
    monkeypatch.setenv("FONTGEN_HOST_DIR", str(tmp_path))
    monkeypatch.setattr(builder, "python_include", lambda: None)
    built = build(quiet=True)
    assert built.library.is_file()
    assert not built.has_uharfbuzz
    code = "from fontgen.host import native as host; host.load()"
    assert "Python.h" in in_python(code, FONTGEN_HOST_DIR=str(tmp_path)).stderr


def test_python_headers_as_debian_lays_them_out(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pyconfig.h includes one in the directory above, where the system's C library is, too."""
    include = tmp_path / "include"
    for path, text in {
        "python3.11/Python.h": '#include "pyconfig.h"',
        "python3.11/pyconfig.h": "#include <some-linux-gnu/python3.11/pyconfig.h>",
        "some-linux-gnu/python3.11/pyconfig.h": "#define CONFIGURED 1",
        "stdio.h": "#error not this one",
    }.items():
        (include / path).parent.mkdir(parents=True, exist_ok=True)
        (include / path).write_text(text)
    source = tmp_path / "module.cc"
    source.write_text("#include <Python.h>\n#include <cstdio>\nint configured = CONFIGURED;\n")
    monkeypatch.setattr(builder, "python_include", lambda: include / "python3.11")
    with (tmp_path / "log").open("w") as log:
        work = builder.Build(tmp_path, tmp_path, log, {}, here())
        flags = work._flags_of(recipe.Unit("module", 1, root="uharfbuzz"))
        work.compiler.run("module", [*flags, "-c", str(source), "-o", str(tmp_path / "module.o")])
    assert (tmp_path / "module.o").is_file()


def test_patches_apply(tmp_path: Path, host: Host) -> None:
    archive = host.directory.parent / "downloads" / sources.UHARFBUZZ_SDIST
    harfbuzz, uharfbuzz = sources.extract(archive, tmp_path)
    assert (harfbuzz / "harfbuzz.cc").is_file()
    assert (uharfbuzz / "_harfbuzz.cpp").is_file()


def test_path_command(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    assert fontgen("host", "path") == 0
    assert capsys.readouterr().out == f"{host.library_directory}\n"
    assert fontgen("host", "path", "--json") == 0
    assert json.loads(capsys.readouterr().out)["library"] == str(host.library)


SHOW = "import os; print(os.environ['LD_LIBRARY_PATH']); print(os.environ.get('FONTCONFIG_FILE'))"


def run(fonts: Path, *program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``fontgen run --fonts FONTS PROGRAM...`` in a process that becomes the program."""
    arguments = ["run", "--quiet", "--fonts", str(fonts), *program]
    return in_python(f"from fontgen.cli.main import main; main({arguments!r})", **environment)


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux's dynamic linker and fontconfig")
def test_run_sets_the_environment(host: Host, tmp_path: Path) -> None:
    fonts = tmp_path / "my & fonts"
    fonts.mkdir()
    done = run(fonts, sys.executable, "-c", SHOW, LD_LIBRARY_PATH="/before")
    libraries, configuration = done.stdout.splitlines()
    assert libraries == f"{host.library_directory}:/before"
    text = Path(configuration).read_text()
    assert f"<dir>{tmp_path}/my &amp; fonts</dir>" in text
    assert "/etc/fonts/fonts.conf" in text


def test_run_compiles_the_fonts_before_the_program_starts(
    host: Host, base_path: Path, tmp_path: Path
) -> None:
    """Those that can be; the others are the program's to find out about. Nothing is said of it."""
    folder = tmp_path / "fonts" / "deeper"
    folder.mkdir(parents=True)
    guest = compile_guest("trivial.c", tmp_path / "guest.wasm")
    (folder / "1.ttf").write_bytes(with_wasm(base_path, b"\0asm but not quite"))
    (folder / "2.ttf").write_bytes(with_wasm(base_path, guest))
    (folder / "broken.otf").write_bytes(b"OTTO" + bytes(range(100)))
    cache = tmp_path / "compiled"
    show = f"import os; print(len(os.listdir({str(cache)!r})))"
    done = run(tmp_path / "fonts", sys.executable, "-c", show, FONTGEN_WASM_CACHE=str(cache))
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_no_font_puts_the_program_off_for_long(
    host: Host,
    base_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    endless = wasmtime.wat2wasm("(module (func $f (loop br 0)) (start $f))")
    (tmp_path / "font.ttf").write_bytes(with_wasm(base_path, bytes(endless)))
    monkeypatch.setenv("FONTGEN_WASM_TIMEOUT_MS", "60000")
    monkeypatch.setattr(run_module, "PRECOMPILE_SECONDS", 0.5)
    started = time.monotonic()
    run_module.precompile(host, [tmp_path])
    assert time.monotonic() - started < 10
    assert capfd.readouterr() == ("", "")


def test_run_without_the_program(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FontgenError, match="no such program"):
        fontgen("-q", "run", "no-such-program")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at ELF files")
class TestDoctor:
    """Its programs are libraries that are there anyway, made executable: ELF files all the same."""

    def linked(self, host: Host, tmp_path: Path) -> Path:
        path = tmp_path / "program"
        shutil.copy(host.library_directory / "libharfbuzz-subset.so.0", path)
        path.chmod(0o755)
        return path

    def test_linked_program(self, host: Host, tmp_path: Path) -> None:
        finding = doctor.examine(str(self.linked(host, tmp_path)), host)
        assert finding.uses_host, finding

    def test_other_program(self, host: Host, tmp_path: Path) -> None:
        shell = shutil.which("sh")
        assert shell is not None
        path = tmp_path / "program"
        shutil.copy(shell, path)
        assert not doctor.examine(str(path), host).uses_host
        with open(path, "ab") as file:
            file.write(doctor.MARK)
        finding = doctor.examine(str(path), host)
        assert not finding.uses_host
        assert any("built in" in reason for reason in finding.reasons)

    def test_setuid(self, host: Host, tmp_path: Path) -> None:
        path = self.linked(host, tmp_path)
        path.chmod(0o4755)
        finding = doctor.examine(str(path), host)
        assert not finding.uses_host
        assert any("setuid" in reason for reason in finding.reasons)

    def test_script(self, host: Host, tmp_path: Path) -> None:
        path = self.linked(host, tmp_path)
        script = tmp_path / "start"
        script.write_text(f'#!/bin/sh\nexec {path} "$@"\n')
        script.chmod(0o755)
        assert doctor.examine(str(script), host).uses_host

    @pytest.mark.parametrize(
        "text",
        [
            'exec second "$@"',  # as Debian's firefox starts firefox-esr
            'APPNAME=second\nLIBDIR=$FOLDER/$APPNAME\nexec $LIBDIR $FLAGS "$@"',  # as its chromium does
            "if [ -x second ]; then\n  find . -exec sh {} \\;\n  exec second\nfi",
        ],
        ids=["by name", "by variables", "with others"],
    )
    def test_script_that_starts_another(
        self, text: str, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And that a link, to a program with a HarfBuzz in a library beside it."""
        folder = tmp_path / "lib"
        folder.mkdir()
        shell = shutil.which("sh")
        assert shell is not None
        shutil.copy(shell, folder / "program")
        (folder / "libxul.so").write_bytes(b"\x7fELF" + bytes(1000) + doctor.MARK)
        (tmp_path / "second").symlink_to(folder / "program")
        start = tmp_path / "start"
        start.write_text(f"#!/bin/sh\nFOLDER={tmp_path}\n{text}\n")
        start.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        finding = doctor.examine("start", host)
        assert not finding.uses_host
        assert f"{folder / 'libxul.so'} has a HarfBuzz built in" in finding.reasons

    def test_scripts_that_start_each_other(
        self, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, other in (("one", "two"), ("two", "one")):
            (tmp_path / name).write_text(f"#!/bin/sh\nexec {other}\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert "can only be seen when it runs" in doctor.examine("one", host).reasons[0]

    def test_several_programs_of_which_one_is_not_there(
        self, host: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        program = self.linked(host, tmp_path)
        assert fontgen("doctor", "no-such-program", str(program)) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[-4:-2] == ["no-such-program: does not use it", "  no such program"]
        assert lines[-2] == f"{program} ({program}): uses it"

    def test_command(self, host: Host, capsys: pytest.CaptureFixture[str]) -> None:
        assert fontgen("doctor") == 0
        assert str(host.directory) in capsys.readouterr().out
        assert fontgen("doctor", "--json", "sh") == 1
        report = json.loads(capsys.readouterr().out)
        assert report["programs"][0]["uses_host"] is False
