"""Compile a checkpoint into a font. This is the one way through, from the top down.

checkpoint -> `Model` -> `QuantisedModel` -> font tables -> font
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from . import basefont, font
from .config import Config
from .errors import FontgenError
from .progress import Reporter

STDOUT = Path("-")


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """Build the font that a configuration describes.

    Returns:
        The font file. The same configuration, inputs and ``SOURCE_DATE_EPOCH`` give the same bytes.

    Raises:
        FontgenError: an input is bad; names the file and the cause.
    """
    # The compiler's layers are imported here, so that commands that build nothing start at once.
    from .checkpoints import load
    from .features import write_features
    from .quantise import quantise
    from .reference.sampler import TAGS
    from .shaper import default_model_path, shaper_module
    from .table import MODEL_TAG, SETTINGS_TAG, write_model, write_settings

    config.check()
    with (reporter or Reporter(quiet=True)).steps(total=5) as steps:
        steps.begin("Opening the base font")
        ttfont = basefont.open_base(config.font.base, config.font.index)
        family = config.font.family or font.default_family(ttfont)
        check_replacements(config)

        steps.begin("Reading the checkpoint")
        model = load(
            config.model.checkpoint or default_model_path(), tokenizer=config.model.tokenizer
        )

        steps.begin("Quantising the weights")
        try:
            quantised = quantise(
                model,
                bits=config.quantise.bits,
                progress=lambda what, done, total: steps.detail(f"{what} ({done}/{total})"),
            )
        except FontgenError as error:
            raise FontgenError(f"quantise.bits: {error.cause}", path=config.path) from error

        steps.begin("Compiling the shaper")
        module = shaper_module(config.shaper.flavour)

        steps.begin("Writing the font")
        font.write_names(ttfont, family, model.card)
        font.write_timestamps(ttfont)
        font.drop_signature(ttfont)
        write_features(ttfont, TAGS)
        font.write_table(ttfont, font.WASM_TAG, module)
        font.write_table(ttfont, SETTINGS_TAG, write_settings(config.settings()))
        font.write_table(ttfont, MODEL_TAG, write_model(quantised))
        return font.font_bytes(ttfont)


def check_replacements(config: Config) -> None:
    """Raise `FontgenError` when the base font cannot show what ``[replace]`` puts into the text."""
    if not config.replace:
        return
    available = basefont.characters(config.font.base, config.font.index)
    for word, shown in config.replace.items():
        for character in shown:
            if ord(character) not in available:
                raise FontgenError(
                    f"replace.{word!r}: the base font lacks {character!r} (U+{ord(character):04X})",
                    path=config.path,
                )


def check_output(path: Path, inputs: list[Path | None]) -> None:
    """Refuse an output that cannot be written or that is one of the inputs, before the work begins.

    Raises:
        FontgenError: names the output and the cause.
    """
    if path == STDOUT:
        if sys.stdout.isatty():
            raise FontgenError("is a terminal: redirect it, or name a file", path="standard output")
        return
    if path.is_dir():
        raise FontgenError("is a folder", path=path)
    if not path.parent.is_dir():
        raise FontgenError(f"cannot be written: there is no folder {path.parent}", path=path)
    if not os.access(path.parent, os.W_OK):
        raise FontgenError(f"cannot be written: no permission in {path.parent}", path=path)
    for other in inputs:
        if other is not None and path.exists() and other.exists() and path.samefile(other):
            raise FontgenError("is also an input: choose another output", path=path)


def write_output(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; ``-`` is standard output.

    The bytes go to a temporary file beside the output, which then takes its place.

    Raises:
        FontgenError: the file cannot be written.
    """
    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    temporary = None
    path = path.resolve()  # a link to a font stays a link
    try:
        if path.exists() and not path.is_file():  # /dev/null and the like
            path.write_bytes(data)
            return
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            temporary = file.name
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # as open() would have made it
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise FontgenError(f"cannot be written: {error.strerror}", path=path) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
