"""Where things lie."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TESTS = REPOSITORY / "tests"
FAILURES = TESTS / "failures"
"""Images that are not as expected are kept here."""
SHARED_CHECKPOINTS = REPOSITORY.parent / "shared" / "checkpoints"
"""Real checkpoints, where somebody has put them beside the repository; tests that want them skip without."""
