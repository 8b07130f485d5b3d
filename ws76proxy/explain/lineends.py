"""Handshakes that an editor has saved: line ends made LF, and more of them than were sent."""

from __future__ import annotations

import re

from ws76proxy.explain.model import Pasted, Piece
from ws76proxy.session import Peer
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE

__all__ = ["mend_line_ends"]

_CHALLENGE = re.compile(rb"(?i)^sec-websocket-key[12]:", re.MULTILINE)
_ACCEPTED = re.compile(rb"HTTP/\d\.\d 101\b")
_NOTE = (
    "every line ends in LF alone, as editors write them: taken for CR LF (if it was LF on the wire,"
    " give a hex dump)"
)


def mend_line_ends(pasted: Pasted) -> Pasted:
    """The same with CR LF in its heads, where raw bytes have nothing but LF.

    Line ends around key3 and digest are dropped where these have their sizes without them.
    """
    client, server = pasted.stream(Peer.CLIENT), pasted.stream(Peer.SERVER)
    is_text = pasted.kind == "raw bytes" and b"\n" in client and b" HTTP/" in client
    if not is_text or any(b"\r\n" in _head_of(data) for data in (client, server)):
        return pasted
    # What was said of bytes between key3 and the answer is not so: line ends are dropped there.
    notes = [_NOTE]
    has_challenge = _CHALLENGE.search(client) is not None
    client, has_key3 = _mended(client, KEY3_SIZE if has_challenge else 0, "key3", notes)
    pieces = [Piece(Peer.CLIENT, client)]
    has_digest = True
    if server:
        size = DIGEST_SIZE if has_challenge and _ACCEPTED.match(server.lstrip(b"\n")) else 0
        server, has_digest = _mended(server, size, "the digest", notes)
        pieces.append(Piece(Peer.SERVER, server))
    return Pasted(
        "text with LF line ends",
        pieces,
        notes,
        is_exact=has_key3 and has_digest,
        is_ordered=pasted.is_ordered,
    )


def _head_of(data: bytes) -> bytes:
    return data.partition(b"\n\n")[0]


def _mended(data: bytes, size: int, what: str, notes: list[str]) -> tuple[bytes, bool]:
    """A head, what belongs behind it, and whether that is there."""
    lines, empty, behind = data.lstrip(b"\n").partition(b"\n\n")
    head = lines.rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n\r\n"
    if not empty:
        notes.append("a head without an empty line behind it is taken to be whole")
    for tail in (behind, behind.rstrip(b"\n"), behind.strip(b"\n")):
        if len(tail) == size:
            return head + tail, True
    if size == DIGEST_SIZE and len(behind) > size and behind[size : size + 1] == b"\0":
        # Frames follow.
        return head + behind, True
    if not size:
        return head + behind, True
    came = len(behind.strip(b"\n"))
    notes.append(
        f"{came} bytes stand where {what} has {size}: a text loses bytes, so {what} is not known"
        " (a hex dump keeps them)"
    )
    return head, False
