"""Build a font that shows pictures, or runs anybody's shaper.

program -> its drawing -> glyphs; C files -> module; both into the base font
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import wasmtime
from fontTools.ttLib import TTFont

from fontgen.config import Config, LayerOptions, PictureOptions
from fontgen.errors import FontgenError, naming
from fontgen.font import base, names, tables
from fontgen.font.features import write_features
from fontgen.pictures.glyphs import with_glyphs
from fontgen.pictures.programs import FEATURES, PROGRAMS, Program
from fontgen.pictures.shapes import Drawing, Layer, Shape, parse_colour
from fontgen.pictures.table import headers, write_picture_table
from fontgen.progress import Reporter
from fontgen.shapers.compiler import SMALLEST, cached_module, shaper_module
from fontgen.shapers.sdk import LONGEST_TRIGGER, PICTURE_TAG

_PORTABLE = "portable"  # no picture program has SIMD code
_EXPORTS = ("shape", "malloc", "free", "memory")


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """See `fontgen.build.build_font`."""
    config.check()
    program = PROGRAMS.get(config.program)
    with (reporter or Reporter(quiet=True)).steps(total=4) as steps:
        steps.begin("Opening the base font")
        font = base.open_base(config.font.base, config.font.index)
        stem = program.family if program else config.shaper.program.resolve().stem.title()
        family = config.font.family or names.default_family(font, stem)

        steps.begin("Compiling the shaper")
        drawing = _drawing(config)
        module = _module(config, drawing)

        steps.begin("Drawing")
        names.write_names(font, family, _credits(program, config.picture.trigger))
        if program or _has_pictures(config):
            font = _with_pictures(font, config, drawing)

        steps.begin("Writing the font")
        tables.write_timestamps(font)
        tables.drop_signature(font)
        if program:
            write_features(font, FEATURES)
        tables.write_table(font, tables.WASM_TAG, module)
        return tables.font_bytes(font)


def _credits(program: Program | None, trigger: str | None) -> names.Credits:
    if program is None:
        return names.Credits(description=("A font with a shaper of its own.",))
    return names.Credits(
        licence="Shaper: fontgen, Apache-2.0.",
        description=(program.description,),
        sample=program.sample.replace(program.trigger, trigger or program.trigger),
    )


def _has_pictures(config: Config) -> bool:
    return config.picture != PictureOptions()


# The program


def _module(config: Config, drawing: Drawing) -> bytes:
    """The module of a program of ours, of a folder of C files, or of a file."""
    program = config.program
    made = headers([shape.name for shape in drawing.shapes])
    if program in PROGRAMS:
        return shaper_module(program, _PORTABLE, made, SMALLEST)
    path = config.shaper.program
    if path.is_dir():
        if not any(path.glob("*.c")):
            raise FontgenError("has no C files", path=path)
        module = cached_module(path.resolve(), _PORTABLE, made, SMALLEST)
    else:
        try:
            module = path.read_bytes()
        except OSError as error:
            raise FontgenError(f"cannot be read: {error.strerror}", path=path) from error
    _check_module(module, path)
    return module


def _check_module(module: bytes, path: Path) -> None:
    """Refuse what HarfBuzz could not run."""
    try:
        exports = {export.name for export in wasmtime.Module(wasmtime.Engine(), module).exports}
    except wasmtime.WasmtimeError as error:
        raise FontgenError(
            f"is no WebAssembly module: {str(error).splitlines()[0]}", path=path
        ) from error
    missing = [name for name in _EXPORTS if name not in exports]
    if missing:
        raise FontgenError(f"is no shaper: it does not export {missing[0]}", path=path)


# The pictures


def _drawing(config: Config) -> Drawing:
    """What the program draws with, in the colours of the configuration."""
    program = PROGRAMS.get(config.program)
    if program is None:
        return _own_drawing(config)
    if config.picture.shapes:
        raise FontgenError(
            f"picture.shapes: the program {program.name!r} has shapes of its own", path=config.path
        )
    palettes = dict(program.drawing.palettes)
    first = config.picture.palette or next(iter(palettes))
    if first not in palettes:
        raise FontgenError(
            f"picture.palette: {first!r} is not one of {', '.join(palettes)}", path=config.path
        )
    chosen = dict(palettes.pop(first))
    for name, colour in config.picture.colours.items():
        if name not in chosen:
            raise FontgenError(
                f"picture.colours: unknown colour {name!r}; there are {', '.join(chosen)}",
                path=config.path,
            )
        _check_colour(config, f"picture.colours.{name}", colour)
        chosen[name] = colour
    return replace(program.drawing, palettes={first: chosen, **palettes})


def _own_drawing(config: Config) -> Drawing:
    """The shapes of ``[picture.shapes]``, each layer's colour a name in ``[picture.colours]`` or a colour itself."""
    if config.picture.palette is not None:
        raise FontgenError(
            "picture.palette: a program of your own has one palette", path=config.path
        )
    palette = dict(config.picture.colours)
    shapes = []
    for name, entry in config.picture.shapes.items():
        parts = [LayerOptions(entry)] if isinstance(entry, str) else entry
        layers = tuple(Layer(part.path, part.colour) for part in parts)
        for layer in layers:
            if layer.colour and layer.colour not in palette:
                palette[layer.colour] = layer.colour
        is_coloured = any(layer.colour for layer in layers)
        outline = "".join(layer.outline for layer in layers)
        shapes.append(Shape(name, outline, layers if is_coloured else ()))
    for name, colour in palette.items():
        _check_colour(config, f"picture.colours.{name}", colour)
    return Drawing(tuple(shapes), palettes={"": palette}, rows=1)


def _check_colour(config: Config, key: str, colour: str) -> None:
    with naming(config.path, key):
        parse_colour(colour)


def _with_pictures(font: TTFont, config: Config, drawing: Drawing) -> TTFont:
    picture = config.picture
    cell = drawing.cell if picture.cell is None else picture.cell
    rows = drawing.rows if picture.rows is None else picture.rows
    _check_trigger(font, config)
    with naming(config.path, "picture"):
        font = with_glyphs(font, drawing, cell, tall=picture.lines == "tall", rows=rows)
    program = PROGRAMS.get(config.program)
    trigger = picture.trigger or (program.trigger if program else None)
    if trigger is not None:
        tables.write_table(font, PICTURE_TAG, write_picture_table(trigger))
    return font


def _check_trigger(font: TTFont, config: Config) -> None:
    """Refuse a trigger that nobody can type, or that the base font does not show while it is typed."""
    trigger = config.picture.trigger
    if trigger is None:
        return
    available = font.getBestCmap()
    if not 1 <= len(trigger) <= LONGEST_TRIGGER:
        cause = f"has {len(trigger)} characters, not 1 to {LONGEST_TRIGGER}"
    elif bad := next((c for c in trigger if unicodedata.category(c)[0] in "CZM"), None):
        cause = f"{trigger!r} holds U+{ord(bad):04X}, which cannot be typed within a word"
    elif len(trigger.lower()) != len(trigger):
        cause = f"{trigger!r} has no form in small letters of the same length"
    elif bad := next((c for c in trigger if ord(c) not in available), None):
        cause = f"{trigger!r} holds {bad!r} (U+{ord(bad):04X}), which the base font lacks"
    else:
        return
    raise FontgenError(f"picture.trigger: {cause}", path=config.path)
