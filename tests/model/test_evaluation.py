"""What is measured of stories: by rules, and beside each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from model.evaluation import evaluate
from model.evaluation.sense import JUDGED, JUDGED_AFTER, Sense, agreement, sense, turns
from model.evaluation.variety import variety
from model.stories.checks import Story, check, read_prompts


def said(text: str) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.words) for turn in turns(text)]


def test_who_says_what() -> None:
    assert said('Max said, "Come!" "No," said the little cat. "I stay."') == [
        ("max", "Come!"),
        ("cat", "No,"),
        ("", "I stay."),
    ]
    assert said('The bird was happy. He said, "Thank you!"') == [("bird", "Thank you!")]
    assert said('Tom wanted to go, but his mom said, "No, Tom."') == [("mom", "No, Tom.")]
    assert said('After lunch, the owl\'s mom asked, "Where?"') == [("mom", "Where?")]
    assert said('They laughed and said, "We can."') == [("", "We can.")]
    assert said("Nobody spoke.") == []


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (' was happy. "Thank you, Spot!" said Spot.', False),
        (' was happy. "Thank you, Spot!" said Max.', True),
        (' was happy. He said, "Thank you, fox!"', True),
        (' was happy. The bird smiled and said, "Thank you, little bird."', False),
        ('. "Who are you?" asked the cat. "I am Max," said Max.', True),
        ('. "Can I help?" asked the cat. "Yes, you can," said the cat.', False),
        ('. "Can I help?" asked the cat. "Yes, you can," said the dog.', True),
    ],
)
def test_nobody_addresses_itself(text: str, good: bool) -> None:
    assert sense("Max", text, ["Max"]).nobody_addresses_itself is good


@pytest.mark.parametrize(
    ("prompt", "text", "good"),
    [
        ("Max had a red ball", ". He lost his kite.", False),
        ("Max had a red ball", ". He found a kite. The kite flew.", True),
        ("Max had a red ball", ". He liked the ball. The balls rolled.", True),
        ("Max had a red ball", ". He saw the moon and his hat.", True),  # of another kind
    ],
)
def test_things_keep_their_names(prompt: str, text: str, good: bool) -> None:
    assert sense(prompt, text, ["Max"]).things_keep_their_names is good


@pytest.mark.parametrize(
    ("prompt", "text", "good"),
    [
        ("The little fox", " was hungry.", True),
        ("The little fox", " and his friends played.", True),
        ("The little fox", "es. Tom saw a tree.", False),
        ("Once there was a fox", " named Max. Max ran.", True),
        ("Once there was a fox", ". Tom ran. It was Tom's day.", False),
        ("Once there was a princess", " who lived in a castle.", True),
    ],
)
def test_the_hero_acts(prompt: str, text: str, good: bool) -> None:
    hero = "princess" if "princess" in prompt else "fox"
    assert sense(prompt, text, [hero]).hero_acts is good


def test_rules_agree_with_a_reader() -> None:
    """A hundred stories were read; what the card says of them is what is measured."""
    stories = [json.loads(line) for line in JUDGED.read_text().splitlines()]
    assert [story["prompt"] for story in stories] == [prompt for prompt, _ in read_prompts()]
    for name, agreed in agreement().items():
        assert agreed.faults == sum(not story[name] for story in stories)
        assert agreed.alike >= 90, name
        assert agreed.alike == 100 - (agreed.faults - agreed.found) - agreed.wrongly


def test_rules_agree_with_a_reader_of_other_stories() -> None:
    for name, agreed in agreement(JUDGED_AFTER).items():
        assert agreed.alike >= 24, name


def test_variety() -> None:
    same = "one two three four five six seven"
    figures = variety([same, f"Zero {same}", "eight nine ten eleven twelve thirteen", ""])
    # Two sequences are in two texts; one and one text have another of their own.
    assert figures.shared == pytest.approx(4 / 6)
    assert (figures.n_words, figures.n_distinct) == (7 + 8 + 6, 14)
    assert variety(["one two"]).shared == 0


def test_tables() -> None:
    runs = {}
    for name, count in (("greedy", 100), ("default", 300)):
        runs[name] = [Story("Max", " ran home and slept. The end.", True) for _ in range(count)]
        for story in runs[name]:
            check(story, ["Max"], set())
    runs["greedy"][0].ended = False
    table = evaluate.checks_table(runs)
    assert "| check | greedy, 100 | default, 300 |" in table
    assert "| ends by itself | 99 | 100.0 % |" in table
    table, found = evaluate.sense_table(runs, {"Max": ["Max"]})
    assert found["greedy"][0] == Sense(True, True, True)
    assert "| the hero does something | 100 | 100.0 % | 100 of 100 |" in table
    assert "| default, 300 | 1,800 | 6 | 100.0 % |" in evaluate.variety_table(runs)


def test_the_whole_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a few prompts of the default model: the card's tables are replaced, and nothing else."""
    card = tmp_path / "card.md"
    card.write_text(f"before\n{evaluate.BEGIN}\noutdated tables\n{evaluate.END}\nafter\n")
    heldout = tmp_path / "heldout.txt"
    heldout.write_text("Once upon a time there was a fox.\n<|endoftext|>\nThe fox ran home.")
    monkeypatch.setattr(evaluate, "read_prompts", lambda: read_prompts()[:2])
    arguments = ["--heldout", str(heldout), "--card", str(card), "--json", str(tmp_path / "all")]
    monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])
    evaluate.main()
    text = card.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "outdated" not in text
    assert "| first 2 stories |" in text and "(Real words were not checked" in text
    stories = json.loads((tmp_path / "all").read_text())["stories"]
    assert {name: len(told) for name, told in stories.items()} == {
        "greedy": 2,
        "sampled, 0.8": 2,
        "default": 6,
    }
    for told in stories.values():
        for story in told:
            assert story["text"] and "hero_acts" in story
    assert len({story["text"] for story in stories["default"]}) > 4


def test_a_teacher_judges(trained: Path) -> None:
    """The likelihood is that of the continuation alone, given its prompt."""
    torch = pytest.importorskip("torch")
    from model.evaluation.judge import Judge, real_continuations
    from model.training.weights import load_model

    judge = Judge(trained, trained / "tokenizer.model")
    stories = [
        Story("Once upon a time", " there was a little fox.", True),
        Story("The fox", " ran to the river and found the ball.", True),
    ]
    judged = judge.judge(stories)
    model, tokenizer = load_model(trained), judge.tokenizer
    nats: list[float] = []
    for story in stories:
        tokens = [1, *tokenizer.encode(story.prompt + story.text)]
        first = 1 + len(tokenizer.encode(story.prompt))
        with torch.no_grad():
            likely = model.logits(torch.tensor([tokens[:-1]]))[0].log_softmax(-1)
        nats += [-float(likely[at - 1, tokens[at]]) for at in range(first, len(tokens))]
    assert judged.nats_per_token == pytest.approx(np.mean(nats), rel=1e-4)
    n_bytes = sum(len(story.text) for story in stories)
    assert judged.bits_per_byte == pytest.approx(sum(nats) / np.log(2) / n_bytes, rel=1e-4)
    (real,) = real_continuations(["One two three four five six seven eight nine ten."], 1)
    assert (real.prompt, real.text) == ("One two three four five six seven eight", " nine ten.")
