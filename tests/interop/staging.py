"""Sample handshakes made ready for a real browser: its own request is answered as the sample's was.

What was right in a sample's answer is right for the live request too, and what was wrong is wrong
in the same way: another port is another port, and a digest bug is applied to the live challenge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from tests.diagnosis.driver import diagnose
from tests.diagnosis.samples import Sample, load_samples, play
from ws76proxy.diagnosis import (
    CATALOGUE,
    Asked,
    Cause,
    Severity,
    Side,
    Stream,
    check_request,
    explain_digest,
)
from ws76proxy.wire import Challenge, Dialect, RequestHead, ResponseHead, detect, hixie76
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE

PLAIN = "sound-76"
"""The sample whose answer many others share: it stands for them."""

NOT_FOR_THIS_BROWSER = {
    "digest-keys-as-in-head": "shows where Key2 comes first: this browser sends Key1 first",
    "digest-key3-next-bytes": "shows where frames come before the answer: a browser sends none",
}
"""Samples by name, and why none of the rules below finds out."""

_HEAD = re.compile(rb"[\r\n]*.*?\r?\n\r?\n", re.DOTALL)
_URL = re.compile(rb"(\w+)://([^/?]*)(.*)")
_AUTHORITY = re.compile(rb"(.*?)(:[0-9]+)?")
_OTHER_SCHEME = {b"ws": b"wss", b"wss": b"ws"}
_ELSEWHERE = b"elsewhere.example"
_ANY_KEY3 = b"^n:ds[4U"
_OF_SERVERS = {
    "keys-well-formed",
    *[code for code, finding in CATALOGUE.items() if finding.side is Side.SERVER],
}


@dataclass(frozen=True)
class Live:
    """A browser's own request, for ``/NAME.ATTEMPT`` and then what the sample's client asked for.

    `key3` is empty as long as it has not come.
    """

    request: RequestHead
    key3: bytes = b""

    @property
    def key(self) -> str:
        """``NAME.ATTEMPT``."""
        return self.request.target.split(b"/", 2)[1].decode()

    @property
    def prefix(self) -> bytes:
        return f"/{self.key}".encode()

    @property
    def challenge(self) -> Challenge:
        return _challenge_of(self.request, self.key3)

    @property
    def digest(self) -> bytes:
        """The right one."""
        return self.challenge.answer or b""

    @property
    def host(self) -> bytes:
        return self.request.value(b"host") or b""

    @property
    def origin(self) -> bytes:
        return self.request.value(b"origin") or b""


class Act(NamedTuple):
    """Something that a server does, or waits for.

    ``send`` what is not sent yet of the head and the first `behind` bytes behind it; ``key3``: read
    it; ``frames``: wait until the browser sends something behind key3, which the page does when its
    socket is open; ``pause``, so that the browser reads what was sent before; ``close`` at once.
    """

    what: Literal["send", "key3", "frames", "pause", "close"]
    behind: int = 0


@dataclass(frozen=True)
class Scene:
    """A sample, taken apart into what must be made anew for a live request."""

    sample: Sample

    @property
    def name(self) -> str:
        return self.sample.name

    @cached_property
    def request(self) -> RequestHead:
        """The request that the sample's server answered."""
        return RequestHead(_head_of(self.sample.client))

    @cached_property
    def _handshake_size(self) -> int:
        return len(self.request.raw) + KEY3_SIZE

    @cached_property
    def _head(self) -> ResponseHead:
        """The answer's head; empty where there is none."""
        return ResponseHead(_head_of(self.sample.server))

    @cached_property
    def _behind(self) -> bytes:
        """What the server sent behind its head: in a correct answer, a digest and frames."""
        return self.sample.server[len(self._head.raw) :]

    @cached_property
    def _asked(self) -> Asked:
        key3 = self.sample.client[len(self.request.raw) : self._handshake_size]
        return Asked(_challenge_of(self.request, key3), self.request.raw)

    @cached_property
    def cause(self) -> Cause | None:
        """The bug that made the digest; None for a right one, for none, or for an unknown bug."""
        right = self._asked.challenge.answer or b""
        if self._head.status != 101 or right.startswith(self._behind):
            return None
        causes = explain_digest(self._asked, self._behind).causes
        return causes[0] if causes else None

    @cached_property
    def mirrored(self) -> bytes:
        """Frames of the sample's client that the browser is sent: both sides frame alike."""
        frames = self.sample.client[self._handshake_size :]
        at_fault = [
            one
            for one in diagnose(self.sample)
            if one.stream is Stream.CLIENT and (one.offset or 0) >= self._handshake_size
        ]
        return frames if at_fault or len(self._behind) == DIGEST_SIZE else b""

    @property
    def ends_inside_a_frame(self) -> bool:
        return "frame-unfinished" in self.sample.expect

    def head(self, live: Live) -> bytes:
        """The head of the answer to a live request."""
        values = {}
        for field in self._head.fields:
            name = field.name.strip().lower().removeprefix(b"sec-")
            if name == b"websocket-origin":
                values[field] = self._origin(field.value, live)
            elif name == b"websocket-location":
                values[field] = self._location(field.value, live)
        return self._head.replace_fields(values).raw

    def behind(self, live: Live) -> bytes:
        """What the server sends behind its head, to a live request with its key3."""
        if self.cause is None:
            theirs, ours = self._asked.challenge.answer or b"", live.digest
        else:
            theirs = self.cause.server.answer(self._asked) or b""
            ours = self.cause.server.answer(Asked(live.challenge, live.request.raw)) or b""
        if self.mirrored:
            return ours + self.mirrored
        if theirs.startswith(self._behind):
            return ours[: len(self._behind)]
        # An unknown bug's digest is not found, and sent as it is.
        return self._behind.replace(theirs, ours, 1) if theirs else self._behind

    def acts(self) -> list[Act]:
        """What the server does, in the order of the sample."""
        acts: list[Act] = []
        read = sent = 0
        for peer, data in play(self.sample):
            if data is None:
                if peer == "client":
                    continue
                if peer == "server" and not sent:
                    acts.append(Act("close"))
                break
            if peer == "client":
                read += len(data)
                if read >= self._handshake_size > read - len(data):
                    acts.append(Act("key3"))
            elif data:
                if sent:
                    is_open = sent - len(self._head.raw) >= DIGEST_SIZE
                    acts.append(Act("frames" if is_open else "pause"))
                sent += len(data)
                if self.mirrored:
                    acts += [Act("send", DIGEST_SIZE), Act("frames")]
                    acts.append(Act("send", DIGEST_SIZE + len(self.mirrored)))
                    break
                acts.append(Act("send", sent - len(self._head.raw)))
        # A browser sends its key3, where the sample's client did not.
        return acts if Act("key3") in acts else [Act("key3"), *acts]

    def imagined(self, key3: bytes) -> Live:
        """The sample's own request, as if a browser made it."""
        request = self.request
        for name, value in ((b"host", b"localhost:1"), (b"origin", b"http://localhost:2")):
            field = request.get(name)
            assert field is not None
            request = request.replace_field(field, value)
        line = f"GET /{self.name}.1".encode() + request.target + b" HTTP/1.1"
        return Live(request.replace_start_line(line), key3)

    def likeness(self) -> object:
        """The same for scenes that are the same to a browser."""
        live = self.imagined(_ANY_KEY3)
        head = self.head(live).replace(live.prefix, b"")
        bug = None if self.cause is None else self.cause.code
        protocol = live.request.value(b"sec-websocket-protocol")
        return head, self.behind(live), bug, protocol, tuple(self.acts())

    def _origin(self, answered: bytes, live: Live) -> bytes:
        expected = self.request.value(b"origin") or b""
        if answered == expected:
            return live.origin
        if answered.lower() == expected.lower():
            return live.origin.replace(b"localhost", b"LOCALHOST")
        if answered == b"http://" + (self.request.value(b"host") or b""):
            return b"http://" + live.host
        return answered

    def _location(self, answered: bytes, live: Live) -> bytes:
        found = _URL.fullmatch(answered)
        assert found is not None, answered
        scheme, authority, rest = found.groups()
        if self.sample.secure:
            # The browser comes without TLS: ws for wss becomes wss for ws.
            scheme = _OTHER_SCHEME[scheme]
        host, port = _host_and_port(self.request.value(b"host") or b"")
        live_host, live_port = _host_and_port(live.host)
        answered_host, answered_port = _host_and_port(authority)
        if answered_host == host:
            answered_host = live_host
        elif answered_host.lower() == host:
            answered_host = live_host.upper()
        elif answered_host == live_host:
            answered_host = _ELSEWHERE
        if answered_port == port:
            answered_port = live_port
        return scheme + b"://" + answered_host + answered_port + live.prefix + rest


def scenes() -> dict[str, Scene | str]:
    """Every sample by name: as a scene, or the reason why a browser is not shown it."""
    samples = sorted(load_samples(), key=_rank)
    found: dict[str, Scene | str] = {}
    alike: dict[object, str] = {}
    for sample in samples:
        reason = _why_not(sample)
        if reason is None:
            scene = Scene(sample)
            other = alike.setdefault(scene.likeness(), sample.name)
            reason = None if other == sample.name else f"to a browser the same as {other}"
        found[sample.name] = scene if reason is None else reason
    return found


def _rank(sample: Sample) -> tuple[bool, bool, str]:
    """Which sample stands for others that are the same to a browser: one of the server's fault."""
    return sample.name != PLAIN, not sample.expect <= _OF_SERVERS, sample.name


def _why_not(sample: Sample) -> str | None:
    if sample.name in NOT_FOR_THIS_BROWSER:
        return NOT_FOR_THIS_BROWSER[sample.name]
    dialect = detect(sample.client)
    if dialect is not None and dialect is not Dialect.HIXIE_76:
        return f"its client speaks {dialect}, this browser hixie-76"
    raw = _head_of(sample.client)
    has_key3 = raw and len(sample.client) >= len(raw) + KEY3_SIZE
    status = ResponseHead(_head_of(sample.server)).status
    if not has_key3 and status in (None, 101):
        return "its request is not whole"
    request = RequestHead(raw)
    diagnoses = check_request(request, Dialect.HIXIE_76)
    if any(one.finding.severity in (Severity.ERROR, Severity.WARNING) for one in diagnoses):
        return "its request is at fault"
    if not re.match(rb"https?://", request.value(b"origin") or b""):
        return "its client is not a page from an HTTP server"
    if not request.target.startswith(b"/"):
        return "its client asks as through an HTTP proxy"
    if not sample.server and "client eof" in sample.steps:
        return "its client leaves first"
    if "rfc6455-frame" in sample.expect and Scene(sample).mirrored:
        return "its client masks, as a server does not"
    return None


def _challenge_of(request: RequestHead, key3: bytes) -> Challenge:
    challenge = hixie76.challenge_of(request, key3)
    assert challenge is not None
    return challenge


def _host_and_port(authority: bytes) -> tuple[bytes, bytes]:
    """Host, and the port with its colon, or nothing."""
    found = _AUTHORITY.fullmatch(authority)
    assert found is not None
    return found[1], found[2] or b""


def _head_of(data: bytes) -> bytes:
    """The head at the beginning, whatever its lines end in; empty where it is not whole."""
    found = _HEAD.match(data)
    return b"" if found is None else found[0]
