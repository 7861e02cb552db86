"""LibreOffice Writer, with its GTK 3 interface."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from .harness import PATIENCE, EditorError, Program, Session, Setting, fontgen_run, plain_run

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "style": "style",
        "text": "text",
        "fo": "xsl-fo-compatible",
    }.items()
)

# What would change the text while it is typed, mark it, or ask questions.
_SETTINGS = {
    "Common/AutoCorrect": {"CapitalAtStartSentence": "false", "TwoCapitalsAtStart": "false"},
    "Common/Misc": {"ShowTipOfTheDay": "false", "FirstRun": "false"},
    "Common/Save/Document": {"WarnAlienFormat": "false"},
    "Linguistic/SpellChecking": {"IsSpellAuto": "false"},
    "Writer/AutoFunction/Completion": {"Enable": "false"},
}


def flat_text_document(paragraphs: list[str], family: str, size: float) -> str:
    """An OpenDocument text in one XML file (``.fodt``).

    Args:
        family: of the font, OpenType features included: ``Llama TTF Sans:TEMP=80&SEED=3``.
        size: points.
    """
    font = f'fo:font-family={quoteattr(repr(family))} fo:font-size="{size:g}pt"'
    body = "".join(
        f'<text:p text:style-name="Standard">{escape(paragraph)}</text:p>'
        for paragraph in paragraphs
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {_NAMESPACES} '
        'office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.text">'
        '<office:styles><style:style style:name="Standard" style:family="paragraph">'
        f'<style:text-properties {font} fo:language="en" fo:country="US"/>'
        "</style:style></office:styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:document>\n"
    )


def _registry() -> str:
    items = "".join(
        f'<item oor:path="/org.openoffice.Office.{path}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>"
        for path, properties in _SETTINGS.items()
        for name, value in properties.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items '
        'xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{items}</oor:items>\n'
    )


class LibreOffice(Program):
    name = "LibreOffice Writer"
    executable = "soffice"
    packages = ("libreoffice-writer", "libreoffice-gtk3")
    toolkit = "its own"
    window_class = "libreoffice|soffice"
    suffix = ".fodt"
    margins = (210, 150, 290, 24)
    picture_size = (1000, 420)
    quiet = 1.5
    reach = 2  # it spreads the widths of the printer's font over the characters, and a token is one
    redo = "ctrl+y End"  # it selects what it has redone
    environment = {"SAL_USE_VCLPLUGIN": "gtk3"}
    calls_per_key = 8

    def write_document(self, setting: Setting, text: str) -> None:
        document = flat_text_document(text.split("\n"), setting.family, setting.size)
        setting.document.write_text(document, encoding="utf-8")

    def command(self, setting: Setting) -> list[str]:
        setting.write(".config/libreoffice/4/user/registrymodifications.xcu", _registry())
        options = ["--norestore", "--nologo", "--nolockcheck", "--nodefault"]
        return ["soffice", *options, str(setting.document)]

    def ready(self, session: Session) -> None:
        # Its first window is there long before the document, and the document before it listens.
        session.window = session.wait_for_window(f"^{session.setting.document.name} - LibreOffice")
        x, y, width, _ = session.geometry(session.window)
        session.click(x + width // 2, y + 300)
        session.xdotool("mousemove", x + width - 1, y + 300)
        session.wait_for(session.copy_all, "answer to Ctrl+A, Ctrl+C")
        super().ready(session)

    def export_pdf(self, session: Session) -> Path:
        """Save the document, and let another LibreOffice convert it."""
        session.key("ctrl+s")
        return convert_to_pdf(session.setting.document, session.environment)


def convert_to_pdf(
    document: Path, environment: dict[str, str], preload: str = "", hosted: bool = True
) -> Path:
    """``soffice --convert-to pdf``; returns the PDF file, beside the document.

    Args:
        environment: as of `harness.base_environment`; ``HOME`` holds the fonts.
        preload: library to preload, such as `harness.shape_log_library`.
        hosted: through ``fontgen run``; otherwise as it is, with the fonts installed for its user.
    """
    path = document.with_suffix(".pdf")
    path.unlink(missing_ok=True)
    home = Path(environment["HOME"])
    variables = dict(environment)
    command = ["soffice", f"-env:UserInstallation=file://{home}/pdf", "--headless"]
    command += ["--convert-to", "pdf", "--outdir", str(path.parent), str(document)]
    if preload:
        command = ["env", f"LD_PRELOAD={preload}", *command]
    else:
        variables.pop("FONTGEN_SHAPE_LOG", None)
    done = subprocess.run(
        (fontgen_run if hosted else plain_run)(home, *command),
        env=variables,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    if not path.is_file():
        raise EditorError(f"soffice wrote no PDF file: {done.stdout} {done.stderr}")
    return path
