"""Build a font that tells a model's stories by OpenType alone: no Wasm, so any program shows them.

content file -> `Machine` -> GSUB and GDEF of the base font
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from fontgen.automaton.content.format import content_bytes, default_content_path, read_content
from fontgen.automaton.machine import machine_of
from fontgen.automaton.opentype import write_automaton
from fontgen.config import Config
from fontgen.errors import naming
from fontgen.font import base, names, tables
from fontgen.font.tale import TALE_TAG, Tale, write_tale
from fontgen.progress import Reporter

_DESCRIPTION = (
    "A font that tells a language model's stories: behind a run of four or more exclamation marks the "
    "continuation of the text before it, by OpenType substitutions.",
    "It computes nothing: the model's stories were told beforehand, and rules choose among them.",
)
_SAMPLE = "The little fox" + "!" * 43


def build_font(config: Config, reporter: Reporter | None = None) -> bytes:
    """See `fontgen.build.build_font`."""
    config.check()
    with (reporter or Reporter(quiet=True)).steps(total=4) as steps:
        steps.begin("Opening the base font")
        font = base.open_base(config.font.base, config.font.index)
        family = config.font.family or names.default_family(font, "Llama Lite")

        steps.begin("Reading the content")
        path: Path = config.automaton.content or default_content_path()
        content = read_content(path)
        machine = machine_of(content)

        steps.begin("Compiling the automaton")
        with naming(path):
            size = write_automaton(font, machine)

        steps.begin("Writing the font")
        digest = hashlib.sha256(content_bytes(content, compress=False)).hexdigest()
        sizes = {
            "states": machine.states,
            "texts": len(machine.rows),
            "words": len(machine.words),
            "typed_words": len(machine.vocabulary),
            "heroes": machine.heroes,
            "ends": sum(map(len, machine.ends)),
            "ends_of_similar_words": sum(map(len, machine.similar)),
            "openings": len(machine.openings),
            "glyphs": size.glyphs,
            "lookups": size.lookups,
            "lookups_of_the_text": size.direct,
        }
        tale = Tale(digest, content.model, size.first_glyph, size.space, size.lookups, sizes)
        tables.write_table(font, TALE_TAG, write_tale(tale))
        name, licence = content.model.get("name", "a model"), content.model.get("license", "")
        credits = names.Credits(
            copyright=f"Stories: told by {name}.",
            licence=f"Stories: {name}, {licence}." if licence else "",
            description=(*_DESCRIPTION, f"Model: {name}."),
        )
        names.write_names(font, family, credits)
        font["name"].setName(_SAMPLE, 19, 3, 1, 0x409)
        tables.write_timestamps(font)
        tables.drop_signature(font)
        return tables.font_bytes(font)
