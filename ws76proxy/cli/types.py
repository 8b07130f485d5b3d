"""What options are read as: sizes, durations, addresses; with what was expected in the refusal."""

from __future__ import annotations

import math
import re
from typing import Any

import click

from ws76proxy.endpoint import Endpoint, parse_address, parse_upstream
from ws76proxy.errors import UsageError

__all__ = ["ADDRESS", "LIMIT", "SECONDS", "SIZE", "UPSTREAM"]

_SIZE = re.compile(r"([0-9]{1,15})\s*([kKmMgG]?)(?:i?[bB])?\Z")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class _Size(click.ParamType[int]):
    name = "size"

    def __init__(self, *, may_be_zero: bool = False) -> None:
        self._may_be_zero = may_be_zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = _SIZE.match(value.strip())
        if match is None or not (int(match[1]) or self._may_be_zero):
            self.fail(f"found {value!r}; expected bytes, such as 65536, 64KiB or 16MiB", param, ctx)
        return int(match[1]) * _FACTORS[match[2].lower()]


class _Seconds(click.ParamType[float]):
    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds <= 10_000_000:
            self.fail(f"found {value!r}; expected seconds, such as 30 or 0.5", param, ctx)
        return seconds


class _Upstream(click.ParamType[Endpoint]):
    name = "upstream"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Endpoint:
        if isinstance(value, Endpoint):
            return value
        try:
            upstream = parse_upstream(value)
            _check_name(upstream.host, "ws://HOST[:PORT] or wss://HOST[:PORT]")
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return upstream


class _Address(click.ParamType["tuple[str, int]"]):
    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        try:
            host, port = parse_address(value)
            _check_name(host, "HOST:PORT")
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return host, port


def _check_name(host: str, expected: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError:
        raise UsageError(f"{host!r}: found no name of a host; expected {expected}") from None


SIZE = _Size()
LIMIT = _Size(may_be_zero=True)
"""A size where 0 means that there is no limit."""
SECONDS = _Seconds()
UPSTREAM = _Upstream()
ADDRESS = _Address()
