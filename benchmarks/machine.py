"""Where and with what a table was measured: figures mean little without it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import node


def describe() -> dict[str, str]:
    """Names and values, in the order in which they are printed."""
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "CPUs": f"{os.cpu_count()} of {_line('/proc/cpuinfo', 'model name')}",
        "memory": _memory(),
        # Near 0, or others were busy on the same CPUs while this was measured.
        "load before": f"{os.getloadavg()[0]:.2f}",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    for package in ("ws76proxy", "uvloop", "mitmproxy", "websockets"):
        facts[package] = _package_version(package)
    facts["HAProxy"] = _program_version("haproxy", "-v")
    facts["Node"] = _program_version("node", "--version")
    facts["ws (Node)"] = node.version()
    facts["C compiler"] = _program_version("cc", "--version")
    return facts


def _line(file: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", Path(file).read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _memory() -> str:
    kibibytes = _line("/proc/meminfo", "MemTotal").removesuffix(" kB")
    return f"{int(kibibytes) / 2**20:.1f} GiB" if kibibytes.isdigit() else kibibytes


def _package_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _program_version(program: str, option: str) -> str:
    path = shutil.which(program)
    if path is None:
        return "not installed"
    try:
        shown = subprocess.run(
            [path, option], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(r"\d+\.\d[\w.+~-]*", shown.stdout)
    return found[0] if found else "unknown"
