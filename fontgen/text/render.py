"""Draw text as PNG, SVG or GIF: `fontgen.text.layout` says where the glyphs go, `fontgen.text.draw` draws them."""

from __future__ import annotations

from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.progress import Reporter
from fontgen.text.animation import render_typing
from fontgen.text.draw import (
    RasterBackend,
    RenderOptions,
    SvgBackend,
    canvas_size,
    parse_colour,
)
from fontgen.text.layout import layout_text
from fontgen.text.options import ShapeOptions
from fontgen.text.shape import ShapingFont

FORMATS = ("png", "svg", "gif")


def image_format(path: Path, given: str | None = None) -> str:
    """The image format by its name or by the file's suffix; raises `FontgenError` for neither."""
    kind = given or path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise FontgenError("is not *.png, *.svg or *.gif: say which with --format", path=path)
    return kind


def render(
    font: ShapingFont,
    text: str,
    kind: str,
    shape_options: ShapeOptions | None = None,
    options: RenderOptions | None = None,
    reporter: Reporter | None = None,
) -> bytes:
    """Draw a text.

    Args:
        kind: ``png``, ``svg`` or ``gif``. A GIF types the text key by key: see `fontgen.text.animation`.

    Returns:
        The image file.

    Raises:
        FontgenError: an option is out of range, or the image would be too large.
        ShapeFailed: HarfBuzz did not shape the text.
    """
    options = options or RenderOptions()
    options.check()
    if kind == "gif":
        return render_typing(font, text, shape_options, options, reporter)
    layout = layout_text(font, text, shape_options, options.line_width(font.units_per_em))
    if layout.reason and reporter:
        reporter.note(f"{font.path}: OpenType shaped this: {layout.reason}")
    scale = options.size / font.units_per_em
    width, height = canvas_size(layout, scale, options)
    backend = (RasterBackend if kind == "png" else SvgBackend)(font, width, height)
    backend.fill(parse_colour(options.background))
    backend.draw(
        layout.glyphs, scale, (options.margin, options.margin), parse_colour(options.foreground)
    )
    return backend.encode(title=layout.visible)
