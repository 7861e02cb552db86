"""A model that tells, and weighs what was told; it remembers both in files of a folder.

A line a text, so that the work may be interrupted and goes on where it was, and more of it costs only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontgen.automaton.content.decoder import Decoder, Job
from fontgen.automaton.content.opinion import Opinion
from fontgen.llama.model import Model
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.continuation import ReferenceContinuer
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.progress import Steps

_FLUSH = 64


@dataclass(frozen=True)
class Told:
    """What a model told after a prompt; ``ended``: it ended the text itself."""

    text: str
    ended: bool


class Teller:
    """A model that tells, and remembers what it told in a file of each kind.

    Args:
        model: float32 tensors.
        folder: for the files.
        steps: where progress is reported.
    """

    def __init__(self, model: Model, folder: Path, steps: Steps):
        self.decoder, self.folder, self.steps = Decoder(model), folder, steps
        self.opinion, self.model = Opinion(model), model
        self.tokenizer = ReferenceTokenizer(model.vocabulary)
        self.bos = model.vocabulary.bos or 0
        pieces = [self.tokenizer.decode(token) for token in range(model.config.vocab_size)]
        self._enders = {n for n, piece in enumerate(pieces) if set(piece) & set(b".!?")}

    def tell(
        self,
        kind: str,
        wanted: Sequence[tuple[str, int]],
        most: int,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        sentence: bool = False,
    ) -> dict[tuple[str, int], Told]:
        """What the model tells after prompts.

        Args:
            kind: names the file.
            wanted: prompts, each with the seed of its draws.
            most: tokens at most.
            sentence: stop one token after a sentence may have ended.
        """
        path = self.folder / f"{kind}.jsonl"
        known = dict(_read_lines(path))
        missing = [key for key in dict.fromkeys(wanted) if key not in known]
        stop: Callable[[list[int]], bool] = self._after_sentence if sentence else lambda new: False
        jobs = (
            Job(number, [self.bos, *self.tokenizer.encode(prompt)], most, seed, temperature, top_p)
            for number, (prompt, seed) in enumerate(missing)
        )
        with path.open("a", encoding="utf-8") as file:
            for done, job in enumerate(self.decoder.continuations(jobs, stop), 1):
                text = b"".join(map(self.tokenizer.decode, job.new)).decode(errors="replace")
                prompt, seed = missing[job.number]
                known[prompt, seed] = Told(text, job.ended)
                line = {"prompt": prompt, "seed": seed, "text": text, "ended": job.ended}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if done % _FLUSH == 0:
                    file.flush()
                self.steps.detail(f"{kind} ({done}/{len(missing)})")
        return {key: known[key] for key in wanted if key in known}

    def tell_whole(self, prompts: Sequence[str], most: int) -> dict[str, Told]:
        """The stories of whole prompts, told by the reference of the Wasm font at 8 bits, which always takes the
        likeliest token."""
        path = self.folder / "whole.jsonl"
        known = {key[0]: told for key, told in _read_lines(path)}
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        if missing:
            engine = ReferenceContinuer(quantise(self.model))
            marks = "!" * (engine.settings.kept_marks + most)
        for done, prompt in enumerate(missing, 1):
            shown = engine.continue_text(prompt + marks)
            told = Told(shown.visible[len(prompt) :], len(shown.runs[0]) < most)
            known[prompt] = told
            line = {"prompt": prompt, "seed": 0, "text": told.text, "ended": told.ended}
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.steps.detail(f"whole stories ({done}/{len(missing)})")
        return {prompt: known[prompt] for prompt in prompts}

    def weigh(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> dict[tuple[str, str], float]:
        """Mean nats per token of continuations of prompts, as the model sees them."""
        path = self.folder / "opinions.jsonl"
        known = dict(_read_opinions(path))
        by_prompt: dict[str, dict[str, None]] = {}
        for prompt, texts in wanted:
            by_prompt.setdefault(prompt, {}).update(dict.fromkeys(texts))
        missing = [
            (prompt, some)
            for prompt, texts in by_prompt.items()
            if (some := [text for text in texts if (prompt, text) not in known])
        ]
        with path.open("a", encoding="utf-8") as file:
            answers = zip(missing, self.opinion.branches(missing), strict=True)
            for done, ((prompt, texts), nats) in enumerate(answers, 1):
                for text, value in zip(texts, nats, strict=True):
                    known[prompt, text] = round(value, 4)
                    line = {"prompt": prompt, "text": text, "nats": known[prompt, text]}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if done % _FLUSH == 0:
                    file.flush()
                self.steps.detail(f"opinions ({done}/{len(missing)})")
        return known

    def _after_sentence(self, new: list[int]) -> bool:
        return len(new) > 1 and new[-2] in self._enders


def _read_lines(path: Path) -> Iterator[tuple[tuple[str, int], Told]]:
    """What was told before; a line that an interruption cut short is told again."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
            yield (told["prompt"], told["seed"]), Told(told["text"], told["ended"])
        except (ValueError, KeyError, TypeError):
            continue


def _read_opinions(path: Path) -> Iterator[tuple[tuple[str, str], float]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
            yield (told["prompt"], told["text"]), float(told["nats"])
        except (ValueError, KeyError, TypeError):
            continue
