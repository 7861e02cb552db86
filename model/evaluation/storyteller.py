"""A checkpoint and the engine that a font runs it with: 8-bit weights, a scale per row."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.progress import track

from fontgen.check.evaluation import Evaluator, Score
from fontgen.llama import checkpoints
from fontgen.llama.loss import cross_entropy
from fontgen.llama.quantise.tensors import quantise
from fontgen.llama.reference.sampler import Options, repeats, sample
from fontgen.llama.reference.tokenizer import ReferenceTokenizer
from fontgen.llama.shaper import shaper_module
from fontgen.llama.tables import Settings, write_model
from fontgen.llama.transformer import FloatModel
from fontgen.llama.wasm_engine import Engine
from model.stories.checks import Story

CONTEXT = 256
"""Tokens of a story that the held-out figures look at, whatever the model's own context is."""


class Storyteller:
    """Tells stories, and scores those of others, as the font would.

    Args:
        name: for tables.
        checkpoint: whatever ``fontgen build`` reads.
        tokenizer: where none lies beside it.
        no_repeat: see `fontgen.llama.tables.Settings`.
    """

    def __init__(
        self,
        name: str,
        checkpoint: str,
        tokenizer: str | None = None,
        no_repeat: int = Settings().no_repeat,
    ) -> None:
        self.name = name
        self.no_repeat = no_repeat
        self.model = checkpoints.load(checkpoint, tokenizer=tokenizer)
        module, table = shaper_module("simd128"), write_model(quantise(self.model))
        self.engine = Engine(module, table)
        self.evaluator = Evaluator(module, table)
        self.evaluator.context_length = CONTEXT
        self.decode = ReferenceTokenizer(self.model.vocabulary).decode

    def continue_prompt(self, prompt: str, options: Options) -> Story:
        """Continue as the font does, until the model ends the story or its context is full."""
        vocabulary = self.model.vocabulary
        ends = (vocabulary.bos, vocabulary.eos)
        tokens = [vocabulary.bos or 1, *self.engine.encode(prompt)]
        told, ended = b"", False
        while not ended and len(tokens) <= self.model.config.context_length:
            excluded = repeats(tokens, self.no_repeat, ends)
            token = sample(self.engine.logits(tokens), tokens, options, excluded)
            ended = token in ends
            tokens.append(token)
            told += self.decode(token)
        return Story(prompt, told.decode(errors="replace"), ended)

    def scores(self, stories: Sequence[str]) -> tuple[list[Score], list[Score]]:
        """Each story's score by the float32 weights, and by the engine, over the same tokens."""
        reference = FloatModel(self.model)
        by_weights, by_engine = [], []
        for story in track(stories, self.name, disable=not sys.stderr.isatty()):
            score = self.evaluator.score(story)
            tokens = self.evaluator.scored_tokens(story)
            logits = reference.all_logits([self.evaluator.bos, *tokens[:-1]])
            by_engine.append(score)
            nats = float(cross_entropy(logits, tokens).sum())
            by_weights.append(replace(score, nats=nats))
        return by_weights, by_engine
