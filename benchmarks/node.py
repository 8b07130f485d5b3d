"""The Node baseline's packages, installed once into the folder of what is built."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from benchmarks.build import BUILD

RELAY = Path(__file__).parent / "baseline_ws" / "relay.js"
_MANIFESTS = tuple(RELAY.with_name(name) for name in ("package.json", "package-lock.json"))
_PATIENCE = 180.0
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")


def modules() -> Path:
    """Where the pinned packages are, for NODE_PATH, once they are installed."""
    pinned = hashlib.sha256(b"".join(path.read_bytes() for path in _MANIFESTS)).hexdigest()
    return BUILD / f"node-{pinned[:16]}" / "node_modules"


def version() -> str:
    """The pinned version of `ws`."""
    pinned: str = json.loads(_MANIFESTS[0].read_bytes())["dependencies"]["ws"]
    return pinned


@functools.cache
def missing() -> str | None:
    """What the relay lacks, or None; npm fetches the packages the first time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return program
    home = modules().parent
    if not home.exists() and not _install(home):
        return "ws (npm ci failed)"
    return None


def _install(home: Path) -> bool:
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as name:
        scratch = Path(name)
        for manifest in _MANIFESTS:
            shutil.copy(manifest, scratch)
        try:
            done = subprocess.run(
                ["npm", *_INSTALL],
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode:
            return False
        # In one step, so that what was broken off leaves nothing half done behind. Of two that
        # install at a time, one comes too late.
        packages = scratch / "package"
        packages.mkdir()
        (scratch / "node_modules").rename(packages / "node_modules")
        with suppress(OSError):
            packages.rename(home)
    return home.exists()
