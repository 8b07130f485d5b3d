"""Each action of a rule as a session of its own, and a script: what is said in it, and the rules.

All of them stand in one rule file and run in one proxy: the resource that a session asks for says
which rules are for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "CASES",
    "ELSEWHERE",
    "INJECTED",
    "LIMIT",
    "LONG",
    "SCRIPT",
    "TEXT",
    "Case",
    "plan",
    "rule_file",
]

TEXT = "Grüße"
INJECTED = "Сообщение из файла"
ELSEWHERE = "/elsewhere"
LONG = "0123456789" * 60
"""Of 600 bytes."""
GIVES_UP = 700
"""Milliseconds after which the page closes a socket for which nothing more will come."""
LIMIT = 25_000


@dataclass(frozen=True)
class Case:
    """One session. `rules`: of each kind, conditions beside the path, and actions.

    The rest is what the page does, see rules.js.
    """

    name: str
    rules: tuple[tuple[str, str, str], ...] = ()
    messages: tuple[str, ...] = ("one",)
    replies: Mapping[str, str] = field(default_factory=dict)
    repeat: str | None = None
    protocol: str | None = None
    expect: int | None = 1
    patience: int | None = None

    @property
    def path(self) -> str:
        """What it asks for."""
        return f"/{self.name}"

    def toml(self) -> str:
        """Its part of the rule file."""
        texts = []
        for number, (kind, when, actions) in enumerate(self.rules):
            name = self.name if len(self.rules) == 1 else f"{self.name} {number + 1}"
            conditions = f'path = "{self.path}"' + (f", {when}" if when else "")
            texts.append(
                f'[[{kind}]]\nname = "{name}"\nwhen = {{ {conditions} }}\ndo = [{actions}]\n'
            )
        return "\n".join(texts)


def message(name: str, actions: str, when: str = 'from = "client"', **page: Any) -> Case:
    """A case with one rule for messages, those of the client where nothing else is said."""
    return Case(name, (("message", when, actions),), **page)


def request(name: str, actions: str, **page: Any) -> Case:
    """A case with one rule for requests."""
    return Case(name, (("request", "", actions),), **page)


def response(name: str, actions: str, **page: Any) -> Case:
    """A case with one rule for answers."""
    return Case(name, (("response", "", actions),), **page)


SERVER = 'from = "server"'
CASES = [
    Case("untouched", messages=("one", TEXT), expect=2),
    # Messages
    message(
        "replace",
        r'{ action = "replace", regex = "(?P<n>[0-9]+)", with = "<\\g<n>>" }',
        messages=("12 of 13",),
    ),
    message("set-text", f'{{ action = "set-text", text = "{TEXT}" }}'),
    message(
        "json-set",
        '{ action = "json-set", path = "$.price", value = 9 }',
        messages=('{"a":  1, "price": 12 }',),
    ),
    message(
        "json-remove",
        '{ action = "json-remove", path = "$.a" }',
        SERVER,
        messages=('{"a":  1, "price": 12 }',),
    ),
    message(
        "drop",
        '{ action = "drop" }',
        'from = "client", number = 2',
        messages=("one", "two", "three"),
        expect=2,
    ),
    message("duplicate", '{ action = "duplicate", times = 2 }', expect=3),
    message("delay", '{ action = "delay", seconds = 0.4 }'),
    message(
        "swap",
        '{ action = "swap" }',
        'from = "client", text = "one"',
        messages=("one", "two"),
        expect=2,
    ),
    message(
        "hold",
        '{ action = "hold", until = { from = "client", text = "go" } }',
        'from = "server", text = "one"',
        repeat="go",
        expect=2,
    ),
    message("truncate-characters", '{ action = "truncate", characters = 3 }', messages=(TEXT,)),
    message("truncate-bytes", '{ action = "truncate", bytes = 3 }', SERVER, messages=(TEXT,)),
    message("corrupt", '{ action = "corrupt", bytes = 2 }', SERVER, messages=(LONG,)),
    message(
        "inject-text",
        f'{{ action = "inject", to = "client", text = "{TEXT}", place = "before" }}',
        SERVER,
        expect=2,
    ),
    message("inject-file", '{ action = "inject", to = "server", file = "said.txt" }', expect=2),
    # A frame with a length, which hixie's libraries cannot send; and a message in raw bytes.
    message(
        "inject-hex",
        '{ action = "inject", to = "client", hex = "80 02 68 69 00 72 61 77 ff" }',
        SERVER,
        expect=2,
    ),
    message("close-handshake", '{ action = "close", how = "closing-handshake" }', expect=None),
    message("close-fin", '{ action = "close", how = "fin" }', expect=None),
    message("close-reset", '{ action = "close", how = "reset" }', expect=None),
    message(
        "stop-reading",
        '{ action = "stop-reading", from = "client", seconds = 0.4 }',
        'text = "one", from = "client"',
        replies={"one": "two"},
        expect=2,
    ),
    message(
        "throttle",
        '{ action = "throttle", bytes-per-second = 1000 }',
        SERVER,
        messages=(LONG,),
    ),
    message("mark", f'{{ action = "mark", text = "{TEXT}" }}'),
    message("hide", '{ action = "hide", regex = "s[0-9]cret" }', "", messages=("my s3cret word",)),
    message("pause", '{ action = "pause" }'),
    # Requests
    request(
        "set-request",
        '{ action = "set", query = "room=2", origin = "http://shop.example",'
        ' host = "shop.example" }',
    ),
    request("set-path", f'{{ action = "set", path = "{ELSEWHERE}" }}'),
    request("set-field", '{ action = "set-field", name = "X-Test", value = "Grüße" }'),
    request(
        "remove-field",
        '{ action = "remove-field", name = "Sec-WebSocket-Protocol" }',
        protocol="chat",
        expect=None,
    ),
    request(
        "rename-field",
        '{ action = "rename-field", name = "Sec-WebSocket-Protocol", to = "X-Protocol" }',
        protocol="chat",
        expect=None,
    ),
    request(
        "answer",
        '{ action = "answer", status = 403, fields = { X-Test = "no" }, body = "go away" }',
        expect=None,
    ),
    request("cut-key3", '{ action = "cut-key3", bytes = 3 }', expect=None, patience=GIVES_UP),
    request("delay-request", '{ action = "delay", seconds = 0.4 }'),
    request("split-request", '{ action = "split", at = [10, 40], pause = 0.3 }'),
    request("close-request", '{ action = "close", how = "fin" }', expect=None),
    request("mark-request", f'{{ action = "mark", text = "{TEXT}" }}'),
    # Answers
    response(
        "set-response",
        '{ action = "set", location = "ws://shop.example/", origin = "http://shop.example",'
        ' subprotocol = "other", status-line = "HTTP/1.1 101 Hello" }',
        expect=None,
    ),
    response(
        "change-response",
        '{ action = "set-field", name = "X-Test", value = "yes" },'
        ' { action = "rename-field", name = "Upgrade", to = "X-Upgrade" },'
        ' { action = "remove-field", name = "Connection" }',
        expect=None,
    ),
    response(
        "corrupt-digest",
        '{ action = "corrupt-digest", bug = "digest-little-endian" }',
        expect=None,
    ),
    response("delay-response", '{ action = "delay", seconds = 0.4 }'),
    response("split-response", '{ action = "split", at = [10, 40], pause = 0.3 }'),
    response("close-response", '{ action = "close", how = "fin" }', expect=None),
    response("mark-response", f'{{ action = "mark", text = "{TEXT}" }}'),
    # A script
    Case("script", messages=("one", "drop me", "two"), expect=3),
]

SCRIPT = '''"""All four functions, of which two wait."""

import asyncio
import json
from pathlib import Path

OURS = "/script"


async def on_request(request):
    if request.session.path == OURS:
        await asyncio.sleep(0)
        request.headers.set("X-Script", "asked")
        request.session.state["said"] = []


def on_response(response):
    if response.session.path == OURS:
        response.headers.set("X-Script", f"answered {response.status}")


async def on_message(message):
    session = message.session
    if session.path != OURS:
        return
    session.state["said"].append(f"{message.side} {message.number}: {message.text}")
    if message.text.startswith("drop"):
        message.drop()
    elif message.from_client:
        await asyncio.sleep(0.01)
        message.text = message.text.upper()
    elif message.number == 1:
        session.inject("client", "in between")
        session.mark("seen")


def on_close(close):
    session = close.session
    if session.path == OURS:
        told = {"by": close.by, "how": close.how, "said": session.state["said"]}
        Path(__file__).with_name("closed.json").write_text(json.dumps(told), encoding="utf-8")
'''


def rule_file() -> str:
    """All rules."""
    return "seed = 76\n\n" + "\n".join([case.toml() for case in CASES if case.rules])


def plan(url: str) -> bytes:
    """What the page is to do, as JSON."""
    sockets = []
    for case in CASES:
        entry = asdict(case)
        del entry["rules"]
        sockets.append({**entry, "url": f"{url}{case.path}?room=1"})
    return json.dumps({"limit": LIMIT, "sockets": sockets}).encode()
