"""From a configuration to a font: one file for each kind of font.

May import everything but the command line, `fontgen.check` and the references, which check what is built here.
"""

from __future__ import annotations

from fontgen.build import automaton, gsub_maze, llama, picture
from fontgen.config import AUTOMATON, GSUB_MAZE, LLAMA, Config
from fontgen.progress import Reporter


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """Build the font that a configuration describes, whatever its program.

    Returns:
        The font file. The same configuration, inputs and ``SOURCE_DATE_EPOCH`` give the same bytes.

    Raises:
        FontgenError: an input is bad; names the file and the cause.
    """
    if config.program == LLAMA:
        return llama.build_font(config, reporter)
    if config.program == AUTOMATON:
        return automaton.build_font(config, reporter)
    if config.program == GSUB_MAZE:
        return gsub_maze.build_font(config, reporter)
    return picture.build_font(config, reporter)
