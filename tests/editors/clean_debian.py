"""How long it takes on a clean Debian 12 from two wheels to a story in gedit's window.

    debootstrap --variant=minbase --include=ca-certificates,dbus-x11,fonts-dejavu-core,gedit,python3-venv bookworm ROOT
    cd tests && python -m editors.clean_debian ROOT fontgen-*.whl fontgen_host-*.whl [--picture FILE]

As root, since it works in a chroot; with `TOOLS` of the harness outside. A line for each step, with the processor's
time, which other processes do not lengthen; the picture is there to be looked at.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from editors.gedit import Gedit
from editors.harness import Setting, open_window

ENVIRONMENT = "/root/environment"
TYPED = "!" * 12


def inside(root: Path, *command: str) -> None:
    """Run a command in the chroot, which sees this machine's network and certificates.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run(["chroot", str(root), *command], env=variables(), check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed with status {done.returncode}")


def variables() -> dict[str, str]:
    """The environment of programs in the chroot."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or name in ("PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE")
    }
    return {**kept, "HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def prepare(root: Path, wheels: list[Path]) -> None:
    """As it was before the first run, with the wheels in /root, the network's names and certificates."""
    shutil.rmtree(root / "root")
    (root / "root").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, root / "root")
    for file in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{file}", root / file)
    for place, kind in (("proc", "proc"), ("dev", "devtmpfs")):
        if not any((root / place).glob("self" if place == "proc" else "urandom")):
            subprocess.run(["mount", "-t", kind, kind, str(root / place)], check=True)


def clock() -> tuple[float, float]:
    """Seconds, and those of the processor in children that have ended: the same on a busy machine and an idle one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m editors.clean_debian", description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("wheels", type=Path, nargs=2, metavar="WHEEL")
    parser.add_argument("--picture", type=Path, default=Path("clean-debian.png"))
    args = parser.parse_args()
    prepare(args.root, args.wheels)
    start = last = clock()

    def say(what: str) -> None:
        nonlocal last
        now = clock()
        seconds, computed = (after - before for after, before in zip(now, last, strict=True))
        print(f"{seconds:6.1f} s, the processor {computed:5.1f} s: {what}", flush=True)
        last = now

    inside(args.root, "python3", "-m", "venv", ENVIRONMENT)
    say("python3 -m venv")
    pip = (
        "-q",
        "--no-compile",
        "--disable-pip-version-check",
        *(f"/root/{wheel.name}" for wheel in args.wheels),
    )
    inside(args.root, f"{ENVIRONMENT}/bin/pip", "install", *pip)
    say("pip install")
    inside(args.root, f"{ENVIRONMENT}/bin/fontgen", "build", "-o", "/root/llama.ttf", "-q")
    say("fontgen build")
    with tempfile.TemporaryDirectory() as home:
        setting = Setting(Path(home), Path(home, "story.txt"), "", 20)
        editor = [f"{ENVIRONMENT}/bin/fontgen", "editor", "gedit", "--font", "/root/llama.ttf"]
        with open_window(
            Gedit(), setting, variables(), ["chroot", str(args.root), *editor]
        ) as session:
            say("fontgen editor, until its window is there and at rest")
            session.type(TYPED)
            say(f"{len(TYPED)} marks typed, and the screen at rest")
            session.screenshot(whole=True).save(args.picture)
    computed = clock()[1] - start[1]  # the editor's too, which has ended
    print(
        f"{last[0] - start[0]:6.1f} s in all, the processor {computed:.1f} s; the window: {args.picture}"
    )


if __name__ == "__main__":
    main()
