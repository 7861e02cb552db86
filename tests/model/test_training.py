"""From text to a font with the tiny configuration: prepare, train, export, build."""

from __future__ import annotations

import copy
import itertools
import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "model" / "recipes"
LOSS = 0.45
"""Nats per token that the tiny model must reach on stories it has not seen. It starts above 5;
one that knows the sentences by heart, but forgets who is in them, stays near 0.3."""


def stories(count: int) -> list[str]:
    """Stories of one plot: who lost what, and where it is found."""
    rng = random.Random(7)
    written = []
    for _ in range(count):
        who = rng.choice(("fox", "bear", "owl", "mouse", "frog", "hen"))
        thing = rng.choice(("ball", "hat", "kite", "drum"))
        place = rng.choice(("tree", "house", "river"))
        written.append(
            f"Once upon a time there was a little {who}. The {who} had lost a {thing}.\n"
            f'"Where is my {thing}?" said the {who}. The {thing} was in the {place}.\n'
            f"The {who} ran to the {place} and found the {thing}. The {who} was happy."
        )
    return written


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """tiny.toml with its folders moved and its text written."""
    from model.data.prepare import SEPARATOR, read_config

    folder = tmp_path_factory.mktemp("training")
    text = folder / "stories.txt"
    text.write_text(f"\n{SEPARATOR}\n".join(stories(400)))
    config = read_config(RECIPES / "tiny.toml")
    config["data"]["folder"] = str(folder / "data")
    config["data"]["sources"][0]["path"] = str(text)
    config["train"]["run"] = str(folder / "run")
    return config


@pytest.fixture(scope="module")
def trained(config: dict[str, Any]) -> Path:
    """The exported weights of a whole run, which must have reached the loss."""
    from model.training.export import export
    from model.training.train import train

    assert train(config) < LOSS
    run = Path(config["train"]["run"])
    export(run, run.parent / "weights", run.parent / "model.bin")
    return run.parent / "weights"


def test_log_and_chart(config: dict[str, Any], trained: Path) -> None:
    run = Path(config["train"]["run"])
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log[:-1]] == list(range(1, 61))
    assert log[0]["loss"] > 4 > LOSS > log[-1]["loss"]
    assert (trained / "loss.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((trained / "training.json").read_text())
    assert figures["steps"] == 60 and figures["tokens"] == 60 * 1024
    assert figures["validation_nats_per_token"] < LOSS


def test_same_seed_same_weights_and_interrupted_too(config: dict[str, Any], tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    from model.training.train import train

    weights = []
    for name in ("first", "second"):
        again = copy.deepcopy(config)
        again["train"] |= {"run": str(tmp_path / name), "steps": 6}
        train(again)
        weights.append(load_file(tmp_path / name / "weights" / "model.safetensors"))
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])
    again["train"]["steps"] = 8  # the checkpoint stands at 6: two more
    train(again)
    log = (tmp_path / "second" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3, 4, 5, 6, 6, 7, 8, 8]


def test_fontgen_reads_the_same_model(trained: Path) -> None:
    from fontgen.llama import checkpoints
    from fontgen.llama.transformer import FloatModel
    from model.training.network import load_model

    tokens = [1, *np.random.default_rng(3).integers(3, 400, 40).tolist()]
    with torch.no_grad():
        expected = load_model(trained).logits(torch.tensor([tokens]))[0].numpy()
    for path, tokenizer in ((trained, None), (trained.parent / "model.bin", trained)):
        vocabulary = tokenizer and tokenizer / "tokenizer.model"
        model = checkpoints.load(path, tokenizer=vocabulary)
        np.testing.assert_allclose(FloatModel(model).all_logits(tokens), expected, atol=2e-4)


def test_font_of_the_trained_model(trained: Path) -> None:
    """The last step, to a font: its engine, on 8-bit weights, tells the story it was taught."""
    from fontTools.ttLib import TTFont

    from fontgen.build.llama import build_font
    from fontgen.config import read_config
    from fontgen.llama.tables import MODEL_TAG
    from fontgen.llama.wasm_engine import Engine

    toml = trained / "font.toml"
    toml.write_text('[model]\ncheckpoint = "."\n')
    path = trained / "font.ttf"
    path.write_bytes(build_font(read_config(toml)))
    with TTFont(path) as font:
        engine = Engine(font.reader["Wasm"], font.reader[MODEL_TAG])
    tokens = [1, *engine.encode("Once upon")]
    for expected in engine.encode("Once upon a time there was a little")[len(tokens) - 1 :]:
        tokens.append(int(np.argmax(engine.logits(tokens))))
        assert tokens[-1] == expected


def test_rows_hold_every_token_once(config: dict[str, Any], trained: Path) -> None:
    from model.training.train import MASKED, Stories

    path = Path(config["data"]["folder"]) / "stories.npy"
    source = Stories(path, 50, seed=1)
    tokens = np.load(path)
    rows = list(source.epoch(0))
    targets = np.concatenate([targets for _, targets, _ in rows])
    assert sorted(targets[targets != MASKED]) == sorted(tokens[1:])
    again = list(Stories(path, 50, seed=1).epoch(0))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(rows, again, strict=True))
    pairs = set(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))
    for inputs, targets, places in rows:
        there = targets != MASKED
        assert np.array_equal(targets[there], tokens[places[there]])
        for pair in zip(inputs.tolist(), targets.tolist(), strict=True):
            assert pair in pairs or pair[1] == MASKED


def test_noise_changes_that_share_of_the_inputs(config: dict[str, Any], trained: Path) -> None:
    from model.data.prepare import BOS
    from model.training.train import Batches

    folder = Path(config["data"]["folder"])
    mixture = config["train"]["phases"][0]["mixture"]
    inputs, targets = Batches(folder, 5).draw(mixture, 64, 128)
    noisy, same_targets = Batches(folder, 5).draw(mixture, 64, 128, noise=0.2)
    changed = noisy != inputs
    assert 0.1 < changed.double().mean() <= 0.2  # some give way to a token of the same kind
    assert not (changed & (inputs == BOS)).any()
    assert torch.isin(noisy, inputs).all()
    assert torch.equal(targets, same_targets)


def test_blank_lines_between_paragraphs(config: dict[str, Any], tmp_path: Path) -> None:
    from sentencepiece import SentencePieceProcessor

    from model.data.prepare import prepare

    data = copy.deepcopy(config["data"]) | {"folder": str(tmp_path)}
    data["sources"][0]["blank_lines"] = True
    prepare(data)
    tokens = np.load(tmp_path / "stories.npy")
    starts = np.flatnonzero(tokens == 1)
    tokenizer = SentencePieceProcessor(str(tmp_path / "tokenizer.model"))
    told = [
        tokenizer.decode(tokens[first + 1 : last].tolist())
        for first, last in itertools.pairwise(starts)
    ]
    half = len(told) // 2
    assert all("\n\n" not in story for story in told[:half])
    assert [story.replace("\n", "\n\n") for story in told[:half]] == told[half:]


@pytest.mark.parametrize("name", ["refine.toml", "distill.toml"])
def test_configuration_that_extends_another(name: str) -> None:
    from model.data.prepare import read_config

    config, extended = read_config(RECIPES / name), read_config(RECIPES / "train.toml")
    assert config["model"] == extended["model"] and config["data"] == extended["data"]
    assert config["train"]["clip"] == extended["train"]["clip"]
    assert config["train"]["run"] != extended["train"]["run"]
    assert config["train"]["phases"] != extended["train"]["phases"]


def test_unknown_text_file_is_named(config: dict[str, Any], tmp_path: Path) -> None:
    from model.data.prepare import prepare

    data = copy.deepcopy(config["data"]) | {"folder": str(tmp_path / "data")}
    data["sources"][0]["path"] = str(tmp_path / "nowhere.txt")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        prepare(data)


def test_two_processes_train_one_model(config: dict[str, Any], trained: Path) -> None:
    """As torchrun would start them, on the CPU: one log, one checkpoint, each half of the tokens."""
    folder = trained.parent / "two"
    (folder / "run").mkdir(parents=True)
    text = (RECIPES / "tiny.toml").read_text()
    text = text.replace("build/tiny/data", config["data"]["folder"])
    toml = folder / "two.toml"
    toml.write_text(text)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "model.training.train", str(toml), "--steps", "4"]
    command += ["--run", str(folder / "run")]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=os.environ | shared | {"RANK": str(rank)})
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    log = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["tokens"] for entry in log[:-1]] == [1024, 2048, 3072, 4096]
    assert log[-1]["valid"] < log[0]["loss"]


def test_generate_takes_the_most_likely_token_or_draws(trained: Path) -> None:
    from model.training.network import load_model

    model = load_model(trained)
    prompts = [[1, 20, 30], [1, 40, 50, 60, 70], [1]]
    told = model.generate(prompts, end=1)
    for prompt, tokens in zip(prompts, told, strict=True):
        assert tokens[: len(prompt)] == prompt
        with torch.no_grad():
            best = model.logits(torch.tensor([tokens[:-1]]))[0].argmax(-1).tolist()
        assert tokens[len(prompt) :] == best[len(prompt) - 1 :]
        assert tokens[-1] == 1 or len(tokens) == model.config.max_seq_len + 1
        assert 1 not in tokens[len(prompt) : -1]
    first, second = (
        model.generate(prompts, 1, 5.0, 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 1)
    )
    assert first == second != told
    assert model.generate(prompts, 1, 5.0, 1e-6) == told  # only the most likely is left


def test_avoided_tokens_become_less_likely(config: dict[str, Any], tmp_path: Path) -> None:
    from model.training.network import AVOIDED, ModelConfig, Transformer
    from model.training.train import MASKED, Stories

    torch.manual_seed(0)
    model = Transformer(ModelConfig(16, 1, 2, 2, 16, 30, 16))
    inputs = torch.randint(1, 30, (2, 8))
    targets = torch.full((2, 8), MASKED)
    targets[0, 5] = AVOIDED - 7
    targets[1, 2] = 9
    likely = model.logits(inputs).softmax(-1)
    expected = -(torch.log(1 - likely[0, 5, 7]) + torch.log(likely[1, 2, 9])) / 2
    torch.testing.assert_close(model.loss(inputs, targets), expected)

    np.save(tmp_path / "told.npy", np.array([1, 5, 6, 7, 1, 8, 9, 1], dtype=np.uint16))
    np.save(tmp_path / "told.avoid.npy", np.array([0, 0, 0, 1, 0, 0, 1, 0], dtype=bool))
    rows = list(Stories(tmp_path / "told.npy", 8, seed=1).epoch(0))
    pairs = {
        (int(given), int(target))
        for inputs, targets, _ in rows
        for given, target in zip(inputs, targets, strict=True)
        if target != MASKED
    }
    assert pairs == {(6, AVOIDED - 7), (8, AVOIDED - 9)}


def test_self_training_keeps_what_passes_and_marks_what_repeats(
    config: dict[str, Any], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.data.prepare import read_stories
    from model.training import self_training

    marks = self_training.completes_repetition([1, *range(10, 20), *range(10, 19), 50], 5)
    assert [index for index, marked in enumerate(marks) if marked] == [18, 19]

    text = config["data"]["sources"][0]["path"]
    stories = read_stories(Path(text))
    openings = self_training.openings(stories, 8, seed=1)
    assert len({opening.text for opening in openings}) == 8
    assert 8 < len(self_training.openings(stories, 1000, seed=1)) < 20  # all there are
    openings = self_training.openings(stories, 1000, seed=1)
    fox = next(opening for opening in openings if "fox" in opening.text)
    assert "fox" in fox.characters
    (kept,) = self_training.openings(
        ["The little fox ran. It ran far.", "The little foxes ran."], 2, 1
    )
    assert "The little foxes ran".startswith(kept.text)  # the other one begins as a prompt does
    arguments = [str(trained), "--text", text, "--stories", "20", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["self_training.py", *arguments])
    self_training.main()
    repeated, avoid = (np.load(tmp_path / name) for name in ("repeated.npy", "repeated.avoid.npy"))
    assert len(repeated) == len(avoid)
    told = np.load(tmp_path / "told.npy")
    assert told[0] == told[-1] == 1


def test_self_training_goes_on_from_earlier_rounds(tmp_path: Path) -> None:
    from model.training import self_training
    from model.training.self_training import Told

    first = Told([[1, 5, 6, 1]], [([1, 7, 7], [False, False, True])])
    self_training.write(first, Told(), tmp_path / "1")
    earlier = self_training.read_earlier(tmp_path / "1")
    assert earlier == first
    second = Told([[1, 5, 6, 1], [1, 8, 1]], [([1, 9, 9, 9], [False, False, True, False])])
    self_training.write(second, earlier, tmp_path / "2")
    told, repeated, avoid = (
        np.load(tmp_path / "2" / f"{name}.npy").tolist()
        for name in ("told", "repeated", "repeated.avoid")
    )
    assert told == [1, 5, 6, 1, 8, 1]  # each story once
    fresh = self_training.FRESH
    assert repeated == [1, 7, 7, *fresh * [1, 9, 9, 9], 1]
    assert avoid == [False, False, True, *fresh * [False, False, True, False], False]
    self_training.write(first, earlier, tmp_path / "3")  # a circle that was there is fresh again
    assert np.load(tmp_path / "3" / "repeated.npy").tolist() == [*fresh * [1, 7, 7], 1]


def test_ways_out_of_a_circle(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A story is kept as far as a sequence comes twice, and the tokens that had a rival are marked."""
    from model.training import self_training

    pupil = self_training.Pupil(trained, set(), seed=1)
    size = self_training.REPEATED
    once = list(range(20, 20 + size + 2))
    tokens = [1, *once, 50, *once, 60]
    last = 1 + len(once) + size  # where the second time has `size` tokens
    assert pupil.ways_out([1, *once, 50, 60], 1) is None
    assert pupil.ways_out(tokens, last + 3) is None  # it stood in the opening

    chances = pupil.model.logits(torch.tensor([tokens]))[0].softmax(-1).detach()
    sure = {at: float(chances[at - 1, tokens[at]]) for at in range(last - size + 1, last + 1)}
    by_chance = sorted(sure, key=lambda at: sure[at])
    monkeypatch.setattr(self_training, "SURE", sure[by_chance[2]])
    avoid = pupil.ways_out(tokens, 5)
    assert avoid is not None and len(avoid) == last + 1
    assert set(np.flatnonzero(avoid)) == set(by_chance[:3])
    monkeypatch.setattr(self_training, "SURE", 0.0)  # at least one
    avoid = pupil.ways_out(tokens, 5)
    assert avoid is not None and set(np.flatnonzero(avoid)) == set(by_chance[:1])


def test_dropout_masks() -> None:
    from model.training.network import ModelConfig, Transformer

    torch.manual_seed(0)
    model = Transformer(ModelConfig(16, 2, 2, 2, 16, 30, 16))
    masks = model.draw_dropout(0.25, 40, 10)
    assert masks is not None and masks.shape == (5, 40, 10, 16)
    assert masks.unique().tolist() == pytest.approx([0, 4 / 3], rel=0.01)
    assert 0.23 < (masks == 0).double().mean() < 0.27
    assert model.draw_dropout(0.0, 40, 10) is None
    tokens = torch.randint(1, 30, (40, 10))
    kept = torch.ones_like(masks)
    torch.testing.assert_close(model(tokens, kept), model(tokens))
    only_embeddings = torch.cat((kept[:1], 0 * kept[1:]))
    embedded = model.norm(model.tok_embeddings(tokens))
    torch.testing.assert_close(model(tokens, only_embeddings), embedded)


def test_distillation(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stories of two teachers, and what both expect, reach the loss of one that learns from them."""
    from safetensors.numpy import load_file, save_file

    from model.data.prepare import BOS
    from model.training import distill
    from model.training.network import load_model
    from model.training.train import Batches

    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text((trained / "config.json").read_text())
    tensors = load_file(trained / "model.safetensors")
    save_file(tensors | {"norm.weight": tensors["norm.weight"] / 2}, other / "model.safetensors")
    text = tmp_path / "stories.txt"
    text.write_text("Once upon a time there was a little owl.")
    arguments = [str(other), str(trained), "--openings", str(text), "--stories", "150"]
    arguments += ["--likely", "8", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["distill.py", *arguments])
    distill.main()

    tokens, likely, shares = (
        np.load(tmp_path / f"taught{part}.npy") for part in ("", ".likely", ".shares")
    )
    assert len(tokens) == len(likely) == len(shares)
    assert (tokens == BOS).sum() == 151 and tokens[-1] == BOS
    assert shares.astype(float).sum(-1).max() < 1.01
    starts = np.flatnonzero(tokens == BOS)
    pairs = itertools.pairwise(starts)
    first, end = next(span for span in pairs if span[1] - span[0] < 64)  # that fits the context
    story = torch.from_numpy(tokens[first:end].astype(np.int64))
    teachers = [load_model(folder) for folder in (other, trained)]
    mean = sum(teacher.logits(story[None])[0].softmax(-1) for teacher in teachers) / 2
    for place in range(1, len(story)):
        at = first + place
        expected = mean[place - 1, likely[at].astype(int)].detach()
        np.testing.assert_allclose(shares[at], expected, atol=0.03)  # bfloat16
        assert expected.sum() > 0.95 * mean[place - 1].topk(8).values.sum()

    np.save(tmp_path / "plain.npy", tokens)
    drawn = Batches(tmp_path, 1).draw({"taught": 0.5, "plain": 0.5}, 16, 64)
    inputs, targets, tops, theirs = drawn
    assert tops.shape == theirs.shape == (16, 64, 8)
    taught = theirs.sum((1, 2)) > 0
    assert 0 < taught.sum() < 16
    follows = (tops[..., 0] == targets)[theirs.sum(-1) > 0]
    assert follows.double().mean() > 0.4  # at the wrong places, next to none
    model = teachers[1]
    losses = []
    for row in torch.arange(16):
        log_likelihoods = model.logits(inputs[row : row + 1])[0].log_softmax(-1)
        there = targets[row] != -1
        left = 1 - theirs[row].sum(-1)
        picked = log_likelihoods.gather(-1, targets[row].clamp(min=0)[:, None])[:, 0]
        expected = (theirs[row] * log_likelihoods.gather(-1, tops[row])).sum(-1) + left * picked
        losses.append(-(expected * there))
    mean_loss = torch.stack(losses).sum() / (targets != -1).sum()
    torch.testing.assert_close(model.loss(inputs, targets, None, (tops, theirs)), mean_loss)


def test_average_of_weights(trained: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from model.training.average import average, read_share

    first = load_file(trained / "model.safetensors")
    (tmp_path / "zero").mkdir()
    zero = {name: np.zeros_like(value) for name, value in first.items()}
    save_file(zero, tmp_path / "zero" / "model.safetensors")
    parts = [read_share(f"{tmp_path / 'zero'}=1.5"), read_share(f"{trained}=-0.5")]
    average(parts, tmp_path / "mean")
    mean = load_file(tmp_path / "mean" / "model.safetensors")
    for name, value in first.items():
        np.testing.assert_allclose(mean[name], -0.5 * value, rtol=1e-3)
    config = (tmp_path / "mean" / "config.json").read_text()
    assert config == (trained / "config.json").read_text()
    with pytest.raises(ValueError, match="add up"):
        average([parts[0]], tmp_path / "mean")
    save_file({"norm.weight": zero["norm.weight"]}, tmp_path / "zero" / "model.safetensors")
    with pytest.raises(ValueError, match="other tensors"):
        average([parts[1], parts[0]], tmp_path / "mean")


def test_calibration_finds_the_temperature(
    config: dict[str, Any], trained: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    from model.training.calibrate import calibrate
    from model.training.network import load_model

    tensors = load_file(trained / "model.safetensors")
    sure = tmp_path / "sure"
    sure.mkdir()
    (sure / "config.json").write_text((trained / "config.json").read_text())
    save_file(tensors | {"norm.weight": 3 * tensors["norm.weight"]}, sure / "model.safetensors")
    text = Path(config["data"]["folder"]) / "valid.npy"
    temperature = calibrate(trained, text, tmp_path / "calibrated")
    assert 0.5 < temperature < 2
    assert calibrate(sure, text, sure) == pytest.approx(3 * temperature, rel=0.01)
    tokens = torch.randint(3, 200, (2, 20))
    first, second = (
        load_model(folder).logits(tokens) for folder in (tmp_path / "calibrated", sure)
    )
    np.testing.assert_allclose(first.detach(), second.detach(), atol=0.05, rtol=0.02)
    assert (first.argmax(-1) == second.argmax(-1)).double().mean() > 0.9  # float16 rounds
