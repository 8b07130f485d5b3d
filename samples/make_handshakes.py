"""Writes samples/handshakes from handshake_table: ``python samples/make_handshakes.py``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from handshake_table import SAMPLES, Sample

HERE = Path(__file__).parent / "handshakes"


def toml(sample: Sample) -> str:
    """The sample's description; see handshakes/README.md."""
    lines = [f"title = {quoted(sample.title)}", f"source = {quoted(sample.source)}"]
    if sample.secure:
        lines.append("secure = true")
    if sample.listener:
        lines.append(f"listener = {quoted(sample.listener)}")
    lines.append(f"expect = {listed(sample.expect)}")
    lines.append(f"forbid = {listed(sample.forbid)}")
    if sample.steps:
        lines.append(f"steps = {listed(sample.steps)}")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(texts: tuple[str, ...]) -> str:
    """A TOML array of strings."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def files(sample: Sample) -> dict[str, bytes]:
    """File name to content."""
    made = {"sample.toml": toml(sample).encode()}
    if sample.client:
        made["client.bytes"] = sample.client
    if sample.server:
        made["server.bytes"] = sample.server
    return made


def write(root: Path) -> None:
    """Write every sample below `root`, and remove files that no sample has."""
    wanted = {
        root / name / file: content
        for name, sample in SAMPLES.items()
        for file, content in files(sample).items()
    }
    for path in root.glob("*/*"):
        if path not in wanted:
            path.unlink()
    for path in root.iterdir() if root.is_dir() else ():
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write(HERE)
    print(f"{len(SAMPLES)} samples in {HERE}")
