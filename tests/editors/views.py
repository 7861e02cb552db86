"""Command-line programs that draw a text: pango-view and hb-view."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.sax.saxutils import quoteattr

from PIL import Image

from .harness import PATIENCE, EditorError, base_environment, family_of, fontgen_run, plain_run

PACKAGES = {
    "pango-view": "pango1.0-tools",
    "hb-view": "libharfbuzz-bin",
}


def _run(
    home: Path, font: Path, variables: dict[str, str], command: list[str], hosted: bool
) -> None:
    environment = base_environment(home, font) | variables
    done = subprocess.run(
        (fontgen_run if hosted else plain_run)(home, *command),
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        raise EditorError(
            f"{command[0]} ended with status {done.returncode}: {done.stderr[-2000:]}"
        )


def pango_view(
    home: Path,
    font: Path,
    text: str,
    size: float,
    suffix: str = "png",
    features: str = "",
    variables: dict[str, str] | None = None,
    hosted: bool = True,
) -> Path:
    """Draw a text with pango-view.

    Args:
        home: directory for its home, fonts and output.
        size: pixels per em.
        suffix: png or pdf.
        features: as `font_features` of Pango's markup.
        hosted: through ``fontgen run``; otherwise as it is, with the font installed for its user.
    """
    output = home / f"pango-view.{suffix}"
    options = ["--no-display", "--pixels", f"--font={family_of(font)} {size:g}", "--margin=20"]
    options += ["--antialias=gray", "--hinting=none", "--hint-metrics=off", "--subpixel-positions"]
    if features:
        escaped = re.sub("[<&>]", lambda match: f"&#{ord(match[0])};", text)
        options += [
            "--markup",
            f"--text=<span font_features={quoteattr(features)}>{escaped}</span>",
        ]
    else:
        options += [f"--text={text}"]
    _run(home, font, variables or {}, ["pango-view", *options, f"--output={output}"], hosted)
    return output


def hb_view(
    home: Path,
    font: Path,
    text: str,
    size: float,
    suffix: str = "png",
    features: str = "",
    variables: dict[str, str] | None = None,
    hosted: bool = True,
) -> Path:
    """Draw a text with hb-view; arguments as of `pango_view`."""
    output = home / f"hb-view.{suffix}"
    options = [f"--font-size={size:g}", "--margin=20", f"--output-file={output}"]
    if features:
        options += [f"--features={features}"]
    _run(
        home,
        font,
        variables or {},
        ["hb-view", *options, str(home / "fonts" / font.name), f"--text={text}"],
        hosted,
    )
    return output


def open_image(path: Path) -> Image.Image:
    """An image file in black and white's colours, without transparency."""
    image = Image.open(path).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("L")
