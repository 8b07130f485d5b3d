"""The addon's options, with their help texts."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from mitmproxy.addonmanager import Loader
from mitmproxy.optmanager import OptManager
from mitmproxy.utils import human

from ws76proxy.bridge import DIALECTS, Binary, BridgeOptions
from ws76proxy.errors import UsageError
from ws76proxy.recording.writer import RecordingOptions
from ws76proxy.wire import Dialect

__all__ = [
    "EDITING_OPTIONS",
    "Settings",
    "add_options",
    "held_limit",
    "read_options",
    "recording_options",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a user can set; `max_messages` 0 keeps all.

    `server_dialect`: what servers are asked in, and `bridge` how clients of another dialect are
    brought together with them; None: what each client speaks itself. `close_timeout`, in seconds:
    how long one side may take to end when the other one has.
    """

    challenge: Literal["forward", "own"] = "forward"
    repair: bool = False
    strict: bool = False
    max_messages: int = 0
    server_dialect: Dialect | None = None
    bridge: BridgeOptions = field(default_factory=BridgeOptions)
    close_timeout: float = 10.0


def add_options(loader: Loader) -> None:
    """Make the options known to mitmproxy."""
    loader.add_option(
        "ws76_challenge",
        str,
        "forward",
        "Hixie-76 handshakes: pass the client's keys on and verify the server's answer (forward),"
        " or ask the server a challenge of our own and answer the client's ourselves (own).",
        choices=("forward", "own"),
    )
    loader.add_option(
        "ws76_repair",
        bool,
        False,
        "Hixie handshakes: correct, on its way to the client, what the client would refuse in the"
        " server's answer: the digest, Location, Origin, Upgrade. The flow says what was changed.",
    )
    loader.add_option(
        "ws76_strict",
        bool,
        False,
        "Hixie handshakes: answer 400 where the draft tells a server to refuse, or where the"
        " request lacks what every server needs. Otherwise all requests are passed on.",
    )
    loader.add_option(
        "ws76_max_messages",
        int,
        0,
        "Hixie sessions: keep only so many messages of each session in memory, the last ones; the"
        " flow says how many were let go. 0 keeps all.",
    )
    loader.add_option(
        "ws76_server_dialect",
        str,
        "same",
        "Ask WebSocket servers in this dialect, whatever their clients speak, and let both talk to"
        " each other; same: as the client asks. A client of the same dialect is passed on as ever.",
        choices=("same", *DIALECTS),
    )
    loader.add_option(
        "ws76_subprotocol",
        str,
        "",
        "Where the server is asked in hixie and the client in RFC 6455: which of the client's"
        " subprotocols to ask for. Otherwise the first one.",
    )
    loader.add_option(
        "ws76_binary",
        str,
        "refuse",
        "Binary messages to a side that speaks hixie, which has none: close the session with 1003"
        " (refuse), leave them out (drop), or send them as text, in base64 or as they are.",
        choices=("refuse", "drop", "base64", "text"),
    )
    loader.add_option(
        "ws76_deflate",
        bool,
        True,
        "Offer and accept permessage-deflate on the side that speaks RFC 6455, where the other one"
        " speaks hixie.",
    )
    loader.add_option(
        "ws76_close_timeout",
        int,
        10,
        "Sessions of two dialects: end them so many seconds after one side has ended, also where"
        " the other one has not. At least 1.",
    )
    loader.add_option(
        "ws76_record",
        str,
        "",
        "Record all hixie sessions: into the file PATH where it ends in .jsonl, else one file each"
        " in the folder PATH.",
    )
    loader.add_option(
        "ws76_record_secrets",
        bool,
        False,
        "Record cookies, authorization and tokens in addresses too.",
    )
    loader.add_option(
        "ws76_record_limit",
        str,
        "1g",
        "Of a session that is larger no further messages are recorded; 0: no limit. Understands"
        " k/m/g suffixes.",
    )
    loader.add_option(
        "ws76_record_total",
        str,
        "16g",
        "How large all files of a recording may become together; 0: no limit. Understands k/m/g"
        " suffixes.",
    )
    loader.add_option(
        "ws76_replay_client",
        Sequence[str],
        [],
        "Play the clients of the hixie sessions in these recordings against their servers.",
    )
    loader.add_option(
        "ws76_replay_server",
        Sequence[str],
        [],
        "Answer hixie clients that ask for a resource in these recordings as the recorded server"
        " did; that server is not asked. Sets connection_strategy to lazy.",
    )

    loader.add_option(
        "ws76_rules",
        Sequence[str],
        [],
        "Change hixie sessions as the rules in these TOML files say; read anew when they change.",
    )
    loader.add_option(
        "ws76_rewrite",
        Sequence[str],
        [],
        "In messages of hixie sessions, put a text for what matches: /regex/text, or"
        " /client/regex/text and /server/regex/text for what one side says.",
    )
    loader.add_option(
        "ws76_scripts",
        Sequence[str],
        [],
        "Show requests, answers and messages of hixie sessions to the functions on_request,"
        " on_response, on_message and on_close of these Python files, which may change them.",
    )
    loader.add_option(
        "ws76_script_errors",
        str,
        "pass",
        "What an exception in such a script does: what it was shown passes unchanged, or the"
        " session is closed too.",
        choices=("pass", "close"),
    )
    loader.add_option(
        "ws76_max_held",
        str,
        "16m",
        "How much of one side may be held back by rules and scripts before it is not listened to"
        " any more. Understands k/m/g suffixes.",
    )


EDITING_OPTIONS = frozenset(
    {"ws76_rules", "ws76_rewrite", "ws76_scripts", "ws76_script_errors", "ws76_max_held"}
)


def read_options(options: OptManager) -> Settings:
    """The options as they are set now."""
    server = options.ws76_server_dialect
    return Settings(
        challenge=cast("Literal['forward', 'own']", options.ws76_challenge),
        repair=options.ws76_repair,
        strict=options.ws76_strict,
        max_messages=max(options.ws76_max_messages, 0),
        server_dialect=None if server == "same" else Dialect(server),
        bridge=BridgeOptions(
            binary=cast("Binary", options.ws76_binary),
            subprotocol=options.ws76_subprotocol.encode() or None,
            deflate=options.ws76_deflate,
        ),
        close_timeout=max(options.ws76_close_timeout, 1),
    )


def recording_options(options: OptManager) -> RecordingOptions | None:
    """What the options say about a recording; None: there is to be none. Raises UsageError."""
    if not options.ws76_record:
        if options.ws76_record_secrets:
            raise UsageError("found ws76_record_secrets without ws76_record; expected both")
        return None
    return RecordingOptions(
        path=Path(options.ws76_record).expanduser().absolute(),
        secrets=options.ws76_record_secrets,
        session_limit=_size(options, "ws76_record_limit"),
        total_limit=_size(options, "ws76_record_total"),
    )


def held_limit(options: OptManager) -> int:
    """How many bytes of one direction may be held back. Raises UsageError."""
    return _size(options, "ws76_max_held")


def _size(options: OptManager, name: str) -> int:
    text: str = getattr(options, name)
    try:
        size = human.parse_size(text)
    except ValueError:
        size = None
    if size is None or size < 0:
        raise UsageError(f"{name}: found {text!r}; expected bytes, such as 65536, 64k or 16g")
    return size
