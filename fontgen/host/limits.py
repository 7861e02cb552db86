"""What a host grants a font's program, unless its user says otherwise.

The native adapter gets these from its build, the browser host from the page's maker; whoever builds
a font asks here whether it will run.
"""

from __future__ import annotations

TIMEOUT_MS = 5000
"""For all that one shaping call comes to, compiling included: ``FONTGEN_WASM_TIMEOUT_MS``."""

MEMORY_MB = 1024
"""Of linear memory of one instance, in MiB: ``FONTGEN_WASM_MEMORY_MB``."""

CODE_MB = 4
"""Of a module's code section, in MiB: ``FONTGEN_WASM_CODE_MB``."""
