"""Puts into the wheel what a checkout has not: the compiled shapers, HarfBuzz for browsers, the default model.

A pip user then builds fonts without a compiler. An editable install needs neither: it finds both here.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("sdk", "starter")  # for programs of one's own
MODEL_FILES = ("model.safetensors", "config.json", "tokenizer.model", "CARD.md")


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from fontgen.host.browser.builder import FILE_NAME, harfbuzz_module
        from fontgen.llama import shaper as llama
        from fontgen.pictures.programs import PROGRAMS
        from fontgen.pictures.table import headers
        from fontgen.shapers.compiler import SMALLEST, compile_shaper, packaged_name
        from fontgen.shapers.flavours import FLAVOURS

        self._folder = tempfile.TemporaryDirectory()
        included = build_data["force_include"]
        for flavour in FLAVOURS:
            module = Path(self._folder.name, packaged_name(llama.PROGRAM, flavour))
            sources = root / "wasm" / llama.PROGRAM
            module.write_bytes(compile_shaper(sources, flavour, llama.headers()))
            included[str(module)] = f"fontgen/data/{module.name}"
        for name, program in PROGRAMS.items():
            module = Path(self._folder.name, packaged_name(name, "portable"))
            made = headers([shape.name for shape in program.drawing.shapes])
            module.write_bytes(compile_shaper(root / "wasm" / name, "portable", made, SMALLEST))
            included[str(module)] = f"fontgen/data/{module.name}"
        for name in SOURCES:
            included[str(root / "wasm" / name)] = f"fontgen/data/{name}"
        harfbuzz = Path(self._folder.name, FILE_NAME)
        harfbuzz.write_bytes(harfbuzz_module())
        included[str(harfbuzz)] = f"fontgen/data/{FILE_NAME}"
        included[str(root / "LICENSE")] = "fontgen/data/LICENSE"  # which pages carry
        for name in MODEL_FILES:
            included[str(root / "model" / name)] = f"fontgen/data/model/{name}"
        content = "model/content/content.json.xz"
        included[str(root / content)] = f"fontgen/data/{content}"

    def finalize(self, version: str, build_data: dict, artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()
