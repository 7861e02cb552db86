"""The font in real programs, typed into by xdotool under Xvfb: see ``harness`` and ``tests/test_editors.py``."""
