"""``python -m fontgen`` and the command ``fontgen``."""

from __future__ import annotations

import signal
import sys

# Until `main` handles it, Ctrl-C ends the program as it does others, without a traceback of its imports.
is_command = __name__ == "__main__" or sys.argv[0].endswith(("fontgen", "fontgen.exe"))
if is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from fontgen.cli.main import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
