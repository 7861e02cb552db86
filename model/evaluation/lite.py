"""How well the stories of a font without Wasm fit openings that nobody prepared.

    python -m model.evaluation.lite CONTENT.json.xz STORIES.txt.xz... [--count 250] [--model CHECKPOINT]

Openings are the first 3 to 14 words of stories, half of them with the punctuation at their end. A story
fits if the whole prompt, or at least its last two words, is what it goes on from, and the hero whom the
prompt names is in it twice or more: by the very words of the prompt, or by words that the content calls similar.
With ``--model``: the nats per token of the first 40 words, as the
model sees them, beside its own samples at 0.8, its greedy story, and this font's story for another prompt.

With ``--prompts`` the whole prompts of a file, instead: how many of their words, up to ``--marks``, are those of the
Wasm font that takes the likeliest token, by its reference in Python, which the engine is held to bit for bit.

Of stories of which `is_held_out` says that they may have been learned from, none is taken with ``--half``.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fontgen.automaton.content.decoder import Decoder, Job
from fontgen.automaton.content.format import Content, read_content
from fontgen.automaton.content.kinds import Kind
from fontgen.automaton.content.maker import prompts_in
from fontgen.automaton.content.texts import is_held_out, read_stories
from fontgen.automaton.content.words import plain
from fontgen.automaton.reference import Reference
from fontgen.llama.checkpoints import load
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.transformer import Transformer

WORDS = range(3, 15)
LEAST_STORY = 60
MARKS = 51
CONTINUED = 40
"""Words of which the model is asked."""


@dataclass(frozen=True)
class Told:
    """An opening, what the font tells, how many last words it goes on from (they, or words that are ``similar``), and
    whether the hero stays."""

    prompt: str
    story: str
    words: int
    similar: bool
    whole: bool
    hero: str | None
    hero_stays: bool

    @property
    def fits(self) -> bool:
        return self.whole or (self.words >= 2 and self.hero_stays)


def openings(stories: Sequence[str], count: int, seed: int = 7) -> list[str]:
    """Beginnings of stories, as somebody might type them."""
    rng = random.Random(seed)
    long = [story for story in stories if len(story.split()) > LEAST_STORY]
    result = []
    for story in rng.sample(long, min(count, len(long))):
        text = plain(story).encode("ascii", "ignore").decode()
        prompt = " ".join(text.split()[: rng.choice(WORDS)])
        if rng.random() < 0.5:
            prompt = prompt.rstrip(".,;:!?\"'")
        result.append(re.sub(r"!+$", ".", prompt))
    return result


def tell(reference: Reference, prompt: str) -> Told:
    """What the font shows after an opening."""
    shown = reference.visible(prompt + "!" * MARKS)
    story = shown[len(prompt) :]
    hero, bridge = reference.read(prompt)
    told = Counter(re.sub(r"'s$", "", word) for word in re.findall(r"[a-z']+", story.lower()))
    return Told(
        prompt,
        story,
        bridge.words,
        bridge.similar,
        bridge.kind is Kind.WHOLE,
        hero.word if hero else None,
        hero is None or told[hero.word] >= 2,
    )


class Judge:
    """What a model thinks of continuations."""

    def __init__(self, path: Path):
        model = load(path)
        self.decoder = Decoder(model, 64)
        self.transformer = Transformer(model.config, model.tensors)
        self.tokenizer = ReferenceTokenizer(model.vocabulary)
        self.bos = model.vocabulary.bos or 0

    def own(self, prompts: Sequence[str], temperature: float) -> list[str]:
        """The model's own continuations."""
        jobs = [
            Job(n, [self.bos, *self.tokenizer.encode(prompt)], 60, n, temperature, 0.95)
            for n, prompt in enumerate(prompts)
        ]
        texts = [""] * len(prompts)
        for job in self.decoder.continuations(iter(jobs)):
            data = b"".join(map(self.tokenizer.decode, job.new))
            texts[job.number] = data.decode(errors="replace")
        return texts

    def nats(self, prompt: str, text: str) -> float | None:
        """Mean nats per token of the first words of a continuation."""
        text = text[:1] + " ".join(text[1:].split(" ")[:CONTINUED])
        before = self.tokenizer.encode(prompt)
        tokens = self.tokenizer.encode(prompt + text)
        same = next((i for i, (a, b) in enumerate(zip(before, tokens)) if a != b), len(before))  # noqa: B905
        if same >= len(tokens):
            return None
        sequence = np.array([[self.bos, *tokens]])[:, : self.transformer.config.context_length]
        logits = self.transformer.classify(self.transformer.forward(sequence[:, :-1])[0])
        logits -= logits.max(axis=-1, keepdims=True)
        chosen = logits[np.arange(len(logits)), sequence[0, 1:]]
        losses = np.log(np.exp(logits).sum(axis=-1)) - chosen
        return float(losses[same:].mean())


def compare_prompts(content: Content, checkpoint: Path, path: Path, marks: int) -> None:
    """Print how far whole prompts show what the Wasm font shows."""
    font, reference = ReferenceContinuer(quantise(load(checkpoint))), Reference(content)
    same = shown_words = alike = 0
    prompts = prompts_in(path)
    for prompt in prompts:
        told = font.continue_text(prompt + "!" * (3 + marks)).visible.split()[:-1]
        shown = reference.visible(prompt + "!" * (3 + marks)).split()[: len(told)]
        equal = next(
            (n for n, pair in enumerate(zip(shown, told, strict=False)) if pair[0] != pair[1]),
            len(shown),
        )
        same += equal == len(told)
        alike += equal
        shown_words += len(told)
    print(
        f"{path.name}: {same} of {len(prompts)} prompts show the words of the Wasm font, {alike} of {shown_words} words"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("content", type=Path)
    parser.add_argument("stories", type=Path, nargs="*")
    parser.add_argument(
        "--prompts", type=Path, help="compare whole prompts with the Wasm font; needs --model"
    )
    parser.add_argument("--marks", type=int, default=60)
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--half", action="store_true", help="only stories that were kept out")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    content = read_content(args.content)
    reference = Reference(content)
    if args.prompts:
        compare_prompts(content, args.model, args.prompts, args.marks)
    judge = Judge(args.model) if args.model and args.stories else None
    for path in args.stories:
        stories = [s for s in read_stories(path) if not args.half or is_held_out(s)]
        rows = [tell(reference, prompt) for prompt in openings(stories, args.count)]
        with_hero = [row for row in rows if row.hero]
        print(
            f"{path.name}: {len(rows)} openings; fits {_share(row.fits for row in rows)}; "
            f"({_share(row.fits and not row.similar for row in rows)} by the very words, "
            f"{_share(row.fits and row.similar for row in rows)} by similar words); "
            f"of heroes kept {_share(row.hero_stays for row in with_hero)}; goes on from "
            f"{dict(sorted(Counter('whole' if r.whole else str(r.words) for r in rows).items()))} words"
        )
        if args.show:
            for row in rows[:40]:
                print(f"  [{row.prompt}]{row.story}")
        if judge:
            prompts = [row.prompt for row in rows]
            told = [row.story for row in rows]
            kinds = {
                "the font": told,
                "sampled at 0.8": judge.own(prompts, 0.8),
                "greedy": judge.own(prompts, 0.0),
                "the font, for another prompt": told[1:] + told[:1],
            }
            for name, texts in kinds.items():
                nats = [judge.nats(p, t) for p, t in zip(prompts, texts, strict=True)]
                print(f"  {name}: {np.mean([n for n in nats if n is not None]):.2f} nats per token")


def _share(values: object) -> str:
    found = list(values)  # type: ignore[call-overload]
    return f"{sum(found) / max(1, len(found)):.0%}"


if __name__ == "__main__":
    main()
