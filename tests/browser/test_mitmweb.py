"""mitmweb in Chromium: hixie sessions listed, opened, explained, edited, injected into, killed."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from tests.browser.mitmweb import mitmweb
from tests.interop import browser
from tests.interop.cases import BROWSER, ORIGIN, RESOURCE
from tests.interop.client import CLOSING, DIGEST, RawClient, connected
from tests.interop.mitm import reversing
from tests.interop.peer import serving
from tests.interop.process import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.peer("eventlet")]

VIEW = "hixie-76 handshake"


@BROWSER
def test_a_session_of_a_real_browser(chromium: BrowserContext, pages: str, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with (
        serving("eventlet") as server,
        mitmweb(chromium, tmp_path, reversing(server.url)) as web,
    ):
        browser.visit(pages, f"{web.mitm.url}{RESOURCE}", messages=["Hello, 2010!", "volume up"])
        row = web.row(RESOURCE)
        expect(row.locator(".col-method")).to_have_text("WS")
        expect(row.locator(".col-status")).to_have_text("101")
        expect(row.locator(".marker")).to_have_text("")
        web.open(RESOURCE, "WebSocket")
        expect(web.content()).to_contain_text("4 Messages")
        for text in ("Hello, 2010!", "volume up"):
            expect(web.content().get_by_text(text)).to_have_count(2)
        web.keep("messages", 560)
        # The report is what a handshake's own tab shows without being asked to.
        for tab in ("Request", "Response"):
            web.open(RESOURCE, tab)
            expect(web.content()).to_contain_text(VIEW)
            expect(web.content()).to_contain_text("digest verified")
            expect(web.content()).to_contain_text(re.compile(r"÷ \d+ spaces? = "))
        web.keep("handshake")


def test_a_browser_of_today_and_an_old_server(
    chromium: BrowserContext, pages: str, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    option = "ws76_server_dialect=hixie-76"
    with (
        serving("eventlet") as server,
        mitmweb(chromium, tmp_path, reversing(server.url), "--set", option) as web,
    ):
        query = urlencode({"url": web.mitm.url + RESOURCE, "message": "of today"}, quote_via=quote)
        page = chromium.new_page()
        page.goto(f"{pages}/session.html?{query}&close=client")
        page.wait_for_function("window.status === 'done'")
        page.close()
        expect(web.row(RESOURCE).locator(".col-method")).to_have_text("WS")
        web.open(RESOURCE, "WebSocket")
        expect(web.content()).to_contain_text("2 Messages")
        expect(web.content().get_by_text("of today")).to_have_count(2)
        web.open(RESOURCE, "Request")
        for words in ("rfc6455 → hixie-76", "digest verified", "the server got", "the client got"):
            expect(web.content()).to_contain_text(words)
        web.keep("bridged")


@pytest.mark.peer("ws-0.4")
def test_a_wrong_digest_in_the_list(chromium: BrowserContext, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with (
        serving("eventlet") as good,
        serving("ws-0.4") as bad,
        mitmweb(chromium, tmp_path, "regular") as web,
    ):
        for url in (f"{good.url}/remote", f"{bad.url}/kiosk"):
            with socket.create_connection(("127.0.0.1", web.mitm.port), PATIENCE) as plain:
                client = RawClient(plain)
                answer = client.open(url, origin=ORIGIN, absolute=True)
                assert (answer.digest == DIGEST) is url.startswith(good.url)
                client.close()
        expect(web.rows()).to_have_count(2)
        expect(web.row("/remote").locator(".marker")).to_have_text("")
        marked = web.row("/kiosk")
        expect(marked.locator(".marker")).to_have_text("❌")
        expect(marked.locator(".col-comment")).to_contain_text("ws76: digest-")
        web.keep("list", 220)
        web.open("/kiosk", "Response")
        expect(web.content()).to_contain_text(VIEW)
        expect(web.content()).to_contain_text("✗ DIGEST WRONG")
        web.keep("wrong-digest")
        for wanted in ("~marked", "~comment digest"):
            web.fill_in("Search", wanted)
            expect(web.rows()).to_have_count(1)
            expect(web.row("/kiosk")).to_be_visible()


def test_a_message_edited_and_one_injected(chromium: BrowserContext, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with (
        serving("eventlet") as server,
        mitmweb(chromium, tmp_path, reversing(server.url)) as web,
    ):
        web.show_command_bar()
        web.fill_in("Intercept", "~websocket & ~b typed")
        with connected(web.mitm.url) as client:
            client.open(f"{web.mitm.url}/remote", origin=ORIGIN)
            client.send("typed on the TV")
            web.row("/remote").locator(".fa-pause").wait_for()
            web.open("/remote", "WebSocket")
            expect(web.content()).to_contain_text("typed on the TV")
            web.keep("intercepted", 300)
            web.command('hixie.edit "~u /remote" "edited in mitmweb"')
            web.button("Resume")
            assert client.receive() == "edited in mitmweb"
            expect(web.content().get_by_text("edited in mitmweb")).to_have_count(2)
            web.command('inject.websocket "~u /remote" true "injected in mitmweb"')
            assert client.receive() == "injected in mitmweb"
            expect(web.content()).to_contain_text("3 Messages")
            web.keep("edited")
            # What hixie cannot say is refused, and the session lives on.
            web.command('inject.websocket "~u /remote" true binary false')
            client.send("still here")
            assert client.receive() == "still here"
            assert client.close() in (CLOSING, b"")
        expect(web.row("/remote").locator(".fa-pause")).to_have_count(0)


def test_an_intercepted_session_is_killed(chromium: BrowserContext, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with (
        serving("eventlet") as server,
        mitmweb(chromium, tmp_path, reversing(server.url)) as web,
    ):
        web.fill_in("Intercept", "~websocket & ~b typed")
        with connected(web.mitm.url) as client:
            client.open(f"{web.mitm.url}/remote", origin=ORIGIN)
            client.send("typed on the TV")
            web.row("/remote").locator(".fa-pause").wait_for()
            web.open("/remote", "WebSocket")
            web.button("Abort")
            assert client.rest() == b""
        expect(web.row("/remote").locator(".fa-pause")).to_have_count(0)


def test_a_session_is_replayed_by_the_button(chromium: BrowserContext, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with (
        serving("eventlet") as server,
        mitmweb(chromium, tmp_path, reversing(server.url)) as web,
    ):
        with connected(web.mitm.url) as client:
            client.open(f"{web.mitm.url}/remote", origin=ORIGIN)
            for text in ("typed on the TV", "volume up"):
                client.send(text)
                assert client.receive() == text
            assert client.close() in (CLOSING, b"")
        expect(web.rows()).to_have_count(1)
        web.open("/remote", "WebSocket")
        expect(web.content()).to_contain_text("4 Messages")
        web.button("Replay")
        expect(web.rows()).to_have_count(2)
        # The recorded one is as it was; the other has come of the replay.
        for row in (web.rows().first, web.rows().last):
            expect(row.locator(".col-method")).to_have_text("WS")
            expect(row.locator(".col-status")).to_have_text("101")
        comment = web.rows().last.locator(".col-comment")
        expect(comment).to_contain_text("ws76: replay of")
        expect(comment).to_contain_text("as recorded")
        web.rows().last.click()
        web.tab("WebSocket")
        expect(web.content()).to_contain_text("4 Messages")
        expect(web.content().get_by_text("volume up")).to_have_count(2)
        web.keep("replayed", 300)
        web.tab("Response")
        expect(web.content()).to_contain_text("digest verified")


def test_a_recording_is_replayed_by_a_command(chromium: BrowserContext, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    recording = tmp_path / "recorded.ws76.jsonl"
    with (
        serving("eventlet") as server,
        mitmweb(
            chromium, tmp_path, reversing(server.url), "--set", f"ws76_record={recording}"
        ) as web,
    ):
        with connected(web.mitm.url) as client:
            client.open(f"{web.mitm.url}/remote", origin=ORIGIN)
            client.send("typed on the TV")
            assert client.receive() == "typed on the TV"
            assert client.close() in (CLOSING, b"")
        expect(web.rows()).to_have_count(1)
        web.show_command_bar()
        web.command("set ws76_record=")
        web.command(f"hixie.replay.client {recording}")
        expect(web.rows()).to_have_count(2)
        expect(web.rows().last.locator(".col-comment")).to_contain_text("as recorded")
