"""The Node peers' packages, installed once into a cache outside of the source tree."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .process import ProcessError

PEERS = Path(__file__).parent / "peers"
CACHE = Path(__file__).parent / ".cache"
INSTALL_PATIENCE = 180.0
MANIFESTS = ("package.json", "package-lock.json")
# No scripts: ws 0.4 would try to compile an addon that no Node of today can load. One retry, soon:
# npm's own patience with a registry out of reach is more than a minute.
INSTALL = (
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
)


@functools.cache
def node_modules() -> Path:
    """The folder of the pinned packages, for NODE_PATH; npm fetches them the first time."""
    manifests = b"".join((PEERS / name).read_bytes() for name in MANIFESTS)
    home = CACHE / f"node-{hashlib.sha256(manifests).hexdigest()[:16]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "node.lock").open("w") as lock:
        # Held while npm works: sessions that run side by side wait for the one that came first.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _install(home)
    return home / "node_modules"


def _install(home: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ProcessError("npm is not on the PATH")
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        for name in MANIFESTS:
            shutil.copy(PEERS / name, scratch)
        try:
            done = subprocess.run(
                [npm, *INSTALL],
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=INSTALL_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProcessError(f"npm ci did not end in {INSTALL_PATIENCE:g} s") from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
            raise ProcessError(" ".join(["npm ci failed:", *said[:2]]))
        # Last and in one step, so that a session that was killed leaves nothing half done behind.
        packages = Path(scratch) / "package"
        packages.mkdir()
        (Path(scratch) / "node_modules").rename(packages / "node_modules")
        packages.rename(home)


def environment() -> dict[str, str]:
    """The environment in which Node finds the packages."""
    return {**os.environ, "NODE_PATH": str(node_modules())}
