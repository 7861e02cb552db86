"""A data set of the Hugging Face hub, from a server on this machine that answers as the hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

pytest.importorskip("datasets")
pytest.importorskip("sentencepiece")

ROOT = Path(__file__).parents[2]
COMMIT = "a" * 40
STORIES = [f"Story {number}." for number in range(5)]
ROWS = "".join(json.dumps({"story": story}) + "\n" for story in STORIES).encode()
FILES = {"data/train-00000-of-00001.jsonl": ROWS, "README.md": b"---\nlicense: mit\n---\n"}
READ = """
from model.data.sources import stories_of
from model.recipe import Source
import json
print(json.dumps(list(stories_of(Source("hub", hub="tiny/stories", column="story", most=4)))))
"""


def entries(paths: list[str]) -> list[dict[str, object]]:
    """What the hub says of files and folders."""
    known: list[dict[str, object]] = []
    for path in paths:
        if path in FILES:
            size = len(FILES[path])
            known.append({"type": "file", "oid": "b" * 40, "size": size, "path": path})
        elif any(file.startswith(f"{path}/") for file in FILES):
            known.append({"type": "directory", "oid": "c" * 40, "size": 0, "path": path})
    return known


class Hub(BaseHTTPRequestHandler):
    """Metadata, listings and files (whole or in ranges) of one data set, ``tiny/stories``."""

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, data: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        self.reply(json.dumps(entries([paths] if isinstance(paths, str) else paths)).encode())

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/api/datasets/tiny/stories/tree/"):
            inside = path.split("/tree/")[1].partition("/")[2]
            folders = {file.rpartition("/")[0] for file in FILES} - {"", inside}
            paths = [file for file in (*FILES, *folders) if file.startswith(inside)]
            self.reply(json.dumps(entries(paths)).encode())
        elif path.startswith("/api/datasets/tiny/stories"):
            siblings = [{"rfilename": file} for file in FILES]
            info = {"id": "tiny/stories", "sha": COMMIT, "private": False, "tags": []}
            self.reply(json.dumps({**info, "siblings": siblings}).encode())
        elif "/resolve/" in path and path.split("/resolve/")[1].partition("/")[2] in FILES:
            self.file(FILES[path.split("/resolve/")[1].partition("/")[2]])
        else:
            self.reply(b"", 404, X_Error_Code="EntryNotFound")

    do_HEAD = do_GET

    def file(self, data: bytes) -> None:
        about = {"ETag": f'"{"b" * 40}"', "X_Repo_Commit": COMMIT, "Accept_Ranges": "bytes"}
        wanted = self.headers.get("Range")
        if not wanted or self.command == "HEAD":
            self.reply(data, **about)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        end = min(int(last) + 1 if last else len(data), len(data))
        about["Content_Range"] = f"bytes {first}-{end - 1}/{len(data)}"
        self.reply(data[int(first) : end], 206, **about)


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_stories_of_the_hub(hub: str, tmp_path: Path) -> None:
    """In a process of its own: the hub's address is read when the libraries are imported."""
    environment = os.environ | {
        "HF_ENDPOINT": hub,
        "HF_HOME": str(tmp_path),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == STORIES[:4]
