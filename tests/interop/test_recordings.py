"""Real conversations, recorded; played again to real servers and to the real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from ws76proxy.recording import rebuild

from . import browser
from .capturing import capturing
from .cases import BROWSER, RESOURCE, TEXTS
from .peer import serving
from .recording import replaying, sessions_of, ws76proxy
from .relay import relaying

pytestmark = [BROWSER, pytest.mark.peer("eventlet")]


def record(folder: Path, pages: str, protocol: str | None) -> Path:
    """QtWebKit through the relay to eventlet."""
    with serving("eventlet") as server, relaying(server.url, "--record", str(folder)) as relay:
        url = f"{relay.url}{RESOURCE}"
        visit = browser.visit(pages, url, messages=TEXTS, protocol=protocol)
        relay.finish()
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, pages: str) -> Path:
    """A session with a subprotocol."""
    return record(tmp_path_factory.mktemp("recording") / "sessions", pages, "chat")


def test_what_is_recorded(recording: Path) -> None:
    (session,) = sessions_of(recording)
    streams = rebuild(session.records)
    assert streams.gaps == []
    frames = b"".join(b"\0" + text.encode() + b"\xff" for text in TEXTS)
    assert streams.client.startswith(f"GET {RESOURCE} HTTP/1.1\r\n".encode())
    assert frames in streams.client
    assert frames in streams.server
    assert recording.stat().st_mode & 0o777 == 0o600


def test_shown_again(recording: Path) -> None:
    shown = ws76proxy("show", recording)
    assert (shown.returncode, shown.stderr) == (0, "")
    for text in ("digest verified", RESOURCE, *TEXTS):
        assert text in shown.stdout


def test_the_same_server_says_the_same(recording: Path) -> None:
    with serving("eventlet") as server:
        replayed = ws76proxy("replay", "client", recording, server.url)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.peer("websocket-driver")
def test_another_server_differs(tmp_path: Path, pages: str) -> None:
    """It names a subprotocol that nobody asked for, and does not answer FF 00."""
    recording = record(tmp_path / "sessions", pages, None)
    with serving("websocket-driver") as server:
        first = ws76proxy("replay", "client", recording, server.url)
        every = ws76proxy("replay", "client", recording, server.url, "--all")
    assert (first.returncode, every.returncode) == (1, 1)
    assert "Sec-WebSocket-Protocol" in first.stdout
    assert "FF 00" not in first.stdout
    assert "Sec-WebSocket-Protocol" in every.stdout
    assert "FF 00" in every.stdout
    assert first.stderr == every.stderr == ""


def test_the_browser_cannot_tell_it_from_the_server(recording: Path, pages: str) -> None:
    """The server is gone: the page passes all the same."""
    with replaying(recording, "--once") as server:
        visit = browser.visit(pages, f"{server.url}{RESOURCE}", messages=TEXTS, protocol="chat")
        status, printed = server.finish()
    assert visit.complaints == []
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    assert all(message["equal"] for message in visit.messages())
    assert status == 0, printed


def test_a_page_that_says_something_else_is_found_out(recording: Path, pages: str) -> None:
    other = (*TEXTS[:-1], "not what was recorded")
    with replaying(recording, "--once") as server:
        browser.visit(pages, f"{server.url}{RESOURCE}", messages=other, protocol="chat")
        status, printed = server.finish()
    assert status == 1
    assert "not what was recorded" in printed


@pytest.mark.peer("dumpcap")
def test_a_capture_is_shown_and_replayed(pages: str, tmp_path: Path) -> None:
    """The browser talks to the server itself; all that we have is what the network saw."""
    path = tmp_path / "capture.pcapng"
    with serving("eventlet") as server:
        with capturing("dumpcap", server.port) as capture:
            visit = browser.visit(pages, f"{server.url}{RESOURCE}", messages=TEXTS)
            capture.wait_for_end()
        path.write_bytes(capture.content)
        replayed = ws76proxy("replay", "client", path, server.url)
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    shown = ws76proxy("show", path)
    assert shown.returncode == 0, shown.stderr
    for text in ("digest verified", RESOURCE, *TEXTS):
        assert text in shown.stdout
    with replaying(path, "--once") as stand_in:
        visit = browser.visit(pages, f"{stand_in.url}{RESOURCE}", messages=TEXTS)
        status, printed = stand_in.finish()
    assert visit.names == ["open", *(["message"] * len(TEXTS)), "close"]
    assert status == 0, printed
