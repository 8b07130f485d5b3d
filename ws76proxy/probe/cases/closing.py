"""The closing handshake and the end of TCP, in each order (1.4, 5.3, 6)."""

from __future__ import annotations

from ws76proxy.probe.cases.making import talk_case
from ws76proxy.probe.judges import closes, ends
from ws76proxy.probe.model import Case, Need, Requirement
from ws76proxy.probe.script import Finish, Send, Until, Wait
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, encode_text

__all__ = ["CASES"]

_ANSWER = "FF 00 in acknowledgement; closing TCP without it is allowed, but no clean close"
_DISCARD = "FF 00 in acknowledgement, and all further data discarded"
_END = "the connection closed: there is no client any more"
_NONE: frozenset[Need] = frozenset()
_ECHO = frozenset({Need.ECHO})
_HALF = frozenset({Need.HALF_CLOSE})
_LATE = b"behind the end"
_MUST, _SHOULD = Requirement.MUST, Requirement.SHOULD
_CLOSED = Wait(Until.CLOSING)
_ENDED = Wait(Until.ENDED)

CASES: tuple[Case, ...] = (
    talk_case(
        "76.closing.answered",
        "FF 00 on a connection where nothing was said",
        _ANSWER,
        "1.4, 6",
        (Send((CLOSING_HANDSHAKE,)), _CLOSED),
        closes(),
        needs=_NONE,
    ),
    talk_case(
        "76.closing.after-text",
        "a message and FF 00 in one segment",
        "the message processed, then FF 00 in acknowledgement",
        "1.4, 5.3",
        (Send((encode_text("the last word") + CLOSING_HANDSHAKE,)), _CLOSED),
        closes(wanted=[b"the last word"]),
        needs=_ECHO,
    ),
    talk_case(
        "76.closing.in-two",
        "FF, and 00 in the next segment",
        _ANSWER,
        "1.4, 5.3",
        (Send((b"\xff", b"\x00"), pause=0.1), _CLOSED),
        closes(),
        needs=_NONE,
    ),
    talk_case(
        "76.closing.behind-empty",
        "an empty message and FF 00 in one segment: 00 FF FF 00",
        "the empty message processed, then FF 00 in acknowledgement",
        "1.4, 5.3",
        (Send((encode_text("") + CLOSING_HANDSHAKE,)), _CLOSED),
        closes(wanted=[b""]),
        needs=_ECHO,
    ),
    talk_case(
        "76.closing.leading-zeros",
        "FF 80 80 00: type FF with length 0, written in three bytes",
        "FF 00 in acknowledgement: the length is 0 however it is written",
        "5.3",
        (Send((b"\xff\x80\x80\x00",)), _CLOSED),
        closes(),
        needs=_NONE,
        requirement=_SHOULD,
    ),
    talk_case(
        "76.closing.text-behind",
        "FF 00 and a message in one segment",
        _DISCARD,
        "5.3",
        (Send((CLOSING_HANDSHAKE + encode_text(_LATE),)), _ENDED),
        closes(unwanted=[_LATE]),
        needs=_ECHO,
    ),
    talk_case(
        "76.closing.text-later",
        "FF 00, and a message in the next segment",
        _DISCARD,
        "5.3",
        (Send((CLOSING_HANDSHAKE, encode_text(_LATE)), pause=0.1), _ENDED),
        closes(unwanted=[_LATE]),
        needs=_ECHO,
    ),
    talk_case(
        "76.closing.twice",
        "FF 00 twice in one segment",
        "FF 00 once, and nothing behind it",
        "5.3",
        (Send((CLOSING_HANDSHAKE * 2,)), _ENDED),
        closes(),
        needs=_NONE,
    ),
    talk_case(
        "76.closing.then-end",
        "FF 00 and, at once, the end of its direction of TCP",
        "FF 00 in acknowledgement, and the connection closed",
        "1.4, 6",
        (Send((CLOSING_HANDSHAKE,)), Finish(), _ENDED),
        closes(),
        needs=_HALF,
    ),
    talk_case(
        "76.end.without-closing",
        "the end of its direction of TCP without FF 00, as old browsers do",
        _END,
        "6",
        (Finish(), _ENDED),
        ends(),
        needs=_HALF,
        requirement=_SHOULD,
    ),
    talk_case(
        "76.end.inside-text",
        "a message without its FF, then the end of its direction of TCP",
        "the unfinished message dropped, and the connection closed",
        "5.3, 6",
        (Send((b"\x00never ended",)), Finish(), _ENDED),
        ends(unwanted=[b"never ended"]),
        needs=_HALF,
        requirement=_SHOULD,
    ),
    talk_case(
        "76.end.inside-length-frame",
        "a frame of type 80 that lacks most of its payload, then the end of its direction of TCP",
        "the unfinished frame dropped, and the connection closed",
        "5.3, 6",
        (Send((b"\x80\x8f\x7fa",)), Finish(), _ENDED),
        ends(),
        needs=_HALF,
        requirement=_SHOULD,
    ),
)
