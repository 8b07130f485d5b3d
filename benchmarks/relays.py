"""The relays that are compared, as data: how each is started, what it needs, what it is held to."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks import aims, node, rules
from benchmarks.aims import ADDON, MITMPROXY, RECORDS, WITHOUT_RECORDING, Aim

HERE = Path(__file__).parent

Dialect = Literal["hixie-76", "rfc6455"]


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
    modules: tuple[str, ...] = ()
    program: str | None = None
    needs: Callable[[], str | None] | None = None
    """What must be installed, or the relay is listed as missing. `needs` returns what is not."""
    files: dict[str, Callable[[], str]] = field(default_factory=dict)
    """What it finds in `{scratch}`, by the names of the files."""
    reference: str = "asyncio"
    """The relay that its figures are divided by."""
    client_dialect: Dialect = "hixie-76"
    server_dialect: Dialect = "hixie-76"
    """What the load generator speaks to it, and what the server understands."""
    edits_json: bool = False
    """Makes the edit of `json_edit.py` on every message, so messages are JSON."""
    aims: tuple[Aim, ...] = ()
    default: bool = True

    @property
    def announces_port(self) -> bool:
        return not any("{listen}" in part for part in (*self.command, *self.environment.values()))

    def missing(self) -> str | None:
        """What is not there, or None."""
        for module in self.modules:
            if importlib.util.find_spec(module) is None:
                return module
        if self.program is not None and shutil.which(self.program) is None:
            return Path(self.program).name
        return None if self.needs is None else self.needs()


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

_WEBSOCKETS = (sys.executable, "-m", "benchmarks.baseline_websockets", "{upstream}")
_HOOK = (sys.executable, "-m", "benchmarks.baseline_hook", "{upstream}")
_NODE_WS = "node-ws-rfc6455"


def _rewriting_and_bridging(loop: Literal["asyncio", "uvloop"]) -> tuple[Relay, ...]:
    """What edits messages or changes the dialect, and what it is set against, on one loop."""
    stock = loop == "asyncio"
    on = "" if stock else "-uvloop"
    note = "" if stock else ", uvloop"
    modules = () if stock else ("uvloop",)
    flag = () if stock else ("--uvloop",)
    ours, pass_through = f"ws76{on}", f"asyncio{on}"
    hook, library = f"asyncio{on}-hook-json", f"websockets{on}-rfc6455"
    relay = (*_RELAY, "--loop", loop)
    # As the load generator, the server and the other relays: none compresses.
    bridge = (*relay, "--no-deflate")
    return (
        Relay(
            hook,
            f"asyncio pass-through{note}, JSON hook",
            (*_HOOK, *flag),
            modules=("msgspec", *modules),
            reference=pass_through,
            edits_json=True,
            default=stock,
        ),
        Relay(
            library,
            f"Python websockets relay{note}, RFC 6455",
            (*_WEBSOCKETS, *flag),
            modules=("websockets", *modules),
            reference=pass_through,
            client_dialect="rfc6455",
            server_dialect="rfc6455",
            default=stock,
        ),
        Relay(
            f"{ours}-rules-100",
            f"ws76proxy relay{note}, 100 rules",
            (*relay, "--rules", "{scratch}/rules.toml"),
            modules=("ws76proxy", *modules),
            files={"rules.toml": rules.none_matches},
            reference=pass_through,
            aims=aims.rules(without=ours),
            default=stock,
        ),
        Relay(
            f"{ours}-script-json",
            f"ws76proxy relay{note}, a script that edits JSON",
            (*relay, "--script", str(HERE / "json_edit.py")),
            modules=("ws76proxy", *modules),
            reference=pass_through,
            edits_json=True,
            aims=aims.script(hook),
            default=stock,
        ),
        Relay(
            f"{ours}-bridge-modern-client",
            f"ws76proxy relay{note}, RFC 6455 to hixie-76",
            (*bridge, "--client-dialect", "rfc6455", "--server-dialect", "hixie-76"),
            modules=("ws76proxy", *modules),
            reference=pass_through,
            client_dialect="rfc6455",
            aims=aims.bridge(library, _NODE_WS),
            default=stock,
        ),
        Relay(
            f"{ours}-bridge-old-client",
            f"ws76proxy relay{note}, hixie-76 to RFC 6455",
            (*bridge, "--client-dialect", "hixie-76", "--server-dialect", "rfc6455"),
            modules=("ws76proxy", *modules),
            reference=pass_through,
            server_dialect="rfc6455",
            aims=aims.bridge(library, _NODE_WS),
            default=stock,
        ),
    )


RELAYS = {
    relay.name: relay
    for relay in (
        Relay("direct", "none (direct)"),
        Relay(
            "direct-rfc6455",
            "none (direct), RFC 6455",
            client_dialect="rfc6455",
            server_dialect="rfc6455",
            default=False,
        ),
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
            modules=("uvloop",),
            reference="asyncio-uvloop",
        ),
        Relay(
            "ws76",
            "ws76proxy relay",
            (*_RELAY, "--loop", "asyncio"),
            modules=("ws76proxy",),
            aims=WITHOUT_RECORDING,
        ),
        Relay(
            "ws76-uvloop",
            "ws76proxy relay, uvloop",
            (*_RELAY, "--loop", "uvloop"),
            modules=("uvloop",),
            reference="asyncio-uvloop",
            aims=WITHOUT_RECORDING,
        ),
        Relay(
            "ws76-metrics",
            "ws76proxy relay, --metrics",
            (*_RELAY, "--loop", "asyncio", "--metrics", "127.0.0.1:0"),
            aims=WITHOUT_RECORDING,
            default=False,
        ),
        Relay(
            "ws76-uvloop-metrics",
            "ws76proxy relay, uvloop, --metrics",
            (*_RELAY, "--loop", "uvloop", "--metrics", "127.0.0.1:0"),
            modules=("uvloop",),
            reference="asyncio-uvloop",
            aims=WITHOUT_RECORDING,
            default=False,
        ),
        Relay(
            "ws76-record",
            "ws76proxy relay, recording",
            (*_RELAY, "--loop", "asyncio", *_RECORDING),
            modules=("ws76proxy",),
            aims=RECORDS,
        ),
        Relay(
            "ws76-uvloop-record",
            "ws76proxy relay, uvloop, recording",
            (*_RELAY, "--loop", "uvloop", *_RECORDING),
            modules=("uvloop",),
            reference="asyncio-uvloop",
            aims=RECORDS,
        ),
        Relay(
            "ws76-uvloop-json",
            "ws76proxy relay, uvloop, --json to /dev/null",
            (*_RELAY, "--loop", "uvloop", "--json"),
            modules=("uvloop",),
            reference="asyncio-uvloop",
            aims=RECORDS,
            default=False,
        ),
        Relay(
            MITMPROXY,
            "mitmdump, RFC 6455",
            _REVERSE,
            program=_MITMDUMP,
            client_dialect="rfc6455",
            server_dialect="rfc6455",
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
        Relay(
            _NODE_WS,
            "Node ws relay, RFC 6455",
            ("node", str(node.RELAY), "{upstream}"),
            {"NODE_PATH": str(node.modules())},
            program="node",
            needs=node.missing,
            client_dialect="rfc6455",
            server_dialect="rfc6455",
        ),
        *_rewriting_and_bridging("asyncio"),
        *_rewriting_and_bridging("uvloop"),
    )
}
