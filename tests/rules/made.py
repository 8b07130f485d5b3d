"""Rules and sessions for tests, from as little text as they need."""

from __future__ import annotations

from ws76proxy.rules import RuleSet, SessionRules, read_rules
from ws76proxy.rules.decisions import MessageDecision, Side
from ws76proxy.wire.head import RequestHead, ResponseHead

REQUEST = RequestHead.build(
    "GET /chat/room?user=7 HTTP/1.1",
    [
        ("Upgrade", "WebSocket"),
        ("Connection", "Upgrade"),
        ("Host", "shop.example:8080"),
        ("Origin", "http://kiosk.example"),
        ("Sec-WebSocket-Protocol", "prices"),
        ("Cookie", "a=1"),
        ("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"),
        ("Sec-WebSocket-Key2", "12998 5 Y3 1  .P00"),
    ],
)
RESPONSE = ResponseHead.build(
    "HTTP/1.1 101 WebSocket Protocol Handshake",
    [
        ("Upgrade", "WebSocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Location", "ws://shop.example:8080/chat/room?user=7"),
        ("Sec-WebSocket-Origin", "http://kiosk.example"),
        ("Sec-WebSocket-Protocol", "prices"),
        ("Server", "old"),
    ],
)


def no_file(name: str) -> bytes:
    """There are no files."""
    raise FileNotFoundError(2, "No such file or directory", name)


def rules(text: str, *, files: dict[str, bytes] | None = None) -> RuleSet:
    """The rules of a text."""
    return read_rules(text, "rules.toml", read_file=no_file if files is None else files.__getitem__)


def session(
    text: str,
    *,
    number: int = 1,
    dialect: str = "hixie-76",
    request: RequestHead = REQUEST,
    files: dict[str, bytes] | None = None,
) -> SessionRules:
    """The rules of a text in a session."""
    return rules(text, files=files).for_session(number, dialect, request)


def rule(kind: str, when: str, do: str, name: str = "rule", more: str = "") -> str:
    """One rule; `when` and `do` are what stands within the braces; several actions: ``} , {``."""
    condition = f"when = {{ {when} }}\n" if when else ""
    return f'[[{kind}]]\nname = "{name}"\n{condition}do = [{{ {do} }}]\n{more}\n'


def message_rule(when: str = "", do: str = 'action = "mark", text = "yes"', **more: str) -> str:
    """One rule for messages."""
    return rule("message", when, do, **more)


def decided(
    text: str,
    content: bytes,
    *,
    side: Side = "server",
    number: int = 1,
    age: float = 1.0,
    files: dict[str, bytes] | None = None,
) -> MessageDecision | None:
    """What the rules of a text decide about one message."""
    return session(text, files=files).message(side, content, number, age)
