"""What a font would run, without running it: ``fontgen inspect``.

The imports are all that the module can do to its host, so they come first. Wasmtime reads the
module; only sizes of its sections and custom sections, which its API does not tell, come from
`fontgen.shapers.binary`.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import wasmtime
from fontTools.ttLib import TTFont

from fontgen.errors import FontgenError
from fontgen.files import read_input
from fontgen.font.file import read_font
from fontgen.font.tables import WASM_TAG
from fontgen.font.tale import TALE_TAG, read_tale
from fontgen.host import functions
from fontgen.host.limits import MEMORY_MB
from fontgen.host.memory import memory_setting
from fontgen.llama.memory import memory_bytes
from fontgen.llama.model import ModelConfig
from fontgen.llama.tables import MODEL_TAG, SETTINGS_TAG, read_model, read_settings
from fontgen.shapers.binary import sections
from fontgen.shapers.flavours import SIMD_SECTION

_PAGE = 65536
_NAMES = {
    0: "copyright",
    1: "family",
    2: "style",
    3: "unique_id",
    4: "full_name",
    5: "version",
    6: "postscript_name",
    7: "trademark",
    10: "description",
    13: "licence",
    14: "licence_url",
}


def inspect_font(path: Path) -> dict[str, Any]:
    """Everything that ``fontgen inspect --json`` prints.

    A damaged module, model or settings table is reported under its own key, as ``error``; so is
    what a host would do about it.

    Raises:
        FontgenError: the file cannot be read or is not a font.
    """
    file = read_font(path)
    try:
        font = TTFont(io.BytesIO(file.data), lazy=True, fontNumber=file.index)
        tables = {tag: font.reader[tag] for tag in font.reader.keys()}
    except Exception as error:
        raise FontgenError(f"is not a font: {error}", path=path) from error
    return {
        "file": str(path),
        **_fingerprint(read_input(file.path)),
        "names": _names(font),
        "shaper": _inspect_module(tables[WASM_TAG]) if WASM_TAG in tables else None,
        "settings": _inspect_settings(tables[SETTINGS_TAG]) if SETTINGS_TAG in tables else None,
        "model": _inspect_model(tables[MODEL_TAG]) if MODEL_TAG in tables else None,
        "automaton": _inspect_tale(tables[TALE_TAG]) if TALE_TAG in tables else None,
        "tables": {tag: len(table) for tag, table in tables.items()},
    }


def _inspect_tale(data: bytes) -> dict[str, Any]:
    try:
        tale = read_tale(data)
    except FontgenError as error:
        return _fingerprint(data) | {"error": error.cause}
    return {
        "what": "stories that a model told beforehand, chosen and told by OpenType substitutions; nothing is computed",
        "content_sha256": tale.content,
        "model": tale.model,
        **tale.sizes,
    }


def _names(font: TTFont) -> dict[str, str]:
    try:
        names = {key: font["name"].getDebugName(name_id) for name_id, key in _NAMES.items()}
    except Exception:
        return {}
    return {key: text for key, text in names.items() if text}


def _fingerprint(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _inspect_module(data: bytes) -> dict[str, Any]:
    report: dict[str, Any] = _fingerprint(data)
    try:
        module = wasmtime.Module(wasmtime.Engine(), data)
    except wasmtime.WasmtimeError as error:
        cause = str(error).strip().splitlines()[-1].strip()
        return report | {"error": f"does not load, so hosts show plain text: {cause}"}
    report |= {
        "flavour": "portable" if _is_valid_without_simd(data) else "simd128",
        "imports": [f"{item.module}.{item.name}{_signature(item.type)}" for item in module.imports],
        "exports": [f"{item.name}{_signature(item.type)}" for item in module.exports],
    }
    unknown = [
        f"{item.module}.{item.name}"
        for item in module.imports
        if item.module != functions.MODULE or item.name not in functions.FUNCTIONS
    ]
    if unknown:
        what = ", ".join(unknown)
        report["error"] = f"imports what no HarfBuzz has, so that it fails when it calls it: {what}"
    memories = [item.type for item in module.exports if isinstance(item.type, wasmtime.MemoryType)]
    memories += [item.type for item in module.imports if isinstance(item.type, wasmtime.MemoryType)]
    if memories:
        limits = memories[0].limits
        report["memory"] = {
            "initial": limits.min * _PAGE,
            "maximum": None if limits.max is None else limits.max * _PAGE,
        }
    report["sections"] = []
    for section in sections(data):
        report["sections"].append(
            {"name": section.name, "size": section.size}
            | ({"custom": section.custom} if section.custom else {})
        )
        if section.custom == SIMD_SECTION and section.payload.startswith(b"\0asm"):
            report["runs_instead"] = _inspect_module(section.payload)
    return report


def _is_valid_without_simd(data: bytes) -> bool:
    config = wasmtime.Config()
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    try:
        wasmtime.Module.validate(wasmtime.Engine(config), data)
    except wasmtime.WasmtimeError:
        return False
    return True


def _signature(kind: Any) -> str:
    if isinstance(kind, wasmtime.FuncType):
        results = ", ".join(map(str, kind.results)) or "nothing"
        return f"({', '.join(map(str, kind.params))}) -> {results}"
    return f": {type(kind).__name__.removesuffix('Type').lower()}"


def _inspect_settings(data: bytes) -> dict[str, Any]:
    try:
        settings = read_settings(data)
        return _fingerprint(data) | asdict(settings) | {"replacements": dict(settings.replacements)}
    except FontgenError as error:
        return _fingerprint(data) | {"error": str(error)}


def _config(config: ModelConfig) -> dict[str, Any]:
    known = {name: value for name, value in vars(config).items() if name != "trained_length"}
    return known | {"head_size": config.head_size}


def _inspect_model(data: bytes) -> dict[str, Any]:
    report: dict[str, Any] = _fingerprint(data)
    try:
        model = read_model(data)
    except (FontgenError, ValueError) as error:
        return report | {"error": f"{error}; hosts show plain text"}
    parameters = sum(matrix.values.size for matrix in model.matrices.values())
    parameters += sum(norm.size for norm in model.norms.values())
    vocabulary = model.vocabulary
    embedding = model.matrices["tok_embeddings.weight"]
    layers = model.matrices["layers.0.attention.wq.weight"]
    needed = memory_bytes(model.config, max(layers.bits, embedding.bits))
    if setting := memory_setting(needed):
        report["warning"] = (
            f"wants more than the {MEMORY_MB << 20:,} bytes of fontgen's host: plain text, unless {setting} is set"
        )
    return report | {
        "card": vars(model.card),
        "parameters": parameters,
        "bits": layers.bits,
        "embedding_bits": embedding.bits,
        "memory": needed,
        "config": _config(model.config),
        "vocabulary": {
            "kind": "byte-level BPE" if vocabulary.byte_level else "sentencepiece BPE",
            "pre_tokenizer": vocabulary.pre_tokenizer.name.lower(),
            "add_bos": vocabulary.add_bos,
            "stops": list(vocabulary.stops),
            "size": len(vocabulary),
            "bos": vocabulary.bos,
            "eos": vocabulary.eos,
            "unk": vocabulary.unk,
            "add_dummy_prefix": vocabulary.add_dummy_prefix,
        },
    }


def format_report(report: dict[str, Any]) -> str:
    """`inspect_font`'s report for people."""
    lines = [
        f"{report['file']}: {report['size']:,} bytes",
        f"  sha256 {report['sha256']}",
        "",
        "Names",
    ]
    lines += _rows(report["names"])
    lines += ["", "Shaper (table Wasm)"]
    lines += _module_lines(report["shaper"])
    if report["automaton"] is not None:
        flat = {k: v for k, v in report["automaton"].items() if not isinstance(v, dict)}
        lines += ["", f"Automaton (table {TALE_TAG})", *_rows(flat)]
        lines += ["  model", *("  " + row for row in _rows(report["automaton"].get("model", {})))]
        return "\n".join(lines)
    lines += ["", f"Settings (table {SETTINGS_TAG})"]
    lines += _rows(report["settings"] or {"none": ""})
    lines += ["", f"Model (table {MODEL_TAG})"]
    model = report["model"]
    if model is None:
        lines.append("  none")
    else:
        flat = {key: value for key, value in model.items() if not isinstance(value, dict)}
        lines += _rows(flat)
        for what in ("card", "config", "vocabulary"):
            lines += [f"  {what}", *("  " + row for row in _rows(model.get(what, {})))]
    return "\n".join(lines)


def _module_lines(shaper: dict[str, Any] | None) -> list[str]:
    if shaper is None:
        return ["  none: HarfBuzz shapes this font by OpenType alone"]
    if "imports" not in shaper:
        return _rows(shaper)
    lines = _rows({k: shaper[k] for k in ("size", "sha256", "flavour", "error") if k in shaper})
    if "memory" in shaper:
        memory = shaper["memory"]
        most = "may grow" if memory["maximum"] is None else f"at most {memory['maximum']:,}"
        lines += _rows({"memory": f"{memory['initial']:,} bytes at first, {most}"})
    for what in ("imports", "exports"):
        lines += [f"  {what}", *(f"    {item}" for item in shaper[what] or ["none"])]
    sections = [
        " ".join([section["name"], section.get("custom", ""), f"{section['size']:,}"]).replace(
            "  ", " "
        )
        for section in shaper["sections"]
    ]
    lines += _rows({"sections": ", ".join(sections)})
    if "runs_instead" in shaper:
        lines += ["", f"Shaper (section {SIMD_SECTION}), which fontgen's host runs instead"]
        lines += _module_lines(shaper["runs_instead"])
    return lines


def _rows(values: dict[str, Any]) -> list[str]:
    rows = []
    for key, value in values.items():
        shown = (
            f"{value:,}"
            if type(value) is int
            else f"{value:g}"
            if type(value) is float
            else str(value)
        )
        first, *more = shown.split("\n") or [""]
        rows.append(f"  {key:<19} {first}".rstrip())
        rows += [f"  {'':<19} {line}".rstrip() for line in more]
    return rows
