"""Messages across all nine pairs of dialects: text, binary data, and what cannot be said."""

from __future__ import annotations

import base64
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws76proxy.bridge import DIALECTS
from ws76proxy.diagnosis import REPORTED_PER_CODE
from ws76proxy.wire import encode_discarded
from ws76proxy.wire.dialect import Dialect

from .pairs import PAIRS, Pair, in_words

H76, H75, RFC = DIALECTS
HIXIE = [H76, H75]
SPEAKERS: tuple[Literal["client", "server"], ...] = ("client", "server")
# All planes of Unicode that have characters, U+0000, and what frames use as marks.
TEXTS = [
    "hello",
    "",
    "\0",
    "a\0b\0",
    "\n",
    "äöü€",
    "\uffff\ufffd",
    "".join(chr(plane << 16 | 0x1F600 & 0xFFFF) for plane in (0, 1, 2, 3, 14, 15, 16)),
    "x" * 200,
    "€" * 30_000,
    "😀" * 300_000,
]


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("deflate", [False, True])
def test_text(
    deflate: bool, client: Dialect, server: Dialect, speaker: Literal["client", "server"]
) -> None:
    pair = Pair(client, server, deflate=deflate).open()
    talker = getattr(pair, speaker)
    for text in TEXTS:
        talker.send_text(text)
    assert in_words(pair.pump(speaker)) == TEXTS
    # And in bursts cut anywhere.
    for text in TEXTS[:7]:
        talker.send_text(text)
    data = talker.data_to_send()
    heard = [said for byte in data for said in in_words(pair.pump(speaker, bytes([byte])))]
    assert heard == TEXTS[:7]
    assert pair.codes == []
    assert pair.ended is None


@pytest.mark.parametrize(("client", "server"), PAIRS)
@settings(max_examples=20)
@given(st.lists(st.text(max_size=8), max_size=5), st.lists(st.text(max_size=8), max_size=5))
def test_any_text(client: Dialect, server: Dialect, asked: list[str], answered: list[str]) -> None:
    pair = Pair(client, server).open()
    for speaker, texts in (("client", asked), ("server", answered)):
        for text in texts:
            getattr(pair, speaker).send_text(text)
        assert in_words(pair.pump(speaker)) == texts  # type: ignore[arg-type]


@pytest.mark.parametrize("old", HIXIE)
@pytest.mark.parametrize("modern_is", SPEAKERS)
@pytest.mark.parametrize(
    ("binary", "payload", "heard", "codes", "ends"),
    [
        ("refuse", b"\x00\xff", [], ["bridge-binary-refused"], True),
        ("refuse", b"", [], ["bridge-binary-refused"], True),
        ("drop", b"\x00\xff", [], ["bridge-binary-dropped"], False),
        ("base64", b"\x00\xff", ["AP8="], [], False),
        ("base64", b"", [""], [], False),
        ("text", "wörld".encode(), ["wörld"], [], False),
        ("text", b"\x00\xff", [], ["bridge-binary-refused"], True),
    ],
)
def test_binary_to_hixie(
    old: Dialect,
    modern_is: Literal["client", "server"],
    binary: str,
    payload: bytes,
    heard: list[str],
    codes: list[str],
    ends: bool,
) -> None:
    dialects = (RFC, old) if modern_is == "client" else (old, RFC)
    pair = Pair(*dialects, binary=binary).open()
    getattr(pair, modern_is).send_binary(payload)
    assert in_words(pair.pump(modern_is)) == heard
    assert pair.codes == codes
    if ends:
        told = pair.farewells()
        assert told[modern_is] == "1003 the other side has no binary messages"
        assert told["server" if modern_is == "client" else "client"] == "end"
    else:
        assert pair.ended is None


def test_binary_to_rfc_6455_is_binary() -> None:
    binary = bytes(range(256)) * 300
    pair = Pair(RFC, RFC).open()
    for speaker in SPEAKERS:
        getattr(pair, speaker).send_binary(binary)
        assert in_words(pair.pump(speaker)) == [binary]


@pytest.mark.parametrize("old", HIXIE)
@pytest.mark.parametrize("old_is", SPEAKERS)
def test_base64_as_websockify_did_it(old: Dialect, old_is: Literal["client", "server"]) -> None:
    """One side says base64, the other binary; each in its own words."""
    if old_is == "client":
        pair = Pair(old, RFC, protocols=["base64"], binary="base64").open(b"binary")
        modern_is: Literal["client", "server"] = "server"
    else:
        pair = Pair(RFC, old, protocols=["binary"], binary="base64").open(b"base64")
        modern_is = "client"
    data = bytes(range(256))
    getattr(pair, modern_is).send_binary(data)
    getattr(pair, modern_is).send_text("ü")
    assert in_words(pair.pump(modern_is)) == [
        base64.b64encode(data).decode(),
        base64.b64encode("ü".encode()).decode(),
    ]
    getattr(pair, old_is).send_text(base64.b64encode(data))
    assert in_words(pair.pump(old_is)) == [data]
    getattr(pair, old_is).send_text("not base64!")
    assert in_words(pair.pump(old_is)) == ["not base64!"]
    assert pair.codes == ["bridge-not-base64"]


def test_without_the_subprotocol_text_stays_text() -> None:
    pair = Pair(H76, RFC, binary="base64").open()
    pair.client.send_text("AP8=")
    assert in_words(pair.pump("client")) == ["AP8="]


@pytest.mark.parametrize(("client", "server"), [(H76, H75), (H75, H76), (H76, H76)])
def test_hixie_to_hixie_passes_to_the_byte(client: Dialect, server: Dialect) -> None:
    data = (
        b"\x00ab\xc3(\xff"
        + encode_discarded(0x05, b"odd")
        + b"\x80\x80\x03abc"
        + b"\x00fine\xff"
        + encode_discarded(0x81, b"")
    )
    pair = Pair(client, server).open()
    for speaker in SPEAKERS:
        heard = pair.pump(speaker, data)
        assert b"".join(event.raw for event in heard) == data
    assert pair.codes == []


def test_ff_00_of_hixie_75_does_not_end_a_session_of_hixie_76() -> None:
    pair = Pair(H75, H76).open()
    heard = pair.pump("client", b"\x00a\xff\xff\x00\x00b\xff")
    assert in_words(heard) == ["a", "b"]
    assert pair.codes == ["bridge-frame-left-out"]
    assert pair.ended is None


@pytest.mark.parametrize("client", HIXIE)
def test_what_hixie_says_and_rfc_6455_cannot(client: Dialect) -> None:
    pair = Pair(client, RFC).open()
    data = b"\x00ab\xc3(\xff" + encode_discarded(0x05, b"odd") + b"\x90\x02xy" + b"\x00end\xff"
    assert in_words(pair.pump("client", data)) == ["ab\ufffd(", "end"]
    assert pair.codes == [
        "bridge-text-replaced",
        "bridge-frame-left-out",
        "bridge-frame-left-out",
    ]
    replaced = pair.told[0]
    assert replaced.evidence == b"\xc3"
    assert replaced.offset == pair.client_leg.frames_offset + 3


def test_findings_of_one_kind_have_an_end() -> None:
    pair = Pair(H76, RFC).open()
    pair.pump("client", b"\x01x\xff" * 100)
    assert pair.codes == ["bridge-frame-left-out"] * (REPORTED_PER_CODE + 1)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_what_comes_after_a_farewell_is_told_and_left_out(client: Dialect, server: Dialect) -> None:
    pair = Pair(client, server).open()
    pair.server_leg.send_close()
    pair.server_leg.data_to_send()
    pair.client.send_text("late")
    assert pair.pump("client") == []
    assert pair.codes == ["bridge-too-late"]
    bad: Any = {RFC: b""}.get(client, b"\x00\xff\x00\xc3\xff")
    pair.pump("client", bad)
    if client is RFC:
        pair.client.send_binary(b"late")
        pair.pump("client")
    assert set(pair.codes) == {"bridge-too-late"}


def test_pings_are_each_legs_own() -> None:
    pair = Pair(RFC, RFC).open()
    pair.client.send_ping(b"?")
    assert pair.pump("client") == []
    pair.client.receive_data(pair.client_leg.data_to_send())
    (pong,) = pair.client.events()
    assert pong.payload == b"?"
