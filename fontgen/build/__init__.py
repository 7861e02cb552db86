"""From a configuration to a font: one file for each kind of font. `fontgen.check` and the command line stand above."""

from __future__ import annotations

from fontgen.config import GSUB_MAZE, LLAMA, Config
from fontgen.progress import Reporter


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """Build the font that a configuration describes, whatever its program.

    Returns:
        The font file. The same configuration, inputs and ``SOURCE_DATE_EPOCH`` give the same bytes.

    Raises:
        FontgenError: an input is bad; names the file and the cause.
    """
    # Imported here, so that commands that build nothing, or another kind of font, start at once.
    if config.program == LLAMA:
        from fontgen.build import llama

        return llama.build_font(config, reporter)
    if config.program == GSUB_MAZE:
        from fontgen.build import gsub_maze

        return gsub_maze.build_font(config, reporter)
    from fontgen.build import picture

    return picture.build_font(config, reporter)
