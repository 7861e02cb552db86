"""zig as the host's compiler, with every command and its output going to the log."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from fontgen.errors import FontgenError
from fontgen.host.native.installed import package_directory


class Compiler:
    """``zig c++``, several at a time.

    Args:
        scratch: a directory that is removed when all is done.
        log: open for writing; errors name it.
        target: zig's name of the platform to compile for.

    Raises:
        FontgenError: ziglang is not installed.
    """

    def __init__(self, scratch: Path, log: IO[str], target: str):
        self.zig = package_directory("ziglang") / ("zig.exe" if sys.platform == "win32" else "zig")
        self.log = log
        self.target = target
        self._log_lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        # A cache of its own: removed with the scratch directory, not left in the user's home.
        self.environment = dict(
            os.environ,
            ZIG_GLOBAL_CACHE_DIR=str(scratch / "zig"),
            ZIG_LOCAL_CACHE_DIR=str(scratch / "zig"),
        )

    def run(self, what: str, arguments: list[str]) -> None:
        """Runs it with ``arguments``; ``what`` is for the error.

        Raises:
            FontgenError: it failed; the message names the log.
        """
        command = [str(self.zig), "c++", "-target", self.target, *arguments]
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=self.environment,
            )
        except OSError as error:
            raise FontgenError(f"cannot be run: {error}", path=self.zig) from error
        with self._log_lock:
            self._running.add(process)
        if self._stopped:
            process.kill()
        output = process.communicate()[0]
        with self._log_lock:
            self._running.discard(process)
            self.log.write(f"$ {' '.join(command)}\n{output}")
            self.log.write(f"# {time.monotonic() - started:.1f} s, status {process.returncode}\n")
            self.log.flush()
        if process.returncode:
            reason = "was stopped" if self._stopped else "failed"
            raise FontgenError(f"compiling {what} {reason} (log: {self.log.name})")

    def stop(self) -> None:
        """Ends what is running, so that a failure elsewhere is reported at once."""
        self._stopped = True
        with self._log_lock:
            for process in self._running:
                process.kill()
