"""The relays that are compared, as data: how each is started, what it needs, what it is held to."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.aims import ADDON, RECORDS, WITHOUT_RECORDING, Aim

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Relay:
    name: str
    title: str
    command: tuple[str, ...] = ()
    """With `{upstream}` for the port of the server and `{listen}` for the relay's own. A command
    without `{listen}` picks its port and announces it on stderr: `listening on ws://HOST:PORT`.
    `{scratch}` is a folder for what it writes, removed afterwards.
    Empty: the load generator talks to the server itself."""
    environment: dict[str, str] = field(default_factory=dict)
    module: str | None = None
    program: str | None = None
    """What must be installed, or the relay is listed as missing."""
    reference: str = "asyncio"
    """The relay that its figures are divided by."""
    rfc6455: bool = False
    """Speaks RFC 6455 only, so the load generator does too."""
    aims: tuple[Aim, ...] = ()
    default: bool = True

    @property
    def announces_port(self) -> bool:
        return not any("{listen}" in part for part in (*self.command, *self.environment.values()))

    def missing(self) -> str | None:
        """What is not installed, or None."""
        if self.module is not None and importlib.util.find_spec(self.module) is None:
            return self.module
        if self.program is not None and shutil.which(self.program) is None:
            return Path(self.program).name
        return None


MITMPROXY = "mitmdump"
_MITMDUMP = str(Path(sys.executable).parent / "mitmdump")
_REVERSE = (
    *(_MITMDUMP, "-q", "--mode", "reverse:http://127.0.0.1:{upstream}"),
    *("--listen-host", "127.0.0.1", "-p", "{listen}"),
    # Its certificate authority belongs in no one's home directory.
    *("--set", f"confdir={HERE / 'build' / 'mitmproxy'}"),
)
_WITH_ADDON = (*_REVERSE, "-s", str(HERE.parent / "addons" / "ws76.py"))
_PASS_THROUGH = (sys.executable, "-m", "benchmarks.baseline_asyncio", "{upstream}")
_RELAY = (
    *(sys.executable, "-m", "ws76proxy", "relay", "ws://127.0.0.1:{upstream}"),
    *("--listen", "127.0.0.1:0", "-q"),
)
# The limit of a session would make it cheaper.
_RECORDING = ("--record", "{scratch}/sessions", "--record-limit", "0")

RELAYS = {
    relay.name: relay
    for relay in (
        Relay("direct", "none (direct)"),
        Relay(
            "haproxy",
            "HAProxy, TCP mode",
            ("haproxy", "-db", "-q", "-f", str(HERE / "haproxy.cfg")),
            {"WS_LISTEN_PORT": "{listen}", "WS_UPSTREAM_PORT": "{upstream}"},
            program="haproxy",
        ),
        Relay("asyncio", "asyncio pass-through", _PASS_THROUGH),
        Relay(
            "asyncio-uvloop",
            "asyncio pass-through, uvloop",
            (*_PASS_THROUGH, "--uvloop"),
            module="uvloop",
            reference="asyncio-uvloop",
        ),
        Relay(
            "ws76",
            "ws76proxy relay",
            (*_RELAY, "--loop", "asyncio"),
            module="ws76proxy",
            aims=WITHOUT_RECORDING,
        ),
        Relay(
            "ws76-uvloop",
            "ws76proxy relay, uvloop",
            (*_RELAY, "--loop", "uvloop"),
            module="uvloop",
            reference="asyncio-uvloop",
            aims=WITHOUT_RECORDING,
        ),
        Relay(
            "ws76-metrics",
            "ws76proxy relay, --metrics",
            (*_RELAY, "--loop", "asyncio", "--metrics", "127.0.0.1:0"),
            module="ws76proxy",
            aims=WITHOUT_RECORDING,
            default=False,
        ),
        Relay(
            "ws76-uvloop-metrics",
            "ws76proxy relay, uvloop, --metrics",
            (*_RELAY, "--loop", "uvloop", "--metrics", "127.0.0.1:0"),
            module="uvloop",
            reference="asyncio-uvloop",
            aims=WITHOUT_RECORDING,
            default=False,
        ),
        Relay(
            "ws76-record",
            "ws76proxy relay, recording",
            (*_RELAY, "--loop", "asyncio", *_RECORDING),
            module="ws76proxy",
            aims=RECORDS,
        ),
        Relay(
            "ws76-uvloop-record",
            "ws76proxy relay, uvloop, recording",
            (*_RELAY, "--loop", "uvloop", *_RECORDING),
            module="uvloop",
            reference="asyncio-uvloop",
            aims=RECORDS,
        ),
        Relay(
            "ws76-uvloop-json",
            "ws76proxy relay, uvloop, --json to /dev/null",
            (*_RELAY, "--loop", "uvloop", "--json"),
            module="uvloop",
            reference="asyncio-uvloop",
            aims=RECORDS,
            default=False,
        ),
        Relay(
            MITMPROXY,
            "mitmdump, RFC 6455",
            _REVERSE,
            program=_MITMDUMP,
            rfc6455=True,
        ),
        Relay(
            "mitmdump-ws76",
            "mitmdump with the addon",
            _WITH_ADDON,
            program=_MITMDUMP,
            aims=ADDON,
        ),
        Relay(
            "mitmdump-ws76-100",
            "mitmdump with the addon, 100 messages kept",
            (*_WITH_ADDON, "--set", "ws76_max_messages=100"),
            program=_MITMDUMP,
            default=False,
        ),
    )
}
