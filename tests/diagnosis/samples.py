"""Reads samples/handshakes: see the README there for the format."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ws76proxy.endpoint import Endpoint, parse_address

__all__ = ["ROOT", "Sample", "load_samples", "play"]

ROOT = Path(__file__).parents[2] / "samples" / "handshakes"
_DEFAULT_STEPS = ("client", "server", "client eof", "server eof")


@dataclass(frozen=True)
class Sample:
    """One sample as it is on disk."""

    name: str
    title: str
    source: str
    client: bytes
    server: bytes
    secure: bool
    expect: frozenset[str]
    forbid: frozenset[str]
    steps: tuple[str, ...]
    listener: Endpoint | None = None


def load_samples() -> list[Sample]:
    """All samples, by name."""
    return [_load(path) for path in sorted(ROOT.iterdir()) if path.is_dir()]


def play(sample: Sample) -> Iterator[tuple[str, bytes | None]]:
    """The steps, one by one: a peer and its bytes, a peer and None for its end, or timeout."""
    rest = {"client": sample.client, "server": sample.server}
    for step in sample.steps:
        peer, _, what = step.partition(" ")
        if peer == "timeout" or what == "eof":
            yield peer, None
            continue
        size = int(what) if what else len(rest[peer])
        piece, rest[peer] = rest[peer][:size], rest[peer][size:]
        yield peer, piece
    if any(rest.values()):
        raise ValueError(f"{sample.name}: the steps leave bytes over: {rest}")


def _load(path: Path) -> Sample:
    about = tomllib.loads((path / "sample.toml").read_text(encoding="utf-8"))
    return Sample(
        path.name,
        about["title"],
        about["source"],
        _bytes(path / "client.bytes"),
        _bytes(path / "server.bytes"),
        about.get("secure", False),
        frozenset(about["expect"]),
        frozenset(about["forbid"]),
        tuple(about.get("steps", _DEFAULT_STEPS)),
        _endpoint(about),
    )


def _endpoint(about: dict[str, Any]) -> Endpoint | None:
    if "listener" not in about:
        return None
    return Endpoint(about.get("secure", False), *parse_address(about["listener"]))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
