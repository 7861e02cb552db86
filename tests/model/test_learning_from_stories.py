"""Learning from a model's own stories, and from those of teachers."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

import sentencepiece  # noqa: E402

from model.recipe import Recipe  # noqa: E402


def test_avoided_tokens_become_less_likely(tmp_path: Path) -> None:
    from model.data.batches import AVOIDED, MASKED, Stories
    from model.training.network import ModelConfig, Transformer

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
    source = Stories([tmp_path / "told.npy"], 8, seed=1)
    rows = [source.fill(pieces) for pieces in source.rows(0)]
    pairs = {
        (int(given), int(target))
        for row in rows
        for given, target in zip(row.inputs, row.targets, strict=True)
        if target != MASKED
    }
    assert pairs == {(6, AVOIDED - 7), (8, AVOIDED - 9)}


def test_self_training_keeps_what_passes_and_marks_what_repeats(
    recipe: Recipe, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model.data.sources import read_stories
    from model.stories.openings import Openings
    from model.training import self_training

    marks = self_training.completes_repetition([1, *range(10, 20), *range(10, 19), 50], 5)
    assert [index for index, marked in enumerate(marks) if marked] == [18, 19]

    text = recipe.data.sources[0].path
    stories = read_stories(Path(text))
    openings = Openings(stories).different(8, seed=1)
    assert len({opening.text for opening in openings}) == 8
    assert 8 < len(Openings(stories).different(1000, seed=1)) < 20  # all there are
    openings = Openings(stories).different(1000, seed=1)
    fox = next(opening for opening in openings if "fox" in opening.text)
    assert "fox" in fox.characters
    (kept,) = Openings(["The little fox ran. It ran far.", "The little foxes ran."]).different(2, 1)
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


def test_distillation(
    recipe: Recipe, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stories of two teachers, and what both expect, reach the loss of one that learns from them."""
    from safetensors.numpy import load_file, save_file

    from model.data.batches import Batches
    from model.data.vocabulary import BOS
    from model.training import distill
    from model.training.weights import load_model

    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text((trained / "config.json").read_text())
    tensors = load_file(trained / "model.safetensors")
    save_file(tensors | {"norm.weight": tensors["norm.weight"] / 2}, other / "model.safetensors")
    text = recipe.data.sources[0].path or ""
    arguments = [str(other), str(trained), "--openings", text, "--stories", "20", "--unchecked"]
    arguments += ["--likely", "8", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["distill.py", *arguments])
    distill.main()

    tokens, likely, shares = (
        np.load(tmp_path / "taught" / f"00000{part}.npy") for part in ("", ".likely", ".shares")
    )
    assert len(tokens) == len(likely) == len(shares)
    assert (tokens == BOS).sum() > 20 and tokens[-1] == BOS
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

    np.save(tmp_path / "plain.npy", np.concatenate([tokens[:-1]] * 3 + [tokens[-1:]]))
    drawn = Batches(tmp_path, 1).draw(0, {"taught": 0.5, "plain": 0.5}, 16, 64)
    inputs, targets, tops, theirs = drawn.inputs, drawn.targets, drawn.likely, drawn.shares
    assert tops is not None and theirs is not None
    assert tops.shape == theirs.shape == (16, 64, 8)
    taught = theirs.sum((1, 2)) > 0
    assert 0 < taught.sum() < 16
    follows = (tops[..., 0] == targets)[theirs.sum(-1) > 0]
    assert follows.double().mean() > 0.2  # at the wrong places, next to none
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


def test_teachers_keep_what_is_good_and_go_on(
    recipe: Recipe, trained: Path, tmp_path: Path
) -> None:
    """No story is told twice, none that is held out or fails the checks; a second run goes on behind the first."""
    from sentencepiece import SentencePieceProcessor

    from model.data.overlap import HeldOut, opening_of
    from model.training.distill import Author, Teachers
    from model.training.weights import load_model

    tokenizer = SentencePieceProcessor(str(trained / "tokenizer.model"))
    teachers = Teachers([load_model(trained)], tokenizer, likely=4, temperature=0.7)
    text = Path(recipe.data.sources[0].path or "")

    def told() -> list[str]:
        stories = []
        for path in sorted((tmp_path / "taught").glob("[0-9]*[0-9].npy")):
            tokens = np.load(path)
            bounds = itertools.pairwise(np.flatnonzero(tokens == 1))
            stories += [tokenizer.decode(tokens[a + 1 : b].tolist()) for a, b in bounds]
        return [story for story in stories if story]

    first = Author(teachers, [text], HeldOut([]))
    assert first.write(tmp_path, 5, stories=8, minutes=None) >= 8
    before = told()
    assert len({opening_of(story) for story in before}) == len(before) >= 8
    for story in before:
        assert "There" not in story[:5] or story.count(".") > 1
    (tmp_path / "taught" / "00000.shares.npy").unlink()  # interrupted while it judged
    held_out = HeldOut(before[:1])
    again = Author(teachers, [text], held_out)
    more = again.write(tmp_path, 5, stories=len(before) + 3, minutes=None)
    after = told()
    assert after[: len(before)] == before and len(after) >= len(before) + 3 <= more
    assert not any(held_out.holds(story) for story in after[len(before) :])
    assert len({opening_of(story) for story in after}) == len(after)
    assert (tmp_path / "taught" / "00000.shares.npy").exists()
    assert Author(teachers, [text], held_out).write(tmp_path, 5, stories=9999, minutes=0) == len(
        after
    )


def test_stories_with_room_to_spare(tmp_path: Path) -> None:
    """Kept: short ones that name their hero at the end, and say nothing twice."""
    from model.data.shards import write_tokens
    from model.training.selection import select

    text = tmp_path / "stories.txt"
    words = "A fox saw a hat. The fox took the hat. It was red. The cat came to look at it and was glad."
    begun = "A fox saw a hat. The fox took it."
    good = f"{begun} It was red. The fox was glad."
    bad = {
        "the hero is gone": f"{begun} The fox was glad. It was red. The cat came to look at it and was glad.",
        "six words come twice": f"{begun} It was red. The fox took it. It was glad. The fox was glad.",
        "no words": f"{begun} Zorb blik plum. The fox was glad.",
        "too long": f"{begun} {' '.join(f'It was {n}.' for n in range(90))} The fox was glad.",
    }
    others = [
        f"The {animal} was red, and glad." for animal in ("hen", "owl", "cow", "pig", "dog") * 3
    ]
    text.write_text("\n<|endoftext|>\n".join([words] * 3 + others))
    vocabulary = Path(__file__).parents[2] / "model" / "tokenizer.model"
    (tmp_path / "tokenizer.model").write_bytes(vocabulary.read_bytes())
    read = sentencepiece.SentencePieceProcessor(model_file=str(vocabulary))
    stories = [
        np.array([1, *read.encode(story)], dtype=np.uint16) for story in (*bad.values(), good)
    ]
    write_tokens(tmp_path / "taught" / "00000.npy", stories)
    assert select(tmp_path, [text]) == 1
    assert np.load(tmp_path / "strict.npy").tolist() == [*stories[-1].tolist(), 1]
