"""The shaper's features are listed, and nothing else of GSUB changes."""

from __future__ import annotations

import io
import random
from pathlib import Path
from types import ModuleType

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.misc.xmlWriter import XMLWriter
from fontTools.ttLib import TTFont
from support.base_fonts import LETTERS, make_font, saved

from fontgen.font.base import open_base
from fontgen.font.features import write_features
from fontgen.font.tables import font_bytes
from fontgen.text.options import ShapeOptions, parse_features
from fontgen.text.shape import ShapingFont

TAGS = ("TEMP", "SEED", "TOPK")
NAME = {letter: f"uni{ord(letter):04X}" for letter in LETTERS}
LANGUAGES = f"""
    languagesystem DFLT dflt; languagesystem latn dflt; languagesystem latn TRK;
    feature liga {{ sub {NAME["f"]} {NAME["i"]} by {NAME["x"]}; }} liga;
    feature ss01 {{ sub {NAME["a"]} by {NAME["z"]}; }} ss01;
    feature ccmp {{ sub {NAME["b"]} by {NAME["c"]} {NAME["e"]}; }} ccmp;
    feature locl {{ script latn; language TRK required; sub {NAME["i"]} by {NAME["o"]}; }} locl;
"""


def _with_features(tmp_path: Path, font: TTFont) -> TTFont:
    path = tmp_path / "base.ttf"
    path.write_bytes(saved(font))
    opened = open_base(path)
    write_features(opened, TAGS)
    return TTFont(io.BytesIO(font_bytes(opened)))


def _tags(font: TTFont) -> dict[tuple[str, str], list[str]]:
    gsub = font["GSUB"].table
    records = gsub.FeatureList.FeatureRecord
    found = {}
    for script in gsub.ScriptList.ScriptRecord:
        systems = [("dflt", script.Script.DefaultLangSys)]
        systems += [(record.LangSysTag, record.LangSys) for record in script.Script.LangSysRecord]
        for language, system in systems:
            tags = [records[index].FeatureTag for index in system.FeatureIndex]
            if system.ReqFeatureIndex != 0xFFFF:
                tags.append("required " + records[system.ReqFeatureIndex].FeatureTag)
            found[script.ScriptTag, language] = tags
    return found


def test_features_are_listed_in_every_language(tmp_path: Path) -> None:
    base = make_font()
    addOpenTypeFeaturesFromString(base, LANGUAGES)
    before, after = _tags(base), _tags(_with_features(tmp_path, base))
    assert before.keys() == after.keys() and len(after) == 3
    for key, tags in before.items():
        assert sorted(after[key]) == sorted([*tags, *TAGS])


def test_the_list_stays_sorted_and_lookups_stay_with_their_features(tmp_path: Path) -> None:
    base = make_font()
    addOpenTypeFeaturesFromString(base, LANGUAGES)
    built = _with_features(tmp_path, base)

    def lookups(font: TTFont) -> set[tuple[str, tuple[int, ...]]]:
        records = font["GSUB"].table.FeatureList.FeatureRecord
        tags = [record.FeatureTag for record in records]
        assert tags == sorted(tags)
        return {(record.FeatureTag, tuple(record.Feature.LookupListIndex)) for record in records}

    assert lookups(built) == lookups(base) | {(tag, ()) for tag in TAGS}


def test_a_font_without_gsub_gets_none(tmp_path: Path) -> None:
    assert "GSUB" not in _with_features(tmp_path, make_font())


def test_feature_variations_follow(tmp_path: Path) -> None:
    base = make_font(variable=True)
    code = (
        LANGUAGES
        + f"""
        conditionset heavy {{ wght 600 900; }} heavy;
        variation rvrn heavy {{ sub {NAME["m"]} by {NAME["n"]}; }} rvrn;
    """
    )
    addOpenTypeFeaturesFromString(base, code)
    built = _with_features(tmp_path, base)["GSUB"].table
    records = built.FeatureVariations.FeatureVariationRecord
    substitutions = records[0].FeatureTableSubstitution.SubstitutionRecord
    tags = {built.FeatureList.FeatureRecord[s.FeatureIndex].FeatureTag for s in substitutions}
    assert tags == {"rvrn"}


@pytest.mark.parametrize("language", ["en", "tr"])
def test_shaping_is_unchanged(tmp_path: Path, uharfbuzz: ModuleType, language: str) -> None:
    base = make_font()
    addOpenTypeFeaturesFromString(base, LANGUAGES)
    fonts = [
        ShapingFont(uharfbuzz, saved(base)),
        ShapingFont(uharfbuzz, saved(_with_features(tmp_path, base))),
    ]
    source = random.Random(1)
    for features in ("", "ss01,-liga", "TEMP=80,ss01[2:5]", "-ccmp,SEED=3"):
        options = ShapeOptions(features=parse_features(features), language=language, script="Latn")
        for _ in range(50):
            text = "".join(source.choices(LETTERS, k=12))
            before, after = (font.shape(text, options).glyphs for font in fonts)
            assert before == after


def test_the_default_font_lists_them_and_keeps_robotos_lookups(
    font_path: Path, base_path: Path
) -> None:
    from fontgen.llama.marks import TAGS as SAMPLER_TAGS

    built, base = TTFont(font_path), TTFont(base_path)
    for tags in _tags(built).values():
        assert set(SAMPLER_TAGS) <= set(tags)
    assert _lookups_as_xml(built) == _lookups_as_xml(base)


def _lookups_as_xml(font: TTFont) -> bytes:
    stream = io.BytesIO()
    writer = XMLWriter(stream)
    font["GSUB"].table.LookupList.toXML(writer, font)
    writer.close()
    return stream.getvalue()
