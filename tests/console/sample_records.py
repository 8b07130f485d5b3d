"""Sessions as records, made by hand: what the console's tests show, and what one can look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import (
    SCHEMA_VERSION,
    AdjustmentRecord,
    AnyRecord,
    ChallengeRecord,
    ClosingRecord,
    Counts,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    Messages,
    NoticeRecord,
    Peer,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
    Verdict,
    key_reading,
)
from ws76proxy.wire.challenge import Challenge, read_key
from ws76proxy.wire.events import InvalidText, TextFrames

Told = AnyRecord | Messages

# The example of draft-hixie-thewebsocketprotocol-76, 1.2, and a challenge of the relay's own.
KEY1 = b"18x 6]8vM;54 *(5:  {   U1]8  z [  8"
KEY2 = b"1_ tx7X d  <  nf  334J702) 7]o}` 0"
KEY3 = b"Tm[K T2u"
DIGEST = b"fQJ,fN/4F4!~K~MH"
CHALLENGE = Challenge(read_key(KEY1), read_key(KEY2), KEY3)
OWN = Challenge(read_key(b"4 @1  46546xW%0l 1 5"), read_key(b"12998 5 Y3 1  .P00"), b"^n:ds[4U")
WRONG = hashlib.md5(b"another answer", usedforsecurity=False).digest()

CLIENT, LISTENER, UPSTREAM = "127.0.0.1:51234", "ws://127.0.0.1:8076", "ws://chat.example:9000"
HOST = "127.0.0.1:8076"
COOKIE = "sid=k8s-4f1c-secret"


def start(session: int, client: str = CLIENT) -> SessionStartRecord:
    return SessionStartRecord(
        session=session,
        time=0.0,
        version=SCHEMA_VERSION,
        started="2026-03-14T15:09:26.535+01:00",
        client=client,
        listener=LISTENER,
        upstream=UPSTREAM,
    )


def request(
    session: int,
    *,
    dialect: str = "hixie-76",
    target: str = "/chat?room=1",
    protocol: str | None = "chat",
    adjusted: bool = True,
    extra: str = "",
) -> RequestRecord:
    prefix = "Sec-WebSocket-" if dialect == "hixie-76" else "WebSocket-"
    keys = (
        f"Sec-WebSocket-Key1: {KEY1.decode()}\r\nSec-WebSocket-Key2: {KEY2.decode()}\r\n"
        if dialect == "hixie-76"
        else ""
    )
    head = (
        f"GET {target} HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: {HOST}\r\n"
        + f"Origin: http://{HOST}\r\n{keys}"
        + (f"{prefix}Protocol: {protocol}\r\n" if protocol else "")
        + f"Cookie: {COOKIE}\r\n{extra}\r\n"
    )
    sent = head.replace(HOST, "chat.example:9000") if adjusted else None
    return RequestRecord(
        session=session, time=0.002, dialect=dialect, target=target, head=head, sent=sent
    )


def response(
    session: int,
    *,
    status: int | None = 101,
    reason: str = "WebSocket Protocol Handshake",
    prefix: str = "Sec-WebSocket-",
    origin: str = "http://chat.example:9000",
    location: str = "ws://chat.example:9000/chat?room=1",
    protocol: str | None = "chat",
    extra: str = "",
) -> ResponseRecord:
    head = (
        f"HTTP/1.1 {status} {reason}\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        + f"{prefix}Origin: {origin}\r\n{prefix}Location: {location}\r\n"
        + (f"{prefix}Protocol: {protocol}\r\n" if protocol else "")
        + f"{extra}\r\n"
    )
    sent = head.replace("chat.example:9000", HOST)
    return ResponseRecord(
        session=session, time=0.011, status=status, reason=reason, head=head, sent=sent
    )


def adjustments(
    session: int, toward: Peer, *changes: tuple[str, str, str, str]
) -> list[AdjustmentRecord]:
    return [
        AdjustmentRecord(
            session=session,
            time=0.003,
            toward=toward,
            what=what,
            before=before,
            after=after,
            cause="proxy",
            why=why,
        )
        for what, before, after, why in changes
    ]


TO_SERVER = (
    ("Host", HOST, "chat.example:9000", "the server expects its own address"),
    (
        "Origin",
        f"http://{HOST}",
        "http://chat.example:9000",
        "the page came through this proxy: to the server it is the server's own",
    ),
)
TO_CLIENT = (
    (
        "Sec-WebSocket-Location",
        "ws://chat.example:9000/chat?room=1",
        f"ws://{HOST}/chat?room=1",
        "the client knows this address",
    ),
    (
        "Sec-WebSocket-Origin",
        "http://chat.example:9000",
        f"http://{HOST}",
        "the client's own Origin",
    ),
)


def challenge(
    session: int,
    *,
    asked: Challenge | None = CHALLENGE,
    received: bytes = DIGEST,
    verdict: Verdict = "verified",
    asked_by: Literal["client", "relay"] = "client",
    answered_by: Literal["server", "relay"] = "server",
    sent: bytes | None = None,
) -> ChallengeRecord:
    answer = asked.answer if asked else None
    return ChallengeRecord(
        session=session,
        time=0.011,
        asked_by=asked_by,
        answered_by=answered_by,
        key1=key_reading(asked.key1) if asked else None,
        key2=key_reading(asked.key2) if asked else None,
        key3=asked.key3.hex() if asked else "",
        expected=answer.hex() if answer else None,
        received=received.hex(),
        verdict=verdict,
        sent=sent.hex() if sent else None,
    )


def finding(
    session: int,
    code: str = "digest-wrong",
    severity: Severity = Severity.ERROR,
    *,
    title: str = "The digest does not answer this challenge",
    detail: str = "the 16 bytes are MD5 of nothing that is known: no hypothesis reproduces them",
    evidence: str = "",
    time: float = 0.011,
    stream: Peer | None = "server",
) -> FindingRecord:
    return FindingRecord(
        session=session,
        time=time,
        code=code,
        severity=severity,
        side="server",
        title=title,
        detail=detail,
        consequence="The client closes at once. WebKit prints nothing whatever about it: the page "
        "sees a close event and no reason.",
        fix="Send MD5, 16 raw bytes, over part 1 and part 2 as 32-bit big-endian integers "
        "followed by the 8 bytes of key3 as they came.",
        section="5.2",
        stream=stream,
        offset=180,
        evidence=evidence,
    )


def passed(session: int, *codes: str) -> list[FindingRecord]:
    return [
        finding(session, code, Severity.GOOD, title=f"passed: {code}", detail="", stream="client")
        for code in codes
    ]


def messages(session: int, time: float, direction: Peer, *texts: str, first: int = 1) -> Messages:
    raw = b"".join(b"\0" + text.encode() + b"\xff" for text in texts)
    joined = "".join(f"\0{text}" for text in texts) if len(texts) != 1 else texts[0]
    return Messages(session, time, direction, first, TextFrames(900, raw, len(texts), joined))


def bad_message(session: int, time: float) -> Messages:
    raw = b"\0caf\xe9 \x1b[31m\xff"
    text = raw[1:-1].decode("utf-8", "replace")
    return Messages(session, time, "server", 3, InvalidText(1200, raw, text, 3, 4))


def frame(session: int, time: float = 12.5, direction: Peer = "server") -> FrameRecord:
    return FrameRecord(
        session=session,
        time=time,
        direction=direction,
        frame_type=0x80,
        offset=1300,
        size=7,
        raw="gAUBAgNhYg==",
    )


def closing(session: int, time: float = 41.2, detail: str = "") -> ClosingRecord:
    return ClosingRecord(
        session=session, time=time, by="client", how="end-of-stream", detail=detail
    )


def end(
    session: int,
    *,
    time: float = 41.203,
    dialect: str = "hixie-76",
    outcome: Literal["open", "refused", "failed", "passed-on", "http", "nothing"] = "open",
    verdict: Verdict | None = "verified",
    findings: Iterable[str] = (),
) -> SessionEndRecord:
    return SessionEndRecord(
        session=session,
        time=time,
        dialect=dialect,
        outcome=outcome,
        verdict=verdict,
        client=Counts(bytes=1_204, messages=2, frames=0),
        server=Counts(bytes=2_345, messages=3, frames=1),
        findings=list(findings),
    )


def http(session: int, target: str = "/page.html") -> HttpRecord:
    return HttpRecord(
        session=session,
        time=0.004,
        method="GET",
        target=target,
        status=200,
        reason="OK",
        content_type="text/html; charset=utf-8",
    )


def notice(
    level: Literal["info", "warning", "error"] = "warning", session: int = 0
) -> NoticeRecord:
    text = "--legacy-tls: TLS 1.0 and 1.1 are allowed, with ciphers that are no longer safe"
    return NoticeRecord(session=session, time=0.0, level=level, text=text)


GOOD = ("keys-well-formed", "digest-verified", "origin-matches", "location-matches")


def handshake(session: int) -> list[Told]:
    """A hixie-76 handshake that goes well."""
    return [
        start(session),
        request(session),
        *adjustments(session, "server", *TO_SERVER),
        *passed(session, GOOD[0]),
        response(session),
        *adjustments(session, "client", *TO_CLIENT),
        *passed(session, *GOOD[2:]),
        challenge(session),
        *passed(session, GOOD[1]),
    ]


def good_session(session: int = 3) -> list[Told]:
    return [
        *handshake(session),
        messages(session, 12.345, "client", "Grüße aus Köln", '{"join":"room 1","user":"ada"}'),
        messages(session, 12.351, "server", "日本語のテキスト " * 9, "", first=1),
        bad_message(session, 12.4),
        frame(session),
        messages(session, 12.6, "server", "one\ttab, \x1b[31mred\x1b[0m and \u202ereversed\x9b2J"),
        closing(session),
        ClosingRecord(session=session, time=41.201, by="server", how="closing-handshake"),
        finding(
            session,
            "closed-without-handshake",
            Severity.WARNING,
            title="The connection ended without a closing handshake",
            detail="the client ended its stream without FF 00",
            time=41.202,
            stream="client",
        ),
        end(session, findings=["text-not-utf8", "closed-without-handshake"]),
    ]


def wrong_session(session: int = 4, *, repaired: bool = False) -> list[Told]:
    """The server answers another challenge; some other things are odd too."""
    return [
        start(session, "[fe80::5054:ff:fe12:3456]:51240"),
        request(session, adjusted=False, protocol="chat, superchat"),
        finding(
            session,
            "origin-with-path",
            Severity.INFO,
            title="A thing worth knowing",
            detail="nothing is wrong with it, and it may be of use to whoever looks for causes",
        ),
        response(
            session,
            origin="http://127.0.0.1",
            location="ws://127.0.0.1/chat",
            protocol=None,
            extra="Set-Cookie: token=very-secret; path=/\r\n",
        ),
        finding(
            session,
            "location-host-differs",
            title="Sec-WebSocket-Location names another port and no query",
            detail=f'expected "ws://{HOST}/chat?room=1", found "ws://127.0.0.1/chat"',
        ),
        challenge(
            session,
            received=WRONG[:3] + DIGEST[3:7] + WRONG[7:],
            verdict="wrong",
            sent=DIGEST if repaired else None,
        ),
        finding(session, evidence="\x00\xff\x1b[31m"),
        closing(session, 0.014),
        end(
            session,
            time=0.015,
            verdict="wrong",
            findings=["location-host-differs", "digest-wrong"],
        ),
    ]


def own_session(session: int = 5) -> list[Told]:
    """The relay asks a challenge of its own."""
    keys = [
        AdjustmentRecord(
            session=session,
            time=0.003,
            toward="server",
            what=f"Sec-WebSocket-Key{number}",
            before=before.decode(),
            after=after.decode(),
            cause="challenge",
            why="a challenge of our own",
        )
        for number, before, after in ((1, KEY1, OWN.key1.text), (2, KEY2, OWN.key2.text))
    ]
    return [
        start(session),
        request(session),
        *adjustments(session, "server", TO_SERVER[0]),
        *keys,
        response(session),
        challenge(session, asked=OWN, received=OWN.answer or b"", asked_by="relay"),
        challenge(session, answered_by="relay"),
        *passed(session, *GOOD),
        end(session),
    ]


def old_session(session: int = 6) -> list[Told]:
    """Hixie-75: no keys, no digest."""
    return [
        start(session),
        request(session, dialect="hixie-75", protocol=None),
        response(session, prefix="WebSocket-", protocol=None),
        *passed(session, *GOOD[2:]),
        messages(session, 0.5, "client", "hello"),
        end(session, dialect="hixie-75", verdict=None),
    ]


def refused_session(session: int = 7) -> list[Told]:
    return [
        start(session),
        request(session, adjusted=False),
        response(session, status=426, reason="Upgrade Required", extra="Content-Length: 0\r\n"),
        finding(
            session,
            "status-426",
            title="The server does not speak this version",
            detail="426, Sec-WebSocket-Version: 13: it wants RFC 6455",
        ),
        end(session, time=0.2, outcome="refused", verdict=None, findings=["status-426"]),
    ]


def hanging_session(session: int = 8) -> list[Told]:
    """Key3 never comes, and the time for the handshake is over."""
    return [
        start(session),
        request(session),
        *adjustments(session, "server", *TO_SERVER),
        ClosingRecord(
            session=session,
            time=10.0,
            by="relay",
            how="timeout",
            detail="the opening handshake was not done within 10 s",
        ),
        finding(
            session,
            "key3-missing",
            title="The 8 bytes after the request's head never came",
            detail="0 of 8 bytes came",
            stream="client",
        ),
        end(session, time=10.0, outcome="failed", verdict=None, findings=["key3-missing"]),
    ]


def cut_session(session: int = 9) -> list[Told]:
    """The server's digest stays incomplete; the keys are faulty."""
    faulty = Challenge(read_key(b"no digits here"), read_key(b"17 3 7"), b"")
    return [
        start(session),
        request(session, adjusted=False),
        response(session),
        closing(session, 3.0),
        challenge(session, asked=faulty, received=DIGEST[:5], verdict="missing"),
        challenge(session, asked=None, received=DIGEST, verdict="unanswerable"),
        end(session, time=3.0, outcome="failed", verdict="missing", findings=["digest-short"]),
    ]


def web_session(session: int = 10) -> list[Told]:
    return [
        start(session),
        http(session),
        http(session, "/scripts/a/very/long/path/" + "x" * 200),
        closing(session, 5.0),
        end(session, time=5.0, dialect="http", outcome="http", verdict=None),
    ]


def foreign_session(session: int = 11) -> list[Told]:
    return [
        start(session),
        request(session, dialect="rfc6455"),
        finding(
            session,
            "rfc6455-client",
            Severity.WARNING,
            title="The client speaks RFC 6455",
            detail="Sec-WebSocket-Version: 13; passed on as bytes, not decoded",
            stream="client",
        ),
        closing(session, 5.0),
        end(session, time=5.0, dialect="rfc6455", outcome="passed-on", verdict=None),
    ]


def silent_session(session: int = 12) -> list[Told]:
    return [
        start(session),
        closing(session, 5.0),
        end(session, time=5.0, dialect="", outcome="nothing", verdict=None),
    ]


def all_sessions() -> list[list[Told]]:
    return [
        [notice("info"), notice("warning"), notice("error")],
        good_session(),
        wrong_session(),
        own_session(),
        old_session(),
        refused_session(),
        hanging_session(),
        cut_session(),
        web_session(),
        foreign_session(),
        silent_session(),
    ]
