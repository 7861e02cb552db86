"""``fontgen doctor``: what is built, and whether programs would use it."""

from __future__ import annotations

import argparse
import dataclasses

from fontgen.cli.common import print_json
from fontgen.host import native
from fontgen.host.native import doctor as examination


def doctor(args: argparse.Namespace) -> int:
    """Print the findings; 1: nothing is built, or a program would not use it."""
    found = native.find()
    findings = [] if found is None else [examination.examine(name, found) for name in args.programs]
    settings = examination.settings_in_force()
    if args.json:
        print_json(
            {
                "host": None if found is None else str(found.directory),
                "versions": None if found is None else found.versions,
                "settings": settings,
                "programs": [dataclasses.asdict(finding) for finding in findings],
            }
        )
    else:
        for line in examination.host_summary():
            print(line)
        for name, value in settings.items():
            print(f"setting: {name}={value}")
        for finding in findings:
            verdict = "uses it" if finding.uses_host else "does not use it"
            where = f" ({finding.path})" if finding.path else ""
            print(f"{finding.program}{where}: {verdict}")
            for reason in finding.reasons:
                print(f"  {reason}")
            for advice in finding.advice:
                print(f"  -> {advice}")
    return 0 if found is not None and all(finding.uses_host for finding in findings) else 1
