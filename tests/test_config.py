"""The TOML configuration: what it says is checked, and named when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import REPOSITORY

from fontgen.config import Config, read_config
from fontgen.errors import FontgenError


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "font.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text, cause",
    [
        (
            "[shaper]\nflavor = 'portable'",
            "unknown key 'flavor' in [shaper]; there are program, flavour",
        ),
        (
            "[fonts]\nbase = 'a'",
            "unknown section 'fonts'; there are model, font, quantise, shaper, picture, sampling, prompt, "
            "automaton, replace",
        ),
        ("base = 'a'", "unknown section 'base'"),
        ("font = 'a'", "font must be a section"),
        (
            "[quantise]\nmethod = 'magic'",
            "quantise.method: 'magic' is not one of gptq, search, absmax",
        ),
        ("[quantise]\nbits = '8'", "quantise.bits must be a whole number"),
        ("[quantise]\nbits = 8.0", "quantise.bits must be a whole number"),
        ("[shaper]\nkept_marks = true", "shaper.kept_marks must be a whole number"),
        ("[font]\nfamily = 3", "font.family must be a string"),
        ("[font]\nfamily = ''", "font.family: is empty"),
        ("[font]\noutput = ''", "font.output is empty"),
        (
            "[shaper]\nflavour = 'simd'",
            "shaper.flavour: 'simd' is not one of universal, simd128, portable",
        ),
        ("[shaper]\nkept_marks = -1", "kept_marks is -1"),
        ("[shaper]\nmax_tokens_per_call = -1", "max_tokens_per_call is -1"),
        ("[font\n", "is not TOML"),
        ("[replace]\n'(c)' = 3", "replace.'(c)' must be a string"),
        ("[replace]\n'' = 'x'", "replacement of ''"),
        ("[replace]\n'x' = ''", "replacement of 'x'"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, cause: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(FontgenError) as refusal:
        read_config(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert cause in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(FontgenError, match="absent.toml: cannot be read: No such file"):
        read_config(tmp_path / "absent.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(FontgenError, match="binary.toml: is not TOML"):
        read_config(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "[model]\ncheckpoint = '../m.bin'\ntokenizer = '/abs/t.bin'\n"
        "[font]\nbase = 'b.ttc#1'\noutput = 'out.ttf'",
    )
    config = read_config(path)
    assert config.model.checkpoint == tmp_path / "../m.bin"
    assert config.model.tokenizer == Path("/abs/t.bin")
    assert config.font.base == tmp_path / "b.ttc#1"
    assert config.font.output == tmp_path / "out.ttf"


def test_a_known_model_is_no_path(tmp_path: Path) -> None:
    assert read_config(
        _write(tmp_path, "[model]\ncheckpoint = 'stories15M'")
    ).model.checkpoint == Path("stories15M")


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    config = read_config(_write(tmp_path, ""))
    assert config == Config(path=config.path)


def test_replacements_reach_the_settings(tmp_path: Path) -> None:
    config = read_config(_write(tmp_path, "[replace]\n'(c)' = '©'\n'OpenSans' = 'LLaMaSans'"))
    assert config.replace == {"(c)": "©", "OpenSans": "LLaMaSans"}
    assert config.settings().replacements == (("(c)", "©"), ("OpenSans", "LLaMaSans"))


def test_flags_override_the_file(tmp_path: Path) -> None:
    config = read_config(_write(tmp_path, "[shaper]\nflavour = 'portable'\nkept_marks = 5"))
    changed = config.override(shaper={"flavour": "simd128"}, font={"family": None, "index": 0})
    assert changed.shaper.flavour == "simd128"
    assert changed.shaper.kept_marks == 5
    assert changed.font.index == 0
    assert changed.font.family is None


def test_the_shipped_configuration() -> None:
    """One font for all hosts: those without SIMD skip the section that holds the other flavour."""
    default = read_config(REPOSITORY / "fonts" / "llama.toml")
    assert default.font.output == REPOSITORY / "fonts" / "llama.ttf"
    assert default.shaper.flavour == "universal"
    assert default.shaper.kept_marks == Config().shaper.kept_marks
    assert default.replace == {"OpenSans": "LLaMaSans"}
    assert default.quantise == Config().quantise
