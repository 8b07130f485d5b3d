"""Subprotocols across dialects: a list here, one string there, and never what nobody asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.bridge import DIALECTS
from ws76proxy.wire.dialect import Dialect

from .pairs import Pair

H76, H75, RFC = DIALECTS
HIXIE = [H76, H75]


@pytest.mark.parametrize("server", HIXIE)
@pytest.mark.parametrize(
    ("offered", "options", "asked", "codes"),
    [
        ([], {}, None, []),
        (["chat"], {}, b"chat", []),
        (["chat", "v2"], {}, b"chat", ["bridge-subprotocol-chosen"]),
        (["chat", "v2"], {"subprotocol": b"v2"}, b"v2", []),
        (["chat", "v2"], {"subprotocol": b"v3"}, b"chat", ["bridge-subprotocol-unoffered"]),
        (["chat", "binary"], {"binary": "base64"}, b"base64", []),
        (["base64"], {"binary": "base64"}, b"base64", []),
        (["chat", "binary"], {"binary": "base64", "subprotocol": b"chat"}, b"chat", []),
        (["binary"], {"binary": "refuse"}, b"binary", []),
    ],
)
def test_a_list_becomes_one(
    server: Dialect,
    offered: list[str],
    options: dict[str, Any],
    asked: bytes | None,
    codes: list[str],
) -> None:
    pair = Pair(RFC, server, protocols=offered, **options)
    name = b"websocket-protocol" if server is H75 else b"sec-websocket-protocol"
    assert pair.request.head.value(name) == asked
    assert pair.codes == codes


@pytest.mark.parametrize("server", HIXIE)
@pytest.mark.parametrize(
    ("offered", "answered", "named", "base64", "codes"),
    [
        (["chat"], b"chat", b"chat", False, []),
        (["chat"], None, None, False, []),
        (["chat"], b"other", None, False, ["bridge-subprotocol-unwanted"]),
        ([], b"chat", None, False, ["bridge-subprotocol-unwanted"]),
        (["binary"], b"base64", b"binary", True, []),
        (["base64"], b"base64", b"base64", False, []),
        (["base64", "binary"], b"base64", b"binary", True, []),
        (["binary"], None, None, False, []),
    ],
)
def test_a_client_of_today_gets_only_what_it_has_offered(
    server: Dialect,
    offered: list[str],
    answered: bytes | None,
    named: bytes | None,
    base64: bool,
    codes: list[str],
) -> None:
    pair = Pair(RFC, server, protocols=offered, binary="base64")
    response = pair.accept(answered)
    assert (response.protocol, response.base64) == (named, base64)
    assert pair.client.answer.acceptable
    assert pair.client.answer.protocol == named
    assert pair.codes == codes


@pytest.mark.parametrize("client", HIXIE)
@pytest.mark.parametrize(
    ("asked", "options", "offered", "codes"),
    [
        ("chat", {}, (b"chat",), []),
        ("a, b", {}, (b"a", b"b"), []),
        ("two words", {}, (), ["bridge-subprotocol-untranslatable"]),
        ("", {}, (), ["bridge-subprotocol-untranslatable"]),
        ("base64", {}, (b"base64",), []),
        ("base64", {"binary": "base64"}, (b"binary", b"base64"), []),
    ],
)
def test_one_becomes_a_list(
    client: Dialect,
    asked: str,
    options: dict[str, Any],
    offered: tuple[bytes, ...],
    codes: list[str],
) -> None:
    pair = Pair(client, RFC, protocols=[asked], **options)
    pair.ask()
    assert pair.server.asked.protocols == offered
    assert pair.codes == codes


@pytest.mark.parametrize("client", HIXIE)
@pytest.mark.parametrize(
    ("asked", "answered", "named", "base64", "codes"),
    [
        (["chat"], b"chat", b"chat", False, []),
        (["a, b"], b"b", b"a, b", False, []),
        (["chat"], None, b"chat", False, ["bridge-subprotocol-unanswered"]),
        ([], None, None, False, []),
        (["base64"], b"binary", b"base64", True, []),
        (["base64"], b"base64", b"base64", False, []),
    ],
)
def test_an_old_client_gets_exactly_what_it_asked_for(
    client: Dialect,
    asked: list[str],
    answered: bytes | None,
    named: bytes | None,
    base64: bool,
    codes: list[str],
) -> None:
    pair = Pair(client, RFC, protocols=asked, binary="base64")
    response = pair.accept(answered)
    assert (response.protocol, response.base64) == (named, base64)
    name = b"websocket-protocol" if client is H75 else b"sec-websocket-protocol"
    assert response.head.value(name) == named
    assert pair.codes == codes


@pytest.mark.parametrize(("client", "server"), [(H76, H75), (H75, H76)])
def test_hixie_to_hixie_nothing_is_made_up(client: Dialect, server: Dialect) -> None:
    name = b"websocket-protocol" if client is H75 else b"sec-websocket-protocol"
    for answered, named in ((b"two words", b"two words"), (b"other", b"other"), (None, None)):
        pair = Pair(client, server, protocols=["two words"])
        assert pair.accept(answered).head.value(name) == named
        assert pair.codes == []
    pair = Pair(client, server)
    assert pair.accept(b"unasked").head.value(name) is None
    assert pair.codes == ["bridge-subprotocol-unwanted"]
