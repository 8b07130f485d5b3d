"""A session of QtWebKit recorded by mitmdump, then played: to the page, and to another server."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import browser
from .cases import BROWSER, RESOURCE, TEXTS
from .mitm import assert_verified, mitmproxying, reversing, texts, the_session, told
from .peer import serving
from .test_relay_browser import assert_talked


def _record(pages: str, folder: Path) -> tuple[Path, str]:
    """The recording of a session with a server that is gone afterwards; the server's address."""
    recording = folder / "recorded.ws76.jsonl"
    folder.mkdir()
    with serving("eventlet") as server:
        option = f"ws76_record={recording}"
        with mitmproxying(folder, reversing(server.url), "--set", option) as mitm:
            visit = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
            mitm.finish()
        assert_talked(visit)
        return recording, server.url


@BROWSER
@pytest.mark.peer("eventlet")
def test_the_server_played_to_the_page(pages: str, tmp_path: Path) -> None:
    recording, gone = _record(pages, tmp_path / "first")
    option = f"ws76_replay_server={recording}"
    with mitmproxying(tmp_path, reversing(gone), "--set", option) as mitm:
        visit = browser.visit(pages, f"{mitm.url}{RESOURCE}", messages=TEXTS)
        flow = the_session(mitm.finish())
    assert_talked(visit)
    assert_verified(flow)
    assert flow.is_replay == "response"
    assert texts(flow, "server") == list(TEXTS)
    assert told(flow)["replay"]["differences"] == []


@BROWSER
@pytest.mark.peer("eventlet")
@pytest.mark.peer("websocket-driver")
def test_the_page_played_to_another_server(pages: str, tmp_path: Path) -> None:
    recording, gone = _record(pages, tmp_path / "first")
    with serving("websocket-driver") as other:
        elsewhere = gone.replace("ws:", "http:")
        there = other.url.replace("ws:", "http:")
        options = ["--set", f"ws76_replay_client={recording}"]
        options += ["--map-remote", f"|{elsewhere}|{there}"]
        with mitmproxying(tmp_path, "regular", *options) as mitm:
            flow = the_session(mitm.finish())
    assert_verified(flow, flow.marked)
    assert flow.is_replay == "request"
    assert texts(flow, "client") == list(TEXTS)
    assert texts(flow, "server") == list(TEXTS)
    assert told(flow)["replay"]["played"] == "client"
