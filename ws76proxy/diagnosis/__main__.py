"""Writes the page of all findings: ``python -m ws76proxy.diagnosis docs/findings.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from ws76proxy.diagnosis.report import catalogue_markdown


def main(arguments: list[str]) -> int:
    """Write the page to the one file named, or to standard output; return the exit status."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write("usage: python -m ws76proxy.diagnosis [FILE]\n")
        return 2
    page = catalogue_markdown()
    if not arguments:
        sys.stdout.write(page)
        return 0
    try:
        Path(arguments[0]).write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        sys.stderr.write(f"cannot write {arguments[0]}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
