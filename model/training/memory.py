"""How the C library treats memory that is asked for again and again."""

from __future__ import annotations

import ctypes
import os


def keep_freed_memory() -> None:
    """Let glibc keep what each step frees, since the next one asks for the same again.

    Otherwise every large tensor on a CPU is mapped and cleared anew: a tenth of the time there.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt:
        mallopt(m_mmap_max, 0)
        mallopt(m_trim_threshold, 2**31 - 1)
