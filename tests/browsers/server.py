"""A web server on this machine's loopback, for pages that are folders: module scripts need one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".json": "application/json",
}


@contextmanager
def serve(*folders: Path, files: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """Serves what is in the folders, the first that has it, and `files` by their names; gives the address."""

    def content(name: str) -> bytes | None:
        if files and name in files:
            return files[name]
        for folder in folders:
            path = (folder / name).resolve()
            if path.is_file() and folder.resolve() in path.parents:
                return path.read_bytes()
        return None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.split("?")[0].lstrip("/") or "index.html"
            data = content(name)
            self.send_response(404 if data is None else 200)
            self.send_header(
                "Content-Type", TYPES.get(Path(name).suffix, "application/octet-stream")
            )
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
