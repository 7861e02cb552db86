"""The two font tables that the shaper reads: ``Llam``, the model, and ``Lset``, the settings.

`layout` describes both, field by field; all else follows from it: `model_table`, `weights` and `settings_table` are
the codecs, `describe` writes the C header and the page for people, ``wasm/llama/TABLES.md``.
"""

from fontgen.llama.tables.layout import MODEL_TAG, NO_TOKEN, SETTINGS_TAG
from fontgen.llama.tables.model_table import newest_table, read_model, write_model
from fontgen.llama.tables.settings_table import Frame, Settings, read_settings, write_settings

__all__ = [
    "MODEL_TAG",
    "NO_TOKEN",
    "SETTINGS_TAG",
    "Frame",
    "Settings",
    "newest_table",
    "read_model",
    "read_settings",
    "write_model",
    "write_settings",
]
