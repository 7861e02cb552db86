"""Programs under Xvfb, with the font, typed into as a person would.

A `Program` says what its packages are, how it is started and how it is given the font. `start`
gives it a screen, a home directory and a font configuration of its own, starts it through
``fontgen run`` and waits for its window:

    with start(Mousepad(), font_path) as session:
        session.type("The little fox!!!!!!!!")
        session.screenshot().save("fox.png")

Nothing of the machine's own configuration is read or changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageChops, ImageFilter, ImageGrab
from support.paths import FAILURES

from fontgen.host import native as host

SCREEN = (1280, 720)
SHAPE_LOG = "shape-calls.jsonl"
PATIENCE = 60.0
"""Seconds that a program may take for what it was asked; a loaded machine is slow."""
QUIET = 0.4
"""Seconds without a change on the screen after which it is taken to be still."""

TOOLS = {
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "xclip": "xclip",
    "openbox": "openbox",
    "dbus-run-session": "dbus-daemon",
}
"""What every session needs: executable to Debian package."""


class EditorError(AssertionError):
    """A program did not do what was asked of it within `PATIENCE`."""


class Program(ABC):
    """One program: how it is started with a document and the font. Subclass it in a module here."""

    name: ClassVar[str]
    """As in the table of EDITORS.md."""
    executable: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    """Debian packages that a tester needs, besides those of `TOOLS`."""
    toolkit: ClassVar[str] = ""
    quick: ClassVar[bool] = False
    """Whether it runs with the other tests wherever it is installed."""
    window_class: ClassVar[str] = ""
    """Regular expression for the class of its window; `executable` where empty."""
    margins: ClassVar[tuple[int, int, int, int]] = (0, 0, 0, 0)
    """Pixels at the window's left, top, right and bottom that are not the document."""
    suffix: ClassVar[str] = ".txt"
    environment: ClassVar[Mapping[str, str]] = {}
    calls_per_key: ClassVar[int] = 1
    """Most shape calls that a keystroke may cost."""
    quiet: ClassVar[float] = QUIET
    """Seconds without a change on the screen after which it is taken to be still."""
    reach: ClassVar[int] = 0
    """Pixels by which letters may be shifted, where a program places them one by one."""
    redo: ClassVar[str] = "ctrl+shift+z"
    """Keys, one after another."""
    pdf_text: ClassVar[str] = "typed"
    """What the text layer of its PDF files holds: what was ``typed``, or what is ``shown``."""
    picture_size: ClassVar[tuple[int, int]] = (760, 280)
    """Width and height of the window in its picture for the documentation."""
    cannot: ClassVar[Mapping[str, str]] = {}
    """Why a check of ``tests/editors/test_editors.py`` cannot hold here, by the check's name."""

    @abstractmethod
    def command(self, setting: Setting) -> list[str]:
        """Write the configuration that chooses the font under ``setting.home``, and return the
        command line that opens ``setting.document``."""

    def write_document(self, setting: Setting, text: str) -> None:
        """Write the document that is opened; plain text unless overridden."""
        setting.document.write_text(text, encoding="utf-8")

    def export_pdf(self, session: Session) -> Path:
        """Make a PDF file of the document by the program's own means, and return its path."""
        raise NotImplementedError

    def ready(self, session: Session) -> None:
        """Called when the window is there: put the caret at the end of the text."""
        session.key("ctrl+End")


@dataclass
class Setting:
    """What a program is started with."""

    home: Path
    document: Path
    family: str
    """The font's family name."""
    size: float
    """Points, at 96 dots per inch."""

    @property
    def config(self) -> Path:
        """``$XDG_CONFIG_HOME``."""
        return self.home / ".config"

    def write(self, path: str, text: str) -> Path:
        """A file below the home directory, its directories made."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


@dataclass
class ShapeCall:
    """One text that the program gave HarfBuzz to shape with the font."""

    process: int
    text: str
    clusters: list[int]
    glyphs: list[int]
    glyph_clusters: list[int]


@dataclass
class Session:
    """A program that runs, and its screen."""

    program: Program
    setting: Setting
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path
    window: str = ""
    _seen: int = field(default=0, repr=False)

    # Input

    def xdotool(self, *arguments: str | int | float) -> str:
        done = subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.strip()

    def type(self, text: str, delay: int = 40, settle: bool = True) -> None:
        """Type on the keyboard, ``delay`` milliseconds a key."""
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line:
                self.xdotool("type", "--delay", delay, "--", line)
            if number < len(lines) - 1:
                self.xdotool("key", "Return")
        if settle:
            self.settle()

    def key(self, *keys: str, settle: bool = True) -> None:
        """Press keys such as ``ctrl+a``, one after another."""
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)
        if settle:
            self.settle()

    def click(self, x: int, y: int, button: int = 1, settle: bool = True) -> None:
        """Click at a place on the screen."""
        self.xdotool("mousemove", x, y, "click", button)
        if settle:
            self.settle()

    def replace_all(self, text: str) -> None:
        """Replace the whole document by typing."""
        self.key("ctrl+a", "Delete", settle=False)
        self.type(text) if text else self.settle()

    # Output

    def grab(self) -> Image.Image:
        """The screen as it is now."""
        return ImageGrab.grab(xdisplay=self.environment["DISPLAY"]).convert("RGB")

    def settle(self, quiet: float = 0) -> Image.Image:
        """Wait until the screen has not changed, and the program waited for input, for ``quiet``
        seconds, by default the program's."""
        quiet = quiet or self.program.quiet
        deadline = time.monotonic() + PATIENCE
        last, since = self.grab(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(0.1)
            now = self.grab()
            if ImageChops.difference(now, last).getbbox() is not None or self.busy():
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= quiet:
                return now
        raise EditorError(f"{self.program.name}: the screen does not come to rest")

    def busy(self) -> bool:
        """Whether one of the session's processes computes, or would if the machine let it."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state in "RD":
                    return True
        return False

    def screenshot(self, whole: bool = False) -> Image.Image:
        """What the program shows of the document, or the whole window, at rest."""
        image = self.settle()
        x, y, width, height = self.geometry(self.window)
        left, top, right, bottom = (0, 0, 0, 0) if whole else self.program.margins
        return image.crop(
            (
                max(x, 0) + left,
                max(y, 0) + top,
                min(x + width, SCREEN[0]) - right,
                min(y + height, SCREEN[1]) - bottom,
            )
        )

    def geometry(self, window: str) -> tuple[int, int, int, int]:
        """Left, top, width and height of a window on the screen."""
        lines = self.xdotool("getwindowgeometry", "--shell", window).splitlines()
        values = dict(line.split("=") for line in lines if "=" in line)
        x, y, width, height = (int(values.get(name, 0)) for name in ("X", "Y", "WIDTH", "HEIGHT"))
        return x, y, width or SCREEN[0], height or SCREEN[1]

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.xdotool("windowsize", "--sync", self.window, width, height)
        self.settle()

    def windows(self) -> list[str]:
        """Ids of the visible windows of the program's class."""
        pattern = self.program.window_class or self.program.executable
        return self.xdotool("search", "--onlyvisible", "--class", pattern).split()

    def wait_for(self, condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        """The first answer of ``condition`` that is true; `EditorError` when there is none."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            answer = condition()
            if answer:
                return answer
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.fail(f"no {what}")

    def wait_for_pdf(self, path: Path) -> Path:
        """``path``, when the program has written all of it."""
        self.wait_for(
            lambda: path.is_file() and path.read_bytes().rstrip().endswith(b"%%EOF"), "PDF file"
        )
        return path

    def wait_for_window(self, title: str) -> str:
        """Id of the window whose title fits a regular expression, when it is there."""
        found = self.wait_for(
            lambda: self.xdotool("search", "--onlyvisible", "--name", title).split(),
            f"window named {title}",
        )
        return str(found[-1])

    def fail(self, cause: str) -> NoReturn:
        """Keep the screen in tests/failures and raise `EditorError`."""
        FAILURES.mkdir(exist_ok=True)
        path = FAILURES / f"editor-{self.program.executable}.png"
        self.grab().save(path)
        errors = (self.setting.home / "stderr").read_text(errors="replace").strip()
        status = self.process.poll()
        ended = "" if status is None else f"; it ended with status {status}"
        raise EditorError(f"{self.program.name}: {cause}{ended}; see {path}; {errors[-2000:]}")

    def clipboard(self, selection: str = "clipboard") -> str:
        """What was copied; ``primary`` is what is selected."""
        done = subprocess.run(
            ["xclip", "-out", "-selection", selection],
            env=self.environment,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.decode()

    def copy_all(self) -> str:
        """The document's text, through the clipboard."""
        self.key("ctrl+a", "ctrl+c")
        return self.clipboard()

    # Shaping

    def shape_calls(self) -> list[ShapeCall]:
        """The texts shaped with the font since the last such question."""
        data = self.log.read_bytes() if self.log.exists() else b""
        end = data.rfind(b"\n") + 1
        lines, self._seen = data[self._seen : end].splitlines(), end
        calls = []
        for line in lines:
            entry = json.loads(line)
            calls.append(
                ShapeCall(
                    entry["process"],
                    "".join(map(chr, entry["codepoints"])),
                    entry["clusters"],
                    entry["glyphs"],
                    entry["glyph_clusters"],
                )
            )
        return calls

    def calls_per_key(self, text: str) -> list[int]:
        """Type ``text`` a key at a time; how often the program shaped with the font for each."""
        counts = []
        self.settle()
        self.shape_calls()
        for character in text:
            self.type(character)
            counts.append(len(self.shape_calls()))
        return counts


# Starting


def missing(program: type[Program] | Program) -> list[str]:
    """Debian packages that are needed to test the program and are not there."""
    packages = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if shutil.which(program.executable) is None:
        packages += program.packages
    return packages


def family_of(font: Path) -> str:
    """The family name that fontconfig knows the font by."""
    with TTFont(font, lazy=True) as opened:
        return str(opened["name"].getBestFamilyName())


@cache
def shape_log_library() -> Path:
    """``shape_log.c`` as a library to preload, compiled with the wheel ``ziglang``."""
    source = Path(__file__).parent / "shape_log.c"
    target = Path(tempfile.mkdtemp(prefix="fontgen-editors-")) / "shape_log.so"
    command = [sys.executable, "-m", "ziglang", "cc", "-O1", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", str(target), str(source), "-ldl"], check=True)
    return target


def base_environment(home: Path, font: Path) -> dict[str, str]:
    """An environment with a home, and fonts, of its own: greyscale anti-aliasing, no hinting."""
    found = host.find()
    if found is None:
        raise EditorError("the Wasm-enabled HarfBuzz is not built: run `fontgen host build`")
    fonts = home / "fonts"
    fonts.mkdir(parents=True, exist_ok=True)
    if not (fonts / font.name).exists():
        shutil.copyfile(font, fonts / font.name)
    for directory in (".config/fontconfig", ".cache", ".local/share", "runtime"):
        (home / directory).mkdir(parents=True, exist_ok=True)
    (home / "runtime").chmod(0o700)
    settings = "".join(
        f'<edit name="{name}" mode="assign">{value}</edit>'
        for name, value in {
            "antialias": "<bool>true</bool>",
            "hinting": "<bool>false</bool>",
            "autohint": "<bool>false</bool>",
            "hintstyle": "<const>hintnone</const>",
            "rgba": "<const>none</const>",
        }.items()
    )
    (home / ".config/fontconfig/fonts.conf").write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<match target="font">{settings}</match><match target="pattern">{settings}</match></fontconfig>'
    )
    (home / ".config/user-dirs.dirs").write_text('XDG_DOCUMENTS_DIR="$HOME/documents"\n')
    (home / "documents").mkdir(exist_ok=True)
    for version in ("3.0", "4.0"):
        (home / f".config/gtk-{version}").mkdir(parents=True, exist_ok=True)
        (home / f".config/gtk-{version}/settings.ini").write_text(
            "[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\ngtk-xft-dpi=98304\n"
            "gtk-print-backends=file\ngtk-xft-antialias=1\ngtk-xft-hinting=0\ngtk-xft-hintstyle=hintnone\ngtk-xft-rgba=none\n"
        )
    kept = {name: os.environ[name] for name in ("PATH", "TZ", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_RUNTIME_DIR": str(home / "runtime"),
        "NO_AT_BRIDGE": "1",
        "GTK_A11Y": "none",
        "GSETTINGS_BACKEND": "keyfile",
        "GDK_BACKEND": "x11",
        "QT_QPA_PLATFORM": "xcb",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "FONTGEN_HOST_DIR": str(found.directory.parent),
        "FONTGEN_WASM_TIMEOUT_MS": "20000",  # a loaded machine is not a failure
    }


def fontgen_run(home: Path, *arguments: str) -> list[str]:
    """The command line that starts a program with the host and the fonts in ``home``."""
    return [
        sys.executable,
        "-m",
        "fontgen",
        "run",
        "--fonts",
        str(home / "fonts"),
        "--",
        *arguments,
    ]


def plain_run(home: Path, *arguments: str) -> list[str]:
    """The same without the host: as it is, with the fonts in ``home`` installed for its user."""
    shutil.copytree(home / "fonts", home / ".local/share/fonts", dirs_exist_ok=True)
    return list(arguments)


def pretend_user(command: list[str]) -> list[str]:
    """The command line, run so that it thinks it is not root, which some programs warn of."""
    if os.geteuid() != 0:
        return command
    return ["unshare", "--user", "--map-user=1000", "dbus-run-session", "--", *command]


@contextmanager
def display(home: Path) -> Iterator[str]:
    """An X server on a free display, and a window manager."""
    reading, writing = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            size,
            "-dpi",
            "96",
            "-nolisten",
            "tcp",
        ],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    manager = None
    try:
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise EditorError("Xvfb does not start")
        # Without title bars, which xdotool counts twice in a window's place.
        rules = home / "openbox.xml"
        rules.write_text(
            '<openbox_config xmlns="http://openbox.org/3.4/rc"><applications>'
            '<application class="*"><decor>no</decor></application>'
            "</applications></openbox_config>"
        )
        manager = subprocess.Popen(
            ["openbox", "--config-file", str(rules)],
            env={**os.environ, "DISPLAY": f":{number}", "HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield f":{number}"
    finally:
        for process in (manager, server):
            if process is not None:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)


@contextmanager
def start(
    program: Program,
    font: Path,
    text: str = "",
    size: float = 20,
    environment: Mapping[str, str] | None = None,
    log_shaping: bool = True,
    as_user: bool = False,
    hosted: bool = True,
) -> Iterator[Session]:
    """Start a program with a document and the font; ends it, and its screen, on leaving.

    Args:
        font: a file; the program sees it and the system's fonts.
        text: the document that is opened.
        size: points.
        environment: further variables, such as ``FONTGEN_WASM=0``.
        log_shaping: count the program's calls of HarfBuzz: see `Session.shape_calls`.
        as_user: where the tests run as root, let the program think that it does not: some warn.
        hosted: start it through ``fontgen run``; otherwise as it is, with the font installed for its user.

    Raises:
        EditorError: no window appeared, or the screen does not come to rest.
    """
    with tempfile.TemporaryDirectory(prefix="fontgen-editor-", ignore_cleanup_errors=True) as made:
        home = Path(made)
        setting = Setting(home, home / f"story{program.suffix}", family_of(font), size)
        variables = (
            base_environment(home, font) | dict(program.environment) | dict(environment or {})
        )
        if log_shaping:
            variables["FONTGEN_SHAPE_LOG"] = str(home / SHAPE_LOG)
        program.write_document(setting, text)
        command = program.command(setting)
        preload = ["env", f"LD_PRELOAD={shape_log_library()}"] if log_shaping else []
        command = (fontgen_run if hosted else plain_run)(home, *preload, *command)
        if as_user:
            command = pretend_user(command)
        with open_window(program, setting, variables, command) as session:
            program.ready(session)
            yield session


@contextmanager
def open_window(
    program: Program, setting: Setting, variables: dict[str, str], command: list[str]
) -> Iterator[Session]:
    """Run a command line on a screen of its own and wait for the program's window."""
    home = setting.home
    with display(home) as name, open(home / "stderr", "wb") as errors:
        variables = {**variables, "DISPLAY": name}
        process = subprocess.Popen(
            ["dbus-run-session", "--", *command],
            env=variables,
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
        session = Session(program, setting, variables, process, home / SHAPE_LOG)
        try:
            session.window = session.wait_for(session.windows, "window")[-1]
            session.xdotool("windowactivate", "--sync", session.window)
            session.xdotool("windowmove", session.window, 0, 0)
            session.xdotool("windowsize", session.window, SCREEN[0], SCREEN[1])
            session.xdotool("mousemove", SCREEN[0] - 1, SCREEN[1] - 1)
            session.settle()
            yield session
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for signal in (15, 9):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
            return


# Comparing


def difference(
    expected: Image.Image, actual: Image.Image, pixel_tolerance: int = 48, reach: int = 0
) -> float:
    """Share of the pixels by which two images of one size differ more than anti-aliasing makes them.

    With a ``reach``, of the dark pixels that have no darkish one within so many pixels in the other.
    """
    if expected.size != actual.size:
        return 1.0
    if not reach:
        change = np.asarray(ImageChops.difference(expected.convert("RGB"), actual.convert("RGB")))
        return float((change.max(axis=2) > pixel_tolerance).mean())
    images = [image.convert("L") for image in (expected, actual)]
    around = [np.asarray(image.filter(ImageFilter.MinFilter(2 * reach + 1))) for image in images]
    dark = [np.asarray(image) < 64 for image in images]
    return float(((dark[0] & (around[1] > 160)) | (dark[1] & (around[0] > 160))).mean())


def check_same(
    session: Session, name: str, expected: Image.Image, actual: Image.Image, share: float = 0.0005
) -> None:
    """Fail, and keep both images in tests/failures, where more than ``share`` of the pixels differ.

    The caret is about 0.0001 of a screen.
    """
    reach = session.program.reach
    found = difference(expected, actual, reach=reach)
    if found > (share / 5 if reach else share):
        FAILURES.mkdir(exist_ok=True)
        stem = FAILURES / f"editor-{session.program.executable}-{name}"
        expected.save(f"{stem}-expected.png")
        actual.save(f"{stem}.png")
        raise EditorError(
            f"{session.program.name}, {name}: {found:.3%} of the pixels differ; see {stem}.png"
        )


# PDF


def pdf_text(path: Path) -> str:
    """The text layer of a PDF file."""
    done = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def pdf_fonts(path: Path) -> list[dict[str, str]]:
    """Name, type, whether embedded, subset and with a table to Unicode, of each font in a PDF."""
    done = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True)
    fonts = []
    for line in done.stdout.splitlines()[2:]:
        words = line.split()
        embedded, subset, unicode = words[-5:-2]
        fonts.append({"name": words[0], "embedded": embedded, "subset": subset, "unicode": unicode})
    return fonts


def pdf_page(path: Path, resolution: int = 96) -> Image.Image:
    """The first page, drawn by Poppler."""
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / "page"
        command: Sequence[str] = ["pdftoppm", "-r", str(resolution), "-png", "-f", "1", "-l", "1"]
        subprocess.run([*command, "-singlefile", str(path), str(stem)], check=True)
        return Image.open(stem.with_suffix(".png")).convert("RGB")
