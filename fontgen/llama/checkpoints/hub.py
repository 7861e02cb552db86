"""Models that people know by name, downloaded once from the Hugging Face Hub and cached there.

The cache is the Hub's own (``HF_HOME``), shared with other programs; ``HF_ENDPOINT`` is a mirror.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.llama.model import ModelCard

REPOSITORY = "karpathy/tinyllamas"
LLAMA_TOKENIZER = ("hf-internal-testing/llama-tokenizer", "tokenizer.model")
"""Repository and file of Llama 2's 32,000 tokens, which REPOSITORY leaves out."""


@dataclass(frozen=True)
class KnownModel:
    """Where a model lies on the Hub.

    ``tokenizer`` is a repository and a file in it; ``sha256`` is of the checkpoint, where known.
    """

    filename: str
    tokenizer: tuple[str, str]
    parameters: str
    sha256: str | None = None

    def card(self, name: str) -> ModelCard:
        return ModelCard(
            name=name,
            license="MIT",
            description=f"Andrej Karpathy's TinyStories model of {self.parameters} parameters",
        )


KNOWN = {
    "stories260K": KnownModel(
        "stories260K/stories260K.bin",
        (REPOSITORY, "stories260K/tok512.bin"),
        "260 thousand",
        "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696",
    ),
    "stories15M": KnownModel(
        "stories15M.bin",
        LLAMA_TOKENIZER,
        "15 million",
        "cd590644d963867a2b6e5a1107f51fad663c41d79c149fbecbbb1f95fa81f49a",
    ),
    "stories42M": KnownModel("stories42M.bin", LLAMA_TOKENIZER, "42 million"),
    "stories110M": KnownModel("stories110M.bin", LLAMA_TOKENIZER, "110 million"),
}


def card_of(sha256: str) -> ModelCard | None:
    """Card of a known checkpoint, recognised by its hash: the file says nothing of itself."""
    for name, known in KNOWN.items():
        if known.sha256 == sha256:
            return known.card(name)
    return None


def named(name: str, card: ModelCard) -> ModelCard:
    """The card of a model downloaded by name, keeping the file name and hash that were read."""
    return replace(KNOWN[name].card(name), source=card.source, sha256=card.sha256)


def download(name: str, tokenizer: Path | None = None) -> tuple[Path, Path]:
    """Paths of a known model's checkpoint and tokenizer in the cache, downloaded when not there.

    A progress bar is shown on terminals. Once cached, no network is asked.

    Args:
        name: a key of `KNOWN`.
        tokenizer: used instead of the model's own when given.

    Raises:
        FontgenError: no network, or the checkpoint is not the one that is known.
    """
    known = KNOWN[name]
    checkpoint = _fetch(REPOSITORY, known.filename, name)
    if known.sha256 is not None:
        digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        if digest != known.sha256:
            raise FontgenError(
                f"is not {name}: its sha256 is {digest}, expected {known.sha256}; delete it to "
                "download it again",
                path=checkpoint,
            )
    return checkpoint, tokenizer or _fetch(*known.tokenizer, name)


def _fetch(repository: str, filename: str, name: str) -> Path:
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
        from huggingface_hub.utils import LocalEntryNotFoundError
    except ImportError as error:
        raise FontgenError(
            f"{name} is downloaded by huggingface_hub, which is not installed: "
            "pip install 'fontgen[checkpoints]'"
        ) from error
    # Read here because huggingface_hub reads it when imported, which may be long ago.
    endpoint = os.environ.get("HF_ENDPOINT") or None
    try:
        return Path(hf_hub_download(repository, filename, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    url = hf_hub_url(repository, filename, endpoint=endpoint)
    try:
        get_hf_file_metadata(
            url
        )  # fails at once where downloading would try again for half a minute
        return Path(hf_hub_download(repository, filename, endpoint=endpoint))
    except Exception as error:  # of requests, httpx, the Hub or the disk, by version
        option = "--tokenizer" if "tok" in filename else "--model"
        reason = str(error).strip().splitlines()
        raise FontgenError(
            f"{name}: cannot download {filename} ({type(error).__name__}: "
            f"{reason[0] if reason else 'no reason given'}); fetch {url} by other means and give "
            f"its path by {option}"
        ) from error


def default_model_path() -> Path:
    """The folder of the model that fonts are built from unless another is named."""
    packaged = Path(__file__).parents[2] / "data" / "model"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "model"
