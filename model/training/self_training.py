"""Let a model tell stories, and write down what it should learn from them.

    python -m model.training.self_training build/model/export --stories 1500 \\
        --text corpus/train/tinystories.txt.xz --folder build/model/data

Openings are drawn from the text: the first words of stories, but for those that begin with one of
``prompts.tsv``. The model continues each greedily, and sampled until that passes the story checks of
``model/stories/checks.py``. Two sources come of it, for a last phase of ``train.py``:

- ``told.npy``: sampled continuations that pass. Training on them is rejection sampling, or expert
  iteration (Anthony et al. 2017, arXiv:1705.08439): what the model can tell well becomes likelier.
  They are sampled from nearly all that it says, not as a font samples: a model that learns what it says at
  0.7 is surer, and says the same again and again once a font takes 0.7 of that.
- ``repeated.npy``: greedy continuations that go round in circles, as far as a sequence has come
  twice, and ``repeated.avoid.npy``, which marks the tokens of it that could have been others.
  ``train.py`` makes those less likely: sequence-level unlikelihood (Welleck et al. 2019,
  arXiv:1908.04319).

Run it again on the weights that came of it: other weights go round in other circles. With
``--earlier FOLDER``, what rounds before have written is learned as well: a late round tells few
circles, too few to learn from alone.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from rich.progress import track

from model.data.shards import story_starts
from model.data.sources import read_stories
from model.data.vocabulary import BOS
from model.stories.checks import Story, check, training_words
from model.stories.openings import Opening, Openings
from model.training.generation import generate
from model.training.team import own_device
from model.training.weights import load_model

TEMPERATURE, TOP_P, NO_REPEAT = 1.0, 0.98, 8
BATCH = {"cpu": 100, "cuda": 2000}
"""Openings that are continued side by side, by the kind of device."""
ATTEMPTS = 3
"""Sampled continuations of an opening, at most."""
REPEATED = 8
"""Tokens of a sequence that may not come twice."""
SURE = 0.9
"""Where the model held a token more likely than that, it had no other way to go."""
FRESH = 10
"""A new story that goes round in circles counts as so many of earlier rounds."""


@dataclass
class Told:
    """What came of openings: token lists, BOS first; with each of ``repeated`` goes which tokens to avoid."""

    good: list[list[int]] = field(default_factory=list)
    repeated: list[tuple[list[int], list[bool]]] = field(default_factory=list)

    def extend(self, other: Told) -> None:
        self.good += other.good
        self.repeated += other.repeated


def completes_repetition(tokens: list[int], start: int) -> list[bool]:
    """Which tokens from ``start`` on complete a sequence of `REPEATED` tokens that was there."""
    seen: set[tuple[int, ...]] = set()
    marks = []
    for end in range(1, len(tokens) + 1):
        sequence = tuple(tokens[max(0, end - REPEATED) : end])
        marks.append(end > start and len(sequence) == REPEATED and sequence in seen)
        seen.add(sequence)
    return marks


class Pupil:
    """The model that tells, and the checks that its stories must pass."""

    def __init__(self, folder: Path, known_words: set[str], seed: int) -> None:
        self.device = own_device()
        self.model = load_model(folder).to(self.device)
        self.tokenizer = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
        self.known_words = known_words
        self.generator = torch.Generator().manual_seed(seed)

    def tell(
        self, openings: list[Opening], temperature: float = 0.0
    ) -> list[tuple[Story, list[int]]]:
        """Continue the openings; return each story, checked, and its tokens."""
        prompts = [[BOS, *self.tokenizer.encode(opening.text)] for opening in openings]
        no_repeat = NO_REPEAT if temperature else 0  # what goes in circles is to be seen
        told = generate(self.model, prompts, BOS, temperature, TOP_P, self.generator, no_repeat)
        stories = []
        for opening, prompt, tokens in zip(openings, prompts, told, strict=True):
            ended = tokens[-1] == BOS
            text = self.tokenizer.decode(tokens[1 : len(tokens) - ended])
            story = Story(opening.text, text[len(self.tokenizer.decode(prompt[1:])) :], ended)
            check(story, opening.characters, self.known_words)
            stories.append((story, tokens))
        return stories

    @torch.no_grad()
    def ways_out(self, tokens: list[int], start: int) -> list[bool] | None:
        """Which tokens lead into the first sequence that comes twice; None, where none does.

        Those are the tokens of the sequence, as far as the model told them (from ``start`` on),
        that it was not sure of, or the one it was least sure of. To go another way there takes a
        small change of the weights; at the last token, which often has a probability of almost 1, a
        large one. The list ends with the sequence.
        """
        repeats = completes_repetition(tokens, start)
        if True not in repeats:
            return None
        last = repeats.index(True)
        told = range(max(start, last - REPEATED + 1), last + 1)
        chances = self.model.logits(torch.tensor([tokens[:last]], device=self.device))[0].softmax(
            -1
        )
        sure = {at: float(chances[at - 1, tokens[at]]) for at in told}
        least = min(sure.values())
        return [sure.get(at, 1.0) <= max(least, SURE) for at in range(last + 1)]

    def learn_from(self, openings: list[Opening]) -> Told:
        """What some openings teach."""
        result = Told()
        for opening, (story, tokens) in zip(openings, self.tell(openings), strict=True):
            if not story.no_repetition:
                start = 1 + len(self.tokenizer.encode(opening.text))
                avoid = self.ways_out(tokens, start)
                if avoid:
                    result.repeated.append((tokens[: len(avoid)], avoid))
        waiting = openings
        for _ in range(ATTEMPTS):
            again = self.tell(waiting, TEMPERATURE) if waiting else []
            result.good += [tokens for story, tokens in again if story.passes]
            waiting = [
                opening
                for opening, (story, _) in zip(waiting, again, strict=True)
                if not story.passes
            ]
        return result


def read_earlier(folder: Path) -> Told:
    """Read what `write` has written into ``folder``."""
    good, repeated = (np.load(folder / f"{name}.npy") for name in ("told", "repeated"))
    avoid = np.load(folder / "repeated.avoid.npy")
    return Told(
        [[*good[start:end].tolist(), BOS] for start, end in itertools.pairwise(story_starts(good))],
        [
            (repeated[start:end].tolist(), avoid[start:end].tolist())
            for start, end in itertools.pairwise(story_starts(repeated))
        ],
    )


def write(told: Told, earlier: Told, folder: Path) -> None:
    """Write the three arrays; every story in them begins with BOS, and one BOS ends the last."""
    folder.mkdir(parents=True, exist_ok=True)
    # Openings of one story may lead to the same continuation.
    good = dict.fromkeys(tuple(tokens) for tokens in earlier.good + told.good)
    fresh = {tuple(tokens): avoid for tokens, avoid in told.repeated}
    different = {tuple(tokens): avoid for tokens, avoid in earlier.repeated} | fresh
    copies = FRESH if earlier.repeated else 1
    repeated = [*different.items(), *(copies - 1) * list(fresh.items())]
    all_good = [token for tokens in good for token in tokens[:-1]]
    all_repeated = [token for tokens, _ in repeated for token in tokens]
    all_avoid = [mark for _, avoid in repeated for mark in avoid]
    np.save(folder / "told.npy", np.array([*all_good, BOS], dtype=np.uint16))
    np.save(folder / "repeated.npy", np.array([*all_repeated, BOS], dtype=np.uint16))
    np.save(folder / "repeated.avoid.npy", np.array([*all_avoid, False], dtype=bool))
    print(f"{len(good)} good stories, {len(different)} that go round in circles")


def tell_round(
    weights: Path, texts: list[Path], count: int, seed: int, folder: Path, earlier: list[Path]
) -> None:
    """One round: ``weights`` continue ``count`` openings of ``texts``; what comes of it goes to ``folder``."""
    before = Told()
    for other in earlier:
        before.extend(read_earlier(other))
    stories = [story for path in texts for story in read_stories(path)]
    drawn = Openings(stories).different(count, seed)
    pupil = Pupil(weights, training_words(texts), seed)
    told = Told()
    batch = BATCH[torch.device(pupil.device).type]
    for start in track(range(0, len(drawn), batch), "telling", disable=not sys.stderr.isatty()):
        told.extend(pupil.learn_from(drawn[start : start + batch]))
    write(told, before, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path, help="the model that tells: a folder of export.py")
    parser.add_argument("--text", type=Path, nargs="+", required=True, help="training text")
    parser.add_argument("--stories", type=int, default=1500, help="openings to continue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True, help="where token files go")
    parser.add_argument(
        "--earlier", type=Path, nargs="+", default=[], help="--folder of rounds before"
    )
    each = parser.parse_args()
    tell_round(each.weights, each.text, each.stories, each.seed, each.folder, each.earlier)


if __name__ == "__main__":
    main()
