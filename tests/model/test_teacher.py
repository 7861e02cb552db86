"""A language model from a GGUF file becomes a teacher that speaks the student's tokens."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
gguf = pytest.importorskip("gguf")
pytest.importorskip("matplotlib")

import sentencepiece  # noqa: E402
from support import checkpoint_writers  # noqa: E402

from fontgen.errors import FontgenError  # noqa: E402
from fontgen.llama.checkpoints.byte_level import LETTERS  # noqa: E402
from model import make  # noqa: E402
from model.data.prepare import prepare  # noqa: E402
from model.recipe import Recipe  # noqa: E402
from model.training import teacher  # noqa: E402
from model.training.network import Adapted, ModelConfig, Transformer  # noqa: E402
from model.training.weights import load_model, merged_state, save_model, save_weights  # noqa: E402

CONFIG = ModelConfig(32, 2, 4, 2, 48, 0, 64)
MERGES = ["Ġ l", "o w", "Ġl ow", "Ġ t", "h e", "Ġt he"]


def write_base(path: Path, architecture: str = "llama") -> tuple[list[str], dict[str, np.ndarray]]:
    """A random model with a byte-level BPE; returns its tokens and tensors."""
    tokens = ["<|endoftext|>", *sorted(LETTERS), *(merge.replace(" ", "") for merge in MERGES)]

    def add_tokenizer(writer: Any, vocabulary: object) -> None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(tokens)
        writer.add_token_types([3] + [1] * (len(tokens) - 1))
        writer.add_bos_token_id(0)
        writer.add_eos_token_id(0)
        writer.add_token_merges(MERGES)

    random = checkpoint_writers.random_model(
        seed=4,
        dim=CONFIG.dim,
        hidden_dim=CONFIG.hidden_dim,
        n_layers=CONFIG.n_layers,
        n_heads=CONFIG.n_heads,
        n_kv_heads=CONFIG.n_kv_heads,
        vocab_size=len(tokens),
        context_length=CONFIG.max_seq_len,
        rope_theta=50000.0,
    )
    checkpoint_writers.write_gguf(path, random, architecture=architecture, tokenizer=add_tokenizer)
    return tokens, random.tensors


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base") / "base.gguf"
    write_base(path)
    return path


@pytest.fixture(scope="module")
def vocabulary() -> sentencepiece.SentencePieceProcessor:
    path = Path(__file__).parents[2] / "model" / "tokenizer.model"
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def test_each_new_token_is_the_mean_of_those_that_spell_it(
    tmp_path: Path, vocabulary: sentencepiece.SentencePieceProcessor
) -> None:
    path = tmp_path / "base.gguf"
    tokens, tensors = write_base(path)
    model = teacher.read_base(str(path), vocabulary, 40)
    assert model.config == replace(
        CONFIG, vocab_size=4096, max_seq_len=40, rope_theta=50000.0, norm_eps=1e-5
    )
    old = dict(zip(tokens, tensors["tok_embeddings.weight"], strict=True))
    new = model.tok_embeddings.weight.detach().numpy()
    the = vocabulary.piece_to_id("\N{LOWER ONE EIGHTH BLOCK}the")
    np.testing.assert_allclose(new[the], old["Ġthe"])
    owl = vocabulary.piece_to_id("\N{LOWER ONE EIGHTH BLOCK}low")
    if owl != vocabulary.unk_id():
        np.testing.assert_allclose(new[owl], old["Ġlow"])
    is_ = vocabulary.piece_to_id("\N{LOWER ONE EIGHTH BLOCK}is")
    np.testing.assert_allclose(new[is_], (old["Ġ"] + old["i"] + old["s"]) / 3, atol=1e-7)
    np.testing.assert_allclose(new[1], old["<|endoftext|>"])
    newline = vocabulary.piece_to_id("<0x0A>")
    np.testing.assert_allclose(
        new[newline], old[next(letter for letter, byte in LETTERS.items() if byte == 10)]
    )
    weight = model.layers[1].feed_forward.w2.weight.detach().numpy()
    np.testing.assert_array_equal(weight, tensors["layers.1.feed_forward.w2.weight"])


def test_what_is_no_base_is_named(
    tmp_path: Path, vocabulary: sentencepiece.SentencePieceProcessor
) -> None:
    with pytest.raises(FontgenError, match="no_such_model"):
        teacher.read_base("no_such_model", vocabulary, 40)
    write_base(tmp_path / "other.gguf", "gpt2")
    with pytest.raises(FontgenError, match="gpt2"):
        teacher.read_base(str(tmp_path / "other.gguf"), vocabulary, 40)


def test_adapters_change_what_their_sum_would() -> None:
    """An adapted model is the model with merged matrices, its gradients those of the two parts alone."""
    torch.manual_seed(0)
    model = Transformer(replace(CONFIG, vocab_size=50))
    tokens = torch.randint(1, 50, (2, 9))
    before = model.logits(tokens)
    teacher.adapt(model, 4)
    torch.testing.assert_close(model.logits(tokens), before)  # b is zero
    for module in model.modules():
        if isinstance(module, Adapted):
            torch.nn.init.normal_(module.b, std=0.1)
    merged = Transformer(model.config)
    merged.load_state_dict(merged_state(model))
    torch.testing.assert_close(model.logits(tokens), merged.logits(tokens))
    assert (model.logits(tokens) - before).abs().max() > 0.01
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    with_gradient = {name for name, each in model.named_parameters() if each.grad is not None}
    assert "layers.0.attention.wk.a" in with_gradient and "norm.weight" in with_gradient
    assert not any(name.endswith(("wk.weight", "w2.weight")) for name in with_gradient)


def test_adapters_come_back_as_bfloat16_has_them(
    base: Path, vocabulary: sentencepiece.SentencePieceProcessor, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = teacher.read_base(str(base), vocabulary, 40)
    teacher.adapt(model, 4)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter)
    about = {"base": str(base), "rank": 4, "max_seq_len": 40}
    teacher.save_adapter(model, tmp_path, about)
    again = dict(teacher.load_teacher(tmp_path, vocabulary).named_parameters())
    for name, parameter in model.named_parameters():
        kept = parameter.bfloat16().float() if parameter.requires_grad else parameter
        assert torch.equal(again[name], kept), name


def tiny_recipes(folder: Path, recipe: Recipe, base: Path) -> Path:
    """The recipes of the three runs, for models and texts of a test."""
    text = (Path(__file__).parents[2] / "model" / "recipes" / "tiny.toml").read_text()
    text = text.replace("build/tiny/stories.txt", recipe.data.sources[0].path or "")
    (folder / "train.toml").write_text(text)
    extends = 'extends = "train.toml"\n[train]\n'
    mixtures = {"student": '"taught?" = 1.0', "refine": '"told?" = 0.5', "teacher": "stories = 1.0"}
    for name, more in mixtures.items():
        mixture = more if more.startswith("stories") else f"stories = 1.0, {more}"
        phases = f"phases = [{{ until = 1.0, mixture = {{ {mixture} }} }}]\n"
        given = f'base = "{base}"\nadapter_rank = 4\n' if name == "teacher" else ""
        (folder / f"{name}.toml").write_text(f"{extends}{given}{phases}")
    plan = (Path(make.__file__).parent / "recipes" / "make.toml").read_text()
    (folder / "make.toml").write_text(plan.replace("stories = 500", "stories = 20"))
    return folder


def test_all_steps_with_one_command(
    recipe: Recipe, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute, from a text and a base to calibrated weights; a second call has nothing to do."""
    recipes = tiny_recipes(tmp_path, recipe, base)
    arguments = ["make", "0.01", "--folder", str(tmp_path / "made"), "--recipes", str(recipes)]
    monkeypatch.setattr(sys, "argv", arguments)
    make.main()
    done = json.loads((tmp_path / "made" / "make.json").read_text())
    steps = ["prepare", "teacher", "write", "judge", "student", "rounds", "finish"]
    assert list(done) == steps
    shares = sorted((tmp_path / "made" / "data" / "stories").glob("*.shares.npy"))
    assert shares and np.load(shares[0]).max() <= 0.61
    adapter = tmp_path / "made" / "teacher-0" / "best" / "adapter.json"
    assert json.loads(adapter.read_text())["rank"] == 4

    tokenizer = tmp_path / "made" / "data" / "tokenizer.model"
    read = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    again = merged_state(teacher.load_teacher(adapter.parent, read))
    # How many steps these seconds had, and with them how large the adapters are, is the machine's: so, the
    # parts of each tensor that bfloat16 does not keep, beside the tensor.
    for name, whole in load_model(adapter.parent).state_dict().items():
        assert torch.linalg.norm(again[name] - whole) <= 2**-7 * torch.linalg.norm(whole), name
    load_model(tmp_path / "made" / "export")
    before = (tmp_path / "made" / "export" / "model.safetensors").stat().st_mtime_ns
    make.main()
    assert (tmp_path / "made" / "export" / "model.safetensors").stat().st_mtime_ns == before


def test_budget_of_what_is_left_out_is_the_students(recipe: Recipe, tmp_path: Path) -> None:
    recipes = Path(make.__file__).parent / "recipes"
    whole = make.Making(recipes, tmp_path, 10, set())
    assert sum(whole.minutes.values()) == pytest.approx(600)
    without = make.Making(recipes, tmp_path, 10, {"teacher", "write", "judge"})
    assert set(without.minutes) == {"student", "rounds"}
    assert sum(without.minutes.values()) == pytest.approx(600)
    assert without.minutes["rounds"] == whole.minutes["rounds"]


def test_plan_that_is_none(tmp_path: Path) -> None:
    plan = (Path(make.__file__).parent / "recipes" / "make.toml").read_text()
    for wrong, cause in (("twins = 0", "once at least"), ("share = 0.0", "between 0 and 1")):
        key = wrong.split(" = ")[0]
        (tmp_path / "make.toml").write_text(re.sub(rf"{key} = [\d.]+ ", f"{wrong} ", plan))
        with pytest.raises(FontgenError, match=rf"make\.toml.*{cause}"):
            make.Making(tmp_path, tmp_path, 1, set())


def test_mean_of_runs_or_the_best_of_them(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that went too far apart have no good mean: a model and its mirror image have none at all."""
    prepare(replace(recipe.data, folder=str(tmp_path / "data")))
    (tmp_path / "base.gguf").touch()
    making = make.Making(tiny_recipes(tmp_path, recipe, tmp_path / "base.gguf"), tmp_path, 1, set())
    torch.manual_seed(0)
    model = Transformer(ModelConfig(**asdict(recipe.model)))
    with torch.no_grad():
        model.norm.weight *= 0.1
    folders = iter((1, -1, 1, 1))

    def train_nothing(given: Recipe) -> None:
        save_model(model, Path(given.train.run) / "weights", {})

    def export_mirrored(run: Path, output: Path) -> None:
        sign = next(folders)
        mirrored = {name: sign * value for name, value in model.state_dict().items()}
        save_weights(mirrored, run / "weights", output)

    monkeypatch.setattr(make, "train", train_nothing)
    monkeypatch.setattr(make, "export", export_mirrored)
    for alike in (False, True):
        making.averaged("student", make.Runs(1, 2))
        runs = [tmp_path / f"student-{number}-export" for number in (0, 1)]
        best = load_model(min(runs, key=making.validation_loss)).state_dict()
        written = load_model(tmp_path / "student-export").state_dict()
        assert all(torch.equal(written[name], value) for name, value in best.items())
        both = [load_model(run).norm.weight for run in runs]
        assert torch.equal(*both) is alike and both[0].any()
