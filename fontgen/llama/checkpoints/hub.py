"""Models that people know by name, downloaded once from the Hugging Face Hub and cached there.

The cache is the Hub's own (``HF_HOME``), shared with other programs; ``HF_ENDPOINT`` is a mirror.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fontgen.errors import FontgenError
from fontgen.llama.model import ModelCard

REPOSITORY = "karpathy/tinyllamas"
LLAMA_TOKENIZER = ("hf-internal-testing/llama-tokenizer", "tokenizer.model")
"""Repository and file of Llama 2's 32,000 tokens, which REPOSITORY leaves out."""


@dataclass(frozen=True)
class HubModel:
    """Where a model lies on the Hub.

    filename: in `REPOSITORY`. tokenizer: a repository and a file in it. sha256: of the checkpoint, where known.
    """

    filename: str
    tokenizer: tuple[str, str]
    card: ModelCard
    sha256: str | None = None

    def fetch(self, name: str, tokenizer: Path | None) -> tuple[Path, Path]:
        """Paths of the checkpoint and the tokenizer in the cache, downloaded when not there.

        A progress bar is shown on terminals. Once cached, no network is asked.

        Args:
            name: that people know.
            tokenizer: used instead of the model's own when given.

        Raises:
            FontgenError: no network, or the checkpoint is not the one that is known.
        """
        checkpoint = _fetch(REPOSITORY, self.filename, name)
        if self.sha256 is not None:
            digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
            if digest != self.sha256:
                raise FontgenError(
                    f"is not {name}: its sha256 is {digest}, expected {self.sha256}; delete it to "
                    "download it again",
                    path=checkpoint,
                )
        return checkpoint, tokenizer or _fetch(*self.tokenizer, name)


def _fetch(repository: str, filename: str, name: str) -> Path:
    try:
        # Of an extra.
        from huggingface_hub import (  # noqa: PLC0415
            get_hf_file_metadata,
            hf_hub_download,
            hf_hub_url,
        )
        from huggingface_hub.utils import LocalEntryNotFoundError  # noqa: PLC0415
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
        # Fails at once where downloading would try again for half a minute.
        get_hf_file_metadata(url)
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
