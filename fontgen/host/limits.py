"""What a host grants a font's program, unless its user says otherwise.

The native adapter gets these from its build, the browser host as a module that the page's maker writes
(`fontgen.host.browser.bundle.limits_module`); whoever builds a font asks here whether it will run.
"""

from __future__ import annotations

TIMEOUT_MS = 5000
"""For all that one shaping call comes to, compiling included: ``FONTGEN_WASM_TIMEOUT_MS``."""

MEMORY_MB = 1024
"""Of linear memory of one instance, in MiB: ``FONTGEN_WASM_MEMORY_MB``."""

MOST_TABLES = 16
"""Tables of one instance, of functions for example; and one memory."""

TABLE_ELEMENTS = 1 << 20
"""Of each of them."""

CODE_MB = 4
"""Of a module's code section, in MiB: ``FONTGEN_WASM_CODE_MB``."""

MOST_FAILURES = 3
"""In a row, and OpenType shapes the font from then on: for a minute in the native host, whose programs run for days;
in a browser until the page is opened anew."""

MOST_OBJECTS = 4096
"""Faces, fonts and buffers that one guest may hold at once."""

CONTEXT_BEFORE = 4096
"""Characters of the paragraph before a text that a guest is shown, where HarfBuzz alone needs five."""

CONTEXT_AFTER = 256
"""And behind it."""
