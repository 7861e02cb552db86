"""A first look: a text editor with the font chosen, and nothing on the system changed.

`EDITORS` says for each editor how it is given a font. It runs with directories for settings and
data of its own, which are removed when it ends; a story that was saved is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.host.native.library import Host
from fontgen.host.native.run import environment_for, find_program

INVITATION = """\
The little fox

Press ! at the end of the first line,
four times or more: each one tells more of
the story. Backspace takes it back.
What you save or copy is what you typed.
"""
KEYFILE = "glib-2.0/settings/keyfile"
"""Where GSettings keeps its values, below the configuration directory, without dconf."""
LOOKS = ("gtk-3.0/settings.ini", "gtk-4.0/settings.ini", "kdeglobals", "fontconfig/fonts.conf")
"""Files of the user's configuration that the private one begins with."""


@dataclass(frozen=True)
class Editor:
    """How one editor is started with a font.

    In ``files`` and ``caret``, ``{family}``, ``{size}``, ``{line}``, ``{column}`` (from 0) and
    ``{column1}`` (from 1) are filled in.
    """

    program: str
    files: Mapping[str, str]
    """Path below the configuration directory to its text."""
    arguments: tuple[str, ...]
    """For a process of its own that ends with the window."""
    caret: tuple[str, ...] = ()
    """Further arguments that put the caret where it is wanted."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def configure(self, directory: Path, family: str, size: float) -> None:
        """Write the files that choose the font, ``size`` in points, below ``directory``."""
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            quoted = family.replace("\\", "\\\\").replace(
                "'", "\\'"
            )  # as GVariant's text format has it
            name_in_file = quoted if name == KEYFILE else family
            path.write_text(text.format(family=name_in_file, size=f"{size:g}"), encoding="utf-8")

    def command(self, document: Path, caret: tuple[int, int] | None = None) -> list[str]:
        """The command line that opens ``document``; ``caret`` is line, from 1, and column, from 0."""
        where = []
        if caret is not None:
            line, column = caret
            where = [
                argument.format(line=line, column=column, column1=column + 1)
                for argument in self.caret
            ]
        return [self.program, *self.arguments, *where, str(document)]


_GSETTINGS = {"GSETTINGS_BACKEND": "keyfile"}

EDITORS: dict[str, Editor] = {
    editor.program: editor
    for editor in (
        Editor(
            # It puts the name into CSS as it is, and there a dot must be quoted.
            "gedit",
            {
                KEYFILE: "[org/gnome/gedit/preferences/editor]\n"
                "use-default-font=false\neditor-font='\"{family}\" {size}'\n"
                "highlight-current-line=false\ndisplay-line-numbers=false\nwrap-mode='word-char'\n"
                "[org/gnome/gedit/preferences/print]\n"
                "print-header=false\nprint-font-body-pango='{family} {size}'\n",
            },
            ("--standalone",),
            ("+{line}:{column1}",),
            _GSETTINGS,
        ),
        Editor(
            "gnome-text-editor",
            {
                KEYFILE: "[org/gnome/TextEditor]\n"
                "use-system-font=false\ncustom-font='{family} {size}'\n"
                "restore-session=false\nspellcheck=false\n",
            },
            ("--standalone",),
            (),
            _GSETTINGS,
        ),
        Editor(
            # "Text Font" since KDE Frameworks 6.
            "kate",
            {
                "katerc": "[KTextEditor Renderer]\nFont={family},{size},-1,5,50,0,0,0,0,0\n"
                "Text Font={family},{size},-1,5,50,0,0,0,0,0\n"
                "[KTextEditor View]\nAuto Completion=false\n",
            },
            ("--startanon", "--block"),
            ("--line={line}", "--column={column1}"),
        ),
        Editor(
            "featherpad",
            {
                "featherpad/fp.conf": '[text]\nfont="{family},{size},-1,5,50,0,0,0,0,0"\n'
                "noSyntaxHighlighting=true\n",
            },
            ("--standalone",),
            ("+{line},{column}",),
        ),
        Editor(
            # This one and the next wrap at spaces only, and a story is a word of marks.
            "pluma",
            {
                KEYFILE: "[org/mate/pluma]\n"
                "use-default-font=false\neditor-font='\"{family}\" {size}'\n"
                "print-header=false\nprint-font-body-pango='{family} {size}'\n",
            },
            (),
            ("+{line}",),
            _GSETTINGS,
        ),
        Editor(
            "mousepad",
            {
                KEYFILE: "[org/xfce/mousepad/preferences/view]\n"
                "use-default-monospace-font=false\nfont-name='{family} {size}'\nword-wrap=true\n",
                "Mousepad/mousepadrc": "[Print Settings]\n"
                "print-header=false\nbody-font-name={family} {size}\n",
            },
            ("--disable-server",),
            ("--line={line}", "--column={column}"),
            _GSETTINGS,
        ),
    )
}
"""By program, in the order in which they are looked for: first those in which a long story stays in the window."""


def installed() -> Editor | None:
    """The first of `EDITORS` that this machine has."""
    return next((editor for editor in EDITORS.values() if shutil.which(editor.program)), None)


def open_editor(
    host: Host,
    editor: Editor,
    font_directory: Path,
    family: str,
    size: float,
    invitation: str = INVITATION,
) -> Path | None:
    """Open ``editor`` with a font and a text that invites to type; wait until it ends.

    Args:
        font_directory: the font ``family`` is below it.
        size: in points.
        invitation: the text, with the caret at the end of its first line.

    Returns:
        The story, in the working directory, where one was saved.

    Raises:
        FontgenError: the program is not there, cannot be started, or ends with an error.
    """
    find_program(editor.program)
    with tempfile.TemporaryDirectory(prefix="fontgen-", ignore_cleanup_errors=True) as made:
        configuration, document = Path(made) / "config", Path(made) / "story.txt"
        users = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        for name in LOOKS:
            if (users / name).is_file():
                (configuration / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(users / name, configuration / name)
        editor.configure(configuration, family, size)
        document.write_text(invitation, encoding="utf-8")
        environment = environment_for(host, [font_directory], os.environ)
        environment |= editor.environment
        environment["XDG_CONFIG_HOME"] = str(configuration)
        for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME"):  # recent files, automatic copies
            environment[variable] = str(Path(made) / variable)
        # Else Pluma finds another one that runs, by its socket, and leaves the document to that.
        environment["TMPDIR"] = made
        command = editor.command(document, (1, len(invitation.split("\n")[0])))
        try:
            status = subprocess.run(command, env=environment, check=False).returncode
        except OSError as error:
            raise FontgenError(
                f"cannot be started: {error.strerror}", path=editor.program
            ) from error
        story = keep_story(document, invitation)
        if status != 0:
            raise FontgenError(f"ended with status {status}", path=editor.program)
        return story


def keep_story(document: Path, invitation: str = INVITATION) -> Path | None:
    """Move a changed story to the working directory, under a name that is free."""
    if not document.is_file() or document.read_text("utf-8", "replace") == invitation:
        return None
    target, number = Path(document.name), 1
    while target.exists():
        number += 1
        target = Path(f"{document.stem}-{number}{document.suffix}")
    shutil.move(document, target)
    return target


def choose(name: str | None) -> Editor:
    """The editor of that name; None: the first of `EDITORS` that this machine has.

    Raises:
        FontgenError: it is not installed, or cannot be given a font.
    """
    if name is None:
        editor = installed()
        if editor is None:
            raise FontgenError(
                "no editor is installed that can be given the font: one is `apt install gedit`"
            )
        return editor
    find_program(name)
    known = EDITORS.get(Path(name).name)
    if known is None:
        raise FontgenError(
            "cannot be given a font from here: start it with `fontgen run` and choose the font in it",
            path=name,
        )
    return known
