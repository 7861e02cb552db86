"""``python -m browsers``: which browsers this machine can test, and what to install for the others."""

from __future__ import annotations

from browsers import DRIVERS


def main() -> None:
    """A line for each browser, and the packages that are lacking."""
    lacking: list[str] = []
    for driver in DRIVERS:
        packages = driver.missing()
        lacking += packages
        print(f"{driver.name}: {'lacks ' + ', '.join(packages) if packages else 'here'}")
    if lacking:
        wanted = " ".join(dict.fromkeys(lacking))
        print(f"on Debian, for the rest: apt install --no-install-recommends {wanted}")


if __name__ == "__main__":
    main()
