"""Models downloaded by name, from a server on loopback that speaks the Hub's protocol."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest
from support.checkpoint_writers import (
    VOCAB_SIZE,
    llama2c_tokenizer,
    llama2c_v0,
    random_model,
    sentencepiece_model,
)
from support.paths import REPOSITORY, SHARED_CHECKPOINTS

from fontgen.errors import FontgenError
from fontgen.llama import checkpoints
from fontgen.llama.checkpoints.known import KNOWN

MODEL = "/karpathy/tinyllamas/resolve/main/stories42M.bin"
TOKENIZER = "/hf-internal-testing/llama-tokenizer/resolve/main/tokenizer.model"


class Hub(ThreadingHTTPServer):
    """Serves ``files`` by path; ``requests`` are those that came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"


class HubHandler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        self.server.requests.append((self.command, self.path))
        data = self.server.files.get(self.path)
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(data or b"").hexdigest()}"')
        if data is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if with_body and data is not None:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub with a small model under the name of a large one, and an empty cache."""
    hub_server = Hub()
    hub_server.files[MODEL] = llama2c_v0(random_model())
    hub_server.files[TOKENIZER] = sentencepiece_model()
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    threading.Thread(target=hub_server.serve_forever, args=(0.02,), daemon=True).start()
    yield hub_server
    hub_server.shutdown()
    hub_server.server_close()


def refusal(name: str, **options: object) -> str:
    with pytest.raises(FontgenError) as caught:
        checkpoints.load(name, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_download_and_cache(server: Hub) -> None:
    model = checkpoints.load("stories42M")
    assert model.config == random_model().config
    assert (model.card.name, model.card.license) == ("stories42M", "MIT")
    assert model.card.source == "stories42M.bin"
    assert "42 million" in model.card.description
    assert ("GET", MODEL) in server.requests and ("GET", TOKENIZER) in server.requests

    server.requests.clear()
    assert checkpoints.load("stories42M").card == model.card
    assert server.requests == []


def test_tokenizer_given(server: Hub, tmp_path: Path) -> None:
    given = tmp_path / "tokenizer.bin"
    given.write_bytes(llama2c_tokenizer())
    del server.files[TOKENIZER]
    assert checkpoints.load("stories42M", tokenizer=given).config.vocab_size == VOCAB_SIZE
    message = refusal("stories42M")
    assert "tokenizer.model" in message and "--tokenizer" in message


def test_a_file_of_that_name_comes_first(server: Hub, tmp_path: Path) -> None:
    (tmp_path / "stories42M").write_bytes(llama2c_v0(random_model(n_layers=1)))
    (tmp_path / "tokenizer.bin").write_bytes(llama2c_tokenizer())
    assert checkpoints.load("stories42M").config.n_layers == 1
    assert server.requests == []


def test_size_is_checked_against_the_header(server: Hub) -> None:
    data = server.files[MODEL]
    server.files[MODEL] = data[:-400]
    message = refusal("stories42M")
    assert f"needs {len(data):,} bytes, has {len(data) - 400:,}" in message
    assert "stories42M.bin: is cut short" in message


def test_hash_is_checked(server: Hub) -> None:
    path = "/karpathy/tinyllamas/resolve/main/stories15M.bin"
    server.files[path] = server.files[MODEL]
    digest = hashlib.sha256(server.files[MODEL]).hexdigest()
    message = refusal("stories15M")
    assert (
        f"is not stories15M: its sha256 is {digest}, expected {KNOWN['stories15M'].sha256}"
        in message
    )
    assert "delete it to download it again" in message
    assert ("GET", TOKENIZER) not in server.requests


def test_stories260k_is_recognised(server: Hub) -> None:
    if not (SHARED_CHECKPOINTS / "stories260K.bin").exists():
        pytest.skip("stories260K.bin is not here")
    for name in ("stories260K.bin", "tok512.bin"):
        path = f"/karpathy/tinyllamas/resolve/main/stories260K/{name}"
        server.files[path] = (SHARED_CHECKPOINTS / name).read_bytes()
    assert checkpoints.load("stories260K").n_parameters == 260_032


def test_file_that_the_server_lacks(server: Hub) -> None:
    message = refusal("stories110M")
    assert "cannot download stories110M.bin" in message
    assert f"{server.endpoint}/karpathy/tinyllamas/resolve/main/stories110M.bin" in message


def test_without_a_network(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    message = refusal("stories42M")
    assert message.startswith("stories42M: cannot download stories42M.bin (")
    assert "fetch http://127.0.0.1:1/karpathy/tinyllamas/resolve/main/stories42M.bin" in message
    assert "give its path by --model" in message
    assert server.requests == []


def test_environment_of_a_fresh_process(server: Hub, tmp_path: Path) -> None:
    """HF_HOME and HF_ENDPOINT are heeded, and nothing is drawn where there is no terminal."""
    program = (
        "from fontgen.llama import checkpoints; print(checkpoints.load('stories42M').card.sha256)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(server.files[MODEL]).hexdigest()
    assert done.stderr == ""
    assert list((tmp_path / "home").rglob("stories42M.bin"))
