"""The font in programs that people use: what they show, copy, undo and print.

Quick programs are tested wherever their packages are installed; the others with
``FONTGEN_TEST_EDITORS=1`` (``make test-editors``). Each test does what a person would, by keyboard
and mouse, and what it checks is what that person sees or gets. What a program shows for typed marks
is compared with what it shows for the same story typed as letters, pixel by pixel.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFilter
from support.images import IMAGES
from support.paths import FAILURES

from editors import programs
from editors.harness import (
    Program,
    Session,
    Setting,
    base_environment,
    check_same,
    difference,
    family_of,
    missing,
    open_window,
    pdf_fonts,
    pdf_page,
    pdf_text,
    start,
)
from editors.views import PACKAGES, hb_view, open_image, pango_view
from fontgen.host.native.editor import EDITORS, INVITATION, keep_story
from fontgen.text.draw import RenderOptions
from fontgen.text.render import render
from fontgen.text.shape import ShapingFont

PROMPT = "The little fox"
TYPED = PROMPT + "!" * 12
EVERYTHING = os.environ.get("FONTGEN_TEST_EDITORS", "") not in ("", "0")


# Editors


@dataclass
class Editor:
    """A program that runs with `TYPED` as its document."""

    session: Session
    opened: Image.Image
    """Its window as it was after opening the document."""

    @property
    def program(self) -> Program:
        return self.session.program


@pytest.fixture(scope="module", params=programs(), ids=lambda program: program.executable)
def editor(request: pytest.FixtureRequest, font_path: Path, host: object) -> Iterator[Editor]:
    program: type[Program] = request.param
    if not program.quick and not EVERYTHING:
        pytest.skip("takes long: make test-editors")
    if packages := missing(program):
        pytest.skip(f"not installed: {' '.join(packages)}")
    with start(program(), font_path, TYPED) as session:
        yield Editor(session, session.screenshot())


@pytest.fixture
def able(editor: Editor, request: pytest.FixtureRequest) -> Editor:
    """The editor, unless it says that it cannot do what the test is about."""
    reason = editor.program.cannot.get(request.function.__name__.removeprefix("test_"))
    if reason is not None:
        pytest.skip(f"{editor.program.name}: {reason}")
    return editor


@pytest.fixture(scope="module")
def story(llama: ShapingFont) -> str:
    """What `TYPED` shows."""
    visible = llama.shape(TYPED).visible
    assert visible.startswith(PROMPT) and "!" not in visible and len(visible) > len(TYPED) + 8
    return visible


def test_open(able: Editor, story: str) -> None:
    """A document that is opened shows the story."""
    able.session.replace_all(story)
    expected = able.session.screenshot()
    able.session.replace_all(TYPED)
    check_same(able.session, "open", expected, able.opened)


def test_type(able: Editor, story: str) -> None:
    """Typing shows the story, and Backspace takes it back token by token."""
    session = able.session
    session.replace_all(PROMPT)
    plain = session.screenshot()
    session.type(TYPED.removeprefix(PROMPT))
    typed = session.screenshot()
    assert difference(plain, typed) > 0.001
    session.key(*["BackSpace"] * (len(TYPED) - len(PROMPT)))
    check_same(session, "backspace", plain, session.screenshot())
    session.replace_all(story)
    check_same(session, "type", session.screenshot(), typed)


def test_calls(able: Editor) -> None:
    """A keystroke costs a few shape calls at most, each of the paragraph as typed."""
    session = able.session
    text = "One day a cat" + "!" * 12  # new to the program, which may remember what it has shaped
    session.replace_all(text[:-5])
    counts = session.calls_per_key("!!!!")
    print(f"{able.program.name}: {counts} shape calls per keystroke")
    assert 1 <= max(counts) <= able.program.calls_per_key, counts
    session.type("!")
    assert text in [call.text.rstrip("\n\u2029") for call in session.shape_calls()]


def test_caret(able: Editor) -> None:
    """The caret moves through the generated text by marks, and typing goes where it stands."""
    session = able.session
    session.replace_all(TYPED)
    before = session.screenshot()
    places = []
    for _ in range(4):
        session.key("Left")
        box = ImageChops.difference(before, session.screenshot()).getbbox()
        assert box is not None
        places.append(box[0])
    assert places == sorted(set(places), reverse=True), places
    session.type("x")
    assert session.copy_all() == TYPED[:-4] + "x" + TYPED[-4:]


def test_selection(able: Editor, llama: ShapingFont) -> None:
    """Selecting marks shows their tokens selected, and selects the marks."""
    session = able.session
    session.replace_all(TYPED)
    session.key("shift+Left")
    before = session.screenshot()
    session.key(*["shift+Left"] * 3)
    box = ImageChops.difference(before, session.screenshot()).getbbox()
    assert box is not None
    glyphs = llama.shape(TYPED).glyphs
    tokens = [glyph for glyph in glyphs if len(TYPED) - 4 <= glyph.cluster < len(TYPED) - 1]
    pixels = session.setting.size * 96 / 72 / llama.units_per_em
    expected = sum(glyph.x_advance for glyph in tokens) * pixels
    assert abs(box[2] - box[0] - expected) <= 5, (box, expected)
    session.key("ctrl+c")
    assert session.clipboard() == TYPED[-4:]


def test_copy(able: Editor) -> None:
    """What is copied is what was typed."""
    able.session.replace_all(TYPED)
    assert able.session.copy_all() == TYPED


def test_undo(able: Editor) -> None:
    """Undoing takes away all that was typed, redoing shows the same story."""
    session = able.session
    session.replace_all("")
    empty = session.screenshot()
    session.type(TYPED)
    full = session.screenshot()
    for keys, goal in (("ctrl+z", empty), (able.program.redo, full)):
        for _ in range(len(TYPED) + 1):
            session.key(*keys.split())
            if difference(goal, session.screenshot()) <= 0.0005:
                break
        name = "redo" if keys == able.program.redo else "undo"
        check_same(session, name, goal, session.screenshot())


def test_pdf(able: Editor, llama: ShapingFont, story: str) -> None:
    """A PDF file shows the story in a subset of the font; its text is what was typed."""
    if shutil.which("pdftotext") is None:
        pytest.skip("not installed: poppler-utils")
    session = able.session
    session.replace_all(TYPED)
    path = able.program.export_pdf(session)
    if able.program.pdf_text == "shown":
        check_pdf(path, llama, story)
    else:
        check_pdf(path, llama, TYPED, shows_nothing(llama, TYPED))
    page = pdf_page(path)
    session.replace_all(story)
    check_same(session, "pdf", pdf_page(able.program.export_pdf(session)), page)


def shows_nothing(font: ShapingFont, text: str) -> int:
    """How many marks at the beginning of a run show nothing: they only say that it is one."""
    shown = {glyph.cluster for glyph in font.shape(text).glyphs if glyph.text.strip()}
    return sum(character == "!" and i not in shown for i, character in enumerate(text))


def check_pdf(path: Path, font: ShapingFont, text: str, hidden: int = 0) -> None:
    """The font is embedded without the model, a subset, and the text layer is ``text``.

    Poppler leaves out text that nothing is drawn for: ``hidden`` marks may be missing.
    """
    family = family_of(font.path).replace(" ", "")
    fonts = [entry for entry in pdf_fonts(path) if family in entry["name"].replace("#20", "")]
    assert fonts and all(
        (entry["embedded"], entry["unicode"]) == ("yes", "yes") for entry in fonts
    ), pdf_fonts(path)
    # Of the font's 3,000 glyphs at most a few dozen; Qt does not say so in the font's name.
    tagged = all(entry["subset"] == "yes" for entry in fonts)
    assert path.stat().st_size < (200_000 if tagged else 20_000), "the font is not subset"
    lines = [line.strip() for line in pdf_text(path).splitlines()]
    found = [line for line in lines if line.startswith(PROMPT)]
    allowed = [text[: len(text) - missing] for missing in range(hidden + 1)]
    assert len(found) == 1 and found[0] in allowed, lines


# fontgen editor


KNOWN = {program.executable: program for program in programs() if program.executable in EDITORS}


@pytest.mark.parametrize("name", EDITORS)
def test_first_look(name: str, font_path: Path, story: str, tmp_path: Path) -> None:
    """`fontgen editor` opens a text that invites to type, keeps the story, and changes nothing."""
    program = KNOWN[name]()
    if not program.quick and not EVERYTHING:
        pytest.skip("takes long: make test-editors")
    if packages := missing(program):
        pytest.skip(f"not installed: {' '.join(packages)}")
    environment = base_environment(tmp_path, font_path) | dict(program.environment)
    setting = Setting(tmp_path, tmp_path / "story.txt", "", 20)
    setting.write(".config/kdeglobals", "[KDE]\nCursorBlinkRate=0\n")
    earlier = sorted((tmp_path / ".config").rglob("*"))
    command = [sys.executable, "-m", "fontgen", "editor", name, "--font", str(font_path)]
    with open_window(program, setting, environment, command) as session:
        if "column" not in "".join(EDITORS[name].caret):
            session.key("ctrl+Home", "End")
        session.type(TYPED.removeprefix(PROMPT))
        typed = session.screenshot()
        session.key("ctrl+s")
        session.key(*["BackSpace"] * (len(TYPED) - len(PROMPT)))
        session.type(story.removeprefix(PROMPT))
        check_same(session, "first-look", session.screenshot(), typed)
        session.key("ctrl+s")
        session.key("ctrl+q", settle=False)
        session.process.wait(60)
        assert session.process.returncode == 0
    assert setting.document.read_text() == INVITATION.replace(PROMPT, story, 1)
    assert "your story is in story.txt" in (tmp_path / "stderr").read_text()
    assert sorted((tmp_path / ".config").rglob("*")) == earlier


@pytest.mark.parametrize("name", list(EDITORS)[:4])
def test_a_long_story_stays_in_the_window(name: str, font_path: Path, tmp_path: Path) -> None:
    """The editors that `make editor` prefers wrap a word of ninety marks; in the others it runs out of the window."""
    program = KNOWN[name]()
    if not program.quick and not EVERYTHING:
        pytest.skip("takes long: make test-editors")
    if packages := missing(program):
        pytest.skip(f"not installed: {' '.join(packages)}")
    environment = base_environment(tmp_path, font_path) | dict(program.environment)
    command = [sys.executable, "-m", "fontgen", "editor", name, "--font", str(font_path)]
    with open_window(
        program, Setting(tmp_path, tmp_path / "story.txt", "", 20), environment, command
    ) as session:
        session.key("ctrl+Home", "End")
        before = end_of_ink(session.screenshot())
        session.type("!" * 90)
        assert end_of_ink(session.screenshot()) > before + 40, "no second and third line"


def end_of_ink(image: Image.Image) -> int:
    """The lowest row of pixels that differs from the background, a caret's or a frame's width aside."""
    pixels = np.asarray(image.convert("L")).astype(int)
    dark = (np.abs(pixels - np.median(pixels)) > 60).sum(axis=1)
    return int(np.flatnonzero(dark > 8)[-1])


def test_a_story_does_not_replace_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    document = tmp_path / "made" / "story.txt"
    document.parent.mkdir()
    for name in ("story.txt", "story-2.txt"):
        document.write_text(name)
        assert keep_story(document) == Path(name)
    document.write_text(INVITATION)
    assert keep_story(document) is None
    assert (tmp_path / "story.txt").read_text() == "story.txt"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["no-such-editor"], "no-such-editor: no such program"),
        (["true"], "true: cannot be given a font from here"),
        (["--size", "0"], "--size 0 is not in 1 to 500 points"),
        (["--font", "nowhere.ttf"], "nowhere.ttf: cannot be read"),
        ([], "no editor is installed"),
    ],
)
def test_what_fontgen_editor_refuses(
    fontgen: Callable[..., Any],
    font_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    cause: str,
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("fontgen.host.native.editor.EDITORS", {})
    outcome = fontgen("editor", "--font", font_path, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert cause in outcome.err and outcome.err.count("\n") == 1


def test_fontgen_editor_needs_a_screen(
    fontgen: Callable[..., Any], font_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("fontgen.host.native.editor.find_program", Path)
    outcome = fontgen("editor", "--font", font_path, "mousepad")
    assert outcome.code == 2 and "DISPLAY is not set" in outcome.err


@pytest.mark.parametrize("family", ["Llama TTF Sans", "Bob's Hand"])
def test_settings_name_the_family(family: str, tmp_path: Path) -> None:
    for editor in EDITORS.values():
        editor.configure(tmp_path / editor.program, family, 12.5)
        text = "".join(
            path.read_text() for path in (tmp_path / editor.program).rglob("*") if path.is_file()
        )
        assert family in text.replace("\\'", "'") and "12.5" in text, editor.program


# pango-view and hb-view


@pytest.fixture(params=[pango_view, hb_view], ids=lambda view: view.__name__)
def view(request: pytest.FixtureRequest, host: object):
    tool = request.param.__name__.replace("_", "-")
    if shutil.which(tool) is None:
        pytest.skip(f"not installed: {PACKAGES[tool]}")
    return request.param


def trimmed(image: Image.Image) -> Image.Image:
    """A greyscale image, dark on white, cut to what is drawn and a margin of 2 pixels."""
    box = image.point(lambda value: 255 * (value < 128)).getbbox()
    assert box is not None, "nothing is drawn"
    canvas = Image.new("L", (box[2] - box[0] + 4, box[3] - box[1] + 4), 255)
    canvas.paste(image.crop(box), (2, 2))
    return canvas


def strays(one: Image.Image, other: Image.Image) -> int:
    """How many dark pixels of one image have no darkish one within a pixel of them in the other."""
    size = (max(one.width, other.width), max(one.height, other.height))
    padded = []
    for image in (one, other):
        canvas = Image.new("L", size, 255)
        canvas.paste(image, (0, 0))
        padded.append(canvas)
    count = 0
    for dark, near in (padded, padded[::-1]):
        spread = np.asarray(near.filter(ImageFilter.MinFilter(3)))
        count += int(((np.asarray(dark) < 96) & (spread > 144)).sum())
    return count


@pytest.mark.parametrize("name", [name for name in IMAGES if "\n" not in IMAGES[name][0]])
def test_view_draws_the_golden_image(
    view, name: str, llama: ShapingFont, font_path: Path, tmp_path: Path
) -> None:
    """pango-view and hb-view draw what fontgen does, up to anti-aliasing."""
    text, shape_options, _ = IMAGES[name]
    features = {"small-capitals": "smcp=1,kern=0"}.get(name, "")
    variables = {"FONTGEN_WASM": "0"} if shape_options.shaper == "ot" else {}
    data = render(llama, text, "png", shape_options, RenderOptions(size=32))
    expected_path = tmp_path / "expected.png"
    expected_path.write_bytes(data)
    expected = trimmed(open_image(expected_path))
    drawn = view(tmp_path, font_path, text, 32, "png", features, variables)
    actual = trimmed(open_image(drawn))
    stray = strays(expected, actual)
    if stray:
        FAILURES.mkdir(exist_ok=True)
        stem = FAILURES / f"{view.__name__}-{name}"
        expected.save(f"{stem}-expected.png")
        actual.save(f"{stem}.png")
    assert stray == 0, f"{stray} pixels; see tests/failures"


def test_the_comparison_of_views_sees_one_changed_letter(
    llama: ShapingFont, tmp_path: Path
) -> None:
    def draw(text: str) -> Image.Image:
        path = tmp_path / "text.png"
        path.write_bytes(render(llama, text, "png", None, RenderOptions(size=32)))
        return trimmed(open_image(path))

    assert strays(draw("The little fox"), draw("The little fox")) == 0
    assert strays(draw("The little fox"), draw("The little fax")) > 10
    assert strays(draw("The little fox"), draw("The little fox.")) > 3


def test_view_writes_pdf(view, llama: ShapingFont, font_path: Path, tmp_path: Path) -> None:
    """The PDF file shows the story, and its text is what was typed."""
    if shutil.which("pdftotext") is None:
        pytest.skip("not installed: poppler-utils")
    if view is hb_view:
        pytest.skip("hb-view writes glyphs as Type 3 procedures: no subset, and no spaces")
    path = view(tmp_path, font_path, TYPED, 32, "pdf")
    check_pdf(path, llama, TYPED, shows_nothing(llama, TYPED))
