"""From text to a font with the tiny recipe: prepare, train, export, build."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from model.recipe import Recipe  # noqa: E402

ROOT = Path(__file__).parents[2]
LOSS = 0.45


def test_log_and_chart(recipe: Recipe, trained: Path) -> None:
    run = Path(recipe.train.run)
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log[:-1]] == list(range(1, 61))
    assert log[0]["loss"] > 4 > LOSS > log[-1]["loss"]
    assert (trained / "loss.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((trained / "training.json").read_text())
    assert figures["steps"] == 60 and figures["tokens"] == 60 * 1024
    assert figures["validation_nats_per_token"] < LOSS


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "log.jsonl").read_text().splitlines()]


def test_same_seed_same_weights_and_interrupted_too(
    recipe: Recipe, trained: Path, tmp_path: Path
) -> None:
    """A run that was stopped goes on with the next story, the same dropout and noise: to the same weights."""
    from safetensors.numpy import load_file

    from model.training.train import Run, train

    weights = []
    for name in ("first", "second"):
        again = replace(recipe, train=replace(recipe.train, run=str(tmp_path / name), steps=8))
        train(again)
        weights.append(load_file(tmp_path / name / "weights" / "model.safetensors"))
    assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])

    stopped = replace(recipe.train, run=str(tmp_path / "stopped"), steps=8)
    original = Run.take_step

    def stop_after_five(run: Run, batch: object) -> dict[str, object]:
        entry = original(run, batch)  # type: ignore[arg-type]
        if run.step == 5:
            os.kill(os.getpid(), 15)
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "take_step", stop_after_five)
        with pytest.raises(SystemExit) as ended:  # what would come next does not
            train(replace(recipe, train=stopped))
    assert ended.value.code == 0
    assert len(losses(tmp_path / "stopped")) == 6  # five, and what was saved at the end
    train(replace(recipe, train=stopped))
    resumed = losses(tmp_path / "stopped")
    assert resumed[:5] + resumed[6:] == losses(tmp_path / "first")
    last = load_file(tmp_path / "stopped" / "weights" / "model.safetensors")
    assert all(np.array_equal(weights[0][key], last[key]) for key in last)


def test_checkpoint_of_another_model_is_named(recipe: Recipe, trained: Path) -> None:
    from fontgen.errors import FontgenError
    from model.training.train import train

    other = replace(recipe, model=replace(recipe.model, n_layers=1))
    with pytest.raises(FontgenError, match=r"000060\.pt: is the state of another model"):
        train(other)


def test_last_checkpoints_and_best_weights_stay(tmp_path: Path) -> None:
    from model.training.checkpoints import Checkpoints
    from model.training.network import ModelConfig, Transformer

    checkpoints = Checkpoints(tmp_path, keep=2)
    assert checkpoints.newest() is None
    model = Transformer(ModelConfig(16, 1, 2, 2, 16, 30, 16))
    for step, (last, mean) in enumerate([(3.0, 2.0), (1.5, 1.8), (1.6, 1.7)]):
        checkpoints.save_state({"step": step})
        written = checkpoints.save_weights(
            {"weights": (model, last), "weights-ema": (model, mean)}, {}, {"steps": step}
        )
        assert ("best" in written) == (step < 2)
    names = [path.name for path in sorted((tmp_path / "checkpoints").iterdir())]
    assert names == ["000001.pt", "000002.pt"]
    assert checkpoints.newest() == tmp_path / "checkpoints" / "000002.pt"
    best = json.loads((tmp_path / "best" / "training.json").read_text())
    assert best == {"steps": 1, "validation_nats_per_token": 1.5, "weights": "last step"}


def test_fontgen_reads_the_same_model(trained: Path) -> None:
    from fontgen.llama import checkpoints
    from fontgen.llama.transformer import FloatModel
    from model.training.weights import load_model

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


def test_two_processes_train_one_model(recipe: Recipe, trained: Path, tmp_path: Path) -> None:
    """As torchrun would start them, on the CPU: one log, and the losses of one process to rounding.

    With dropout and noise, and the rows of every step shared: also where a step has several micro-batches.
    """
    text = (ROOT / "model" / "recipes" / "tiny.toml").read_text()
    text = text.replace("build/tiny/data", recipe.data.folder)
    text = text.replace("micro_batch_tokens = 512", "micro_batch_tokens = 256")
    text = text.replace("build/tiny/stories.txt", recipe.data.sources[0].path or "")
    toml = tmp_path / "two.toml"
    toml.write_text(text)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "model.training.train", str(toml), "--steps", "6"]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    runs: list[tuple[str, dict[str, str]]] = [(str(tmp_path / "one"), {})]
    runs += [(str(tmp_path / "two"), shared | {"RANK": str(rank)}) for rank in (0, 1)]
    processes = [
        subprocess.Popen([*command, "--run", run], cwd=ROOT, env=os.environ | more)
        for run, more in runs
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    one, two = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert len(one) == len(two) == 7
    for each, other in zip(map(json.loads, one), map(json.loads, two), strict=True):
        assert each["tokens"] == other["tokens"] and each["rate"] == other["rate"]
        assert other["loss"] == pytest.approx(each["loss"], rel=2e-3)  # bfloat16
    assert json.loads(two[-1])["valid"] == pytest.approx(json.loads(one[-1])["valid"], rel=2e-3)
    assert json.loads(two[-1])["valid"] < json.loads(two[0])["loss"]


def test_attention_of_gpus_is_that_of_cpus() -> None:
    from model.training.network import fused_attention, plain_attention

    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 9, 8) for heads in (6, 2, 2))
    torch.testing.assert_close(fused_attention(q, k, v), plain_attention(q, k, v))


def test_dropout_masks() -> None:
    from model.training.network import ModelConfig, Transformer

    torch.manual_seed(0)
    model = Transformer(ModelConfig(16, 2, 2, 2, 16, 30, 16))
    masks = model.draw_dropout(0.25, 10, [(1, row) for row in range(40)])
    assert masks is not None and masks.shape == (5, 40, 10, 16)
    assert masks.unique().tolist() == pytest.approx([0, 4 / 3], rel=0.01)
    assert 0.23 < (masks == 0).double().mean() < 0.27
    some = model.draw_dropout(0.25, 10, [(1, 7), (2, 7)])
    assert some is not None and torch.equal(some[:, 0], masks[:, 7])
    assert not torch.equal(some[:, 1], masks[:, 7])
    assert model.draw_dropout(0.0, 10, [(1, 1)]) is None
    tokens = torch.randint(1, 30, (40, 10))
    kept = torch.ones_like(masks)
    torch.testing.assert_close(model(tokens, kept), model(tokens))
    only_embeddings = torch.cat((kept[:1], 0 * kept[1:]))
    embedded = model.norm(model.tok_embeddings(tokens))
    torch.testing.assert_close(model(tokens, only_embeddings), embedded)


def test_generate_takes_the_most_likely_token_or_draws(trained: Path) -> None:
    from model.training.generation import generate
    from model.training.weights import load_model

    model = load_model(trained)
    prompts = [[1, 20, 30], [1, 40, 50, 60, 70], [1]]
    told = generate(model, prompts, end=1)
    for prompt, tokens in zip(prompts, told, strict=True):
        assert tokens[: len(prompt)] == prompt
        with torch.no_grad():
            best = model.logits(torch.tensor([tokens[:-1]]))[0].argmax(-1).tolist()
        assert tokens[len(prompt) :] == best[len(prompt) - 1 :]
        assert tokens[-1] == 1 or len(tokens) == model.config.max_seq_len + 1
        assert 1 not in tokens[len(prompt) : -1]
    first, second = (
        generate(model, prompts, 1, 5.0, 1.0, torch.Generator().manual_seed(seed))
        for seed in (1, 1)
    )
    assert first == second != told
    assert generate(model, prompts, 1, 5.0, 1e-6) == told  # only the most likely is left


def test_no_sequence_comes_twice(trained: Path) -> None:
    """With `no_repeat`, a story goes another way where it would complete a sequence that it has."""
    from model.training.generation import completing, generate, longer_alike
    from model.training.weights import load_model

    def barred(tokens: list[int]) -> list[int]:
        row, alike = torch.tensor([tokens]), torch.zeros(1, len(tokens), dtype=torch.int64)
        for position in range(len(tokens)):
            alike = longer_alike(alike, row, position)
        return torch.where(completing(alike, row, len(tokens) - 1, 3, 1, 9)[0])[0].tolist()

    assert barred([1, 5, 6, 7, 5, 6]) == [7]
    assert barred([1, 5, 6, 7, 5, 6, 8, 5, 6]) == [7, 8]
    assert barred([6, 6, 6]) == [6]
    assert barred([1, 5, 6, 1, 5, 6]) == []  # the end may always come
    assert barred([5, 6]) == []
    model = load_model(trained)
    prompts = [[1, 20, 30, 40], [1, 50]]
    for temperature in (0.0, 3.0):
        drawn = torch.Generator().manual_seed(3)
        for story in generate(model, prompts, 1, temperature, 1.0, drawn, no_repeat=2):
            pairs = list(zip(story, story[1:], strict=False))
            assert len(set(pairs)) == len(pairs)


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


def test_calibration_finds_the_temperature(recipe: Recipe, trained: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    from model.training.calibrate import calibrate
    from model.training.weights import load_model

    tensors = load_file(trained / "model.safetensors")
    sure = tmp_path / "sure"
    sure.mkdir()
    (sure / "config.json").write_text((trained / "config.json").read_text())
    save_file(tensors | {"norm.weight": 3 * tensors["norm.weight"]}, sure / "model.safetensors")
    text = Path(recipe.data.folder) / "valid" / "00000.npy"
    temperature = calibrate(trained, text, tmp_path / "calibrated")
    assert 0.5 < temperature < 2
    assert calibrate(sure, text, sure) == pytest.approx(3 * temperature, rel=0.01)
    tokens = torch.randint(3, 200, (2, 20))
    first, second = (
        load_model(folder).logits(tokens) for folder in (tmp_path / "calibrated", sure)
    )
    np.testing.assert_allclose(first.detach(), second.detach(), atol=0.05, rtol=0.02)
    assert (first.argmax(-1) == second.argmax(-1)).double().mean() > 0.9  # float16 rounds


def test_tensorboard_has_losses_checks_and_a_story(
    recipe: Recipe, trained: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from model.training.train import train

    options = replace(recipe.train, run=str(tmp_path), steps=3, tensorboard=True)
    train(replace(recipe, train=options))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    losses_seen = [each.value for each in events.Scalars("loss")]
    assert losses_seen == pytest.approx(losses(tmp_path), rel=1e-5)
    assert len(events.Scalars("valid")) == 1
    assert 0 <= events.Scalars("story_checks")[0].value <= 1
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["sample"].startswith(options.sample)


def gradients_of(recipe: Recipe, **train: object) -> dict[str, torch.Tensor]:
    """The gradients of the first step of a run, without dropout."""
    from model.training.team import Team
    from model.training.train import Run

    options = replace(recipe.train, dropout=0.0, compile=False, bfloat16=False, **train)
    phases = tuple(replace(phase, dropout=None, noise=0.0) for phase in options.phases)
    run = Run(replace(recipe, train=replace(options, phases=phases)), Team())
    batch = run.batches.draw(0, *run.draw_arguments(phases[0]))
    run.gradients(batch, 0.0)
    return {name: each.grad for name, each in run.model.named_parameters() if each.grad is not None}


def test_teacher_beside_the_student(recipe: Recipe, trained: Path, tmp_path: Path) -> None:
    """Who is taught by itself has nothing to learn: the gradient of its own expectation is zero. Of a share,
    that share less is left; sources that are not named learn from the text alone."""
    run = str(tmp_path / "run")
    alone = gradients_of(recipe, run=run, start=str(trained))
    name = recipe.data.sources[0].name
    common = {"run": run, "start": str(trained), "teacher": str(trained)}
    common |= {"teacher_likely": recipe.model.vocab_size}
    for share in (1.0, 0.75, 0.0):
        taught = gradients_of(recipe, **common, teacher_share={name: share})
        for key, gradient in alone.items():
            torch.testing.assert_close(taught[key], (1 - share) * gradient, rtol=1e-3, atol=1e-6)
    elsewhere = gradients_of(recipe, **common, teacher_share={"another": 1.0})
    for key, gradient in alone.items():
        assert torch.equal(elsewhere[key], gradient)


def test_adamw_has_the_matrices_where_muon_has_no_rate(recipe: Recipe) -> None:
    from model.training.network import ModelConfig, Transformer
    from model.training.optimizers import Optimizers

    model = Transformer(ModelConfig(16, 1, 2, 2, 16, 30, 16))
    kinds = [
        [type(one) for one in Optimizers(model, replace(recipe.train, muon_lr=rate)).each]
        for rate in (0.1, 0.0)
    ]
    assert kinds == [[torch.optim.Muon, torch.optim.AdamW], [torch.optim.AdamW]]
