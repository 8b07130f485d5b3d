"""Builds the load generator and the echo server with the C compiler of the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "load"
BUILD = Path(__file__).parent / "build"

FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror")
SHARED = ("handshake.c", "frames.c", "md5.c", "sha1.c", "net.c")
PROGRAMS = {
    "ws-server": ("server.c", "sink.c", *SHARED),
    "ws-load": ("load.c", "engine.c", "connection.c", "deframe.c", *SHARED),
}


class BuildError(Exception):
    """The programs cannot be built here."""


@dataclass(frozen=True, slots=True)
class Programs:
    server: Path
    load: Path


def build(compiler: str = "cc") -> Programs:
    """Compile what is older than its sources, and say where the programs are."""
    if shutil.which(compiler) is None:
        raise BuildError(f"no C compiler: '{compiler}' is not on the PATH")
    BUILD.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    for name, sources in PROGRAMS.items():
        program = BUILD / name
        if not program.exists() or program.stat().st_mtime < newest:
            _compile(compiler, sources, program)
    return Programs(server=BUILD / "ws-server", load=BUILD / "ws-load")


def _compile(compiler: str, sources: tuple[str, ...], program: Path) -> None:
    # Two builds may run at a time: each writes a file of its own and renames it into place.
    handle, scratch = tempfile.mkstemp(dir=BUILD, prefix=program.name)
    os.close(handle)
    try:
        result = subprocess.run(
            [compiler, *FLAGS, "-o", scratch, *sources],
            cwd=SOURCES,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if result.returncode:
            raise BuildError(f"{compiler} failed:\n{result.stderr}")
        Path(scratch).replace(program)
    finally:
        Path(scratch).unlink(missing_ok=True)
