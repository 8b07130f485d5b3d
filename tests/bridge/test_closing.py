"""How one side's end reaches the other: every pair, from both sides, played out and tabulated."""

from __future__ import annotations

from typing import Literal

import pytest

from ws76proxy.bridge import DIALECTS, Ended, farewell
from ws76proxy.wire.dialect import Dialect

from .page import PAGE, with_tables
from .pairs import PAIRS, Pair

H76, H75, RFC = DIALECTS
Speaker = Literal["client", "server"]
SPEAKERS: tuple[Speaker, ...] = ("client", "server")


def ended(client: Dialect, server: Dialect, by: Speaker, how: str) -> dict[str, str]:
    """What both sides hear when one has ended like this."""
    pair = Pair(client, server, binary="refuse").open()
    dialect = client if by == "client" else server
    talker = getattr(pair, by)
    other = "server" if by == "client" else "client"
    if how == "closing":
        if dialect is RFC:
            talker.send_close(4001, "enough")
        else:
            talker.send_close()
        pair.pump(by)
    elif how == "fault":
        bad = b"\x83\x00" if dialect is RFC else b"\x80" + b"\xff" * 10 + b"\x00"
        pair.pump(by, bad)
    else:
        pair.pump(by, b"\x81" if how == "lost" else b"")
        pair.ends(by)
    heard = pair.farewells()
    return {"itself": heard[by], "other": heard[other]}


@pytest.mark.parametrize(
    ("client", "server", "by"),
    # In hixie-75 there is none.
    [
        (*pair, by)
        for pair in PAIRS
        for by, speaker in zip(SPEAKERS, pair, strict=True)
        if speaker is not H75
    ],
)
def test_closing_handshakes(client: Dialect, server: Dialect, by: Speaker) -> None:
    speaker, listener = (client, server) if by == "client" else (server, client)
    heard = ended(client, server, by, "closing")
    own = {RFC: "4001 enough", H76: "FF 00"}[speaker]
    told = {
        (RFC, RFC): "4001 enough",
        (H76, RFC): "1000",
        (RFC, H76): "FF 00",
        (H76, H76): "FF 00",
    }.get((speaker, listener), "end")
    assert heard == {"itself": own, "other": told}


@pytest.mark.parametrize("by", SPEAKERS)
@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_the_end_of_a_stream(client: Dialect, server: Dialect, by: Speaker) -> None:
    speaker, listener = (client, server) if by == "client" else (server, client)
    told = {(H76, RFC): "1001", (H75, RFC): "1000", (H75, H76): "FF 00"}
    heard = ended(client, server, by, "end of stream")
    assert heard == {"itself": "end", "other": told.get((speaker, listener), "end")}


@pytest.mark.parametrize("how", ["lost", "fault"])
@pytest.mark.parametrize("by", SPEAKERS)
@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_broken_side(client: Dialect, server: Dialect, by: Speaker, how: str) -> None:
    speaker, listener = (client, server) if by == "client" else (server, client)
    heard = ended(client, server, by, how)
    assert heard["other"] == (
        "end" if listener is not RFC else "1011" if by == "server" else "1001"
    )
    own = {RFC: "1002 opcode 3 is not defined (5.2)", H76: "FF 00", H75: "end"}[speaker]
    assert heard["itself"] == (own if how == "fault" else "end")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 3000, 4999])
def test_codes_that_hixie_cannot_say_are_told(dialect: Dialect, code: int | None) -> None:
    reason = "über" if code == 4999 else ""
    said = farewell(Ended("server", RFC, "closed", code, reason, 7), dialect)
    if dialect is RFC:
        assert (said.code, said.reason, said.diagnosis) == (code, reason, None)
        return
    assert said.handshake is (dialect is H76)
    if code in (None, 1000):
        assert said.diagnosis is None
    else:
        assert said.diagnosis is not None
        assert said.diagnosis.finding.code == "bridge-close-reduced"
        assert str(code) in said.diagnosis.detail
        assert said.diagnosis.offset == 7


@pytest.mark.parametrize(
    ("dialect", "handshake", "code"), [(RFC, True, 1001), (H76, True, None), (H75, False, None)]
)
def test_the_relay_ends(dialect: Dialect, handshake: bool, code: int | None) -> None:
    said = farewell(Ended("relay", dialect, "relay"), dialect)
    assert said.handshake is handshake
    assert code is None or said.code == code


def test_messages_too_large_to_translate_end_the_session() -> None:
    pair = Pair(H76, RFC).open()
    pair.client_leg.decoder._max = 100
    pair.pump("client", b"\x00" + b"x" * 200 + b"\xff")
    assert pair.codes == ["bridge-message-too-large"]
    assert pair.farewells() == {"client": "FF 00", "server": "1001"}


def test_the_page_has_these_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "run: make docs"
