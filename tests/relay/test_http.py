"""Ordinary HTTP on the same port: passed both ways untouched, one record an exchange."""

from __future__ import annotations

import asyncio

from ws76proxy.demo import EchoServer, converse
from ws76proxy.record import HttpRecord, SessionEndRecord

from .ends import serving
from .handshakes import ANSWER, KEY3, frame, request
from .harness import relaying

GET = b"GET /page HTTP/1.1\r\nHost: example.com\r\nX-Odd:  spaces \r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\npage"


async def test_the_page_and_its_websocket_from_one_port() -> None:
    async with EchoServer() as server, relaying(server.port) as relay:
        async with relay.client() as client:
            await client.send(b"GET /demo.html HTTP/1.1\r\nHost: example.com\r\n\r\n")
            page = await client.rest()
        assert page.startswith(b"HTTP/1.1 200 OK\r\n")
        assert page.endswith(b"</html>\n")
        assert await converse(relay.host, relay.port, ["hi"]) == ["hi"]
        await relay.recorder.until(SessionEndRecord, count=2)
    (exchange,) = relay.recorder.all(HttpRecord)
    assert (exchange.method, exchange.target, exchange.status) == ("GET", "/demo.html", 200)
    assert exchange.content_type == "text/html; charset=utf-8"
    assert [end.outcome for end in relay.recorder.all(SessionEndRecord)] == ["http", "open"]


async def test_keep_alive_and_then_a_websocket_on_one_connection() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        for count in range(1, 4):
            await client.send(GET)
            if count == 1:
                upstream = await server.accept()
            assert await upstream.receive(len(GET)) == GET
            await upstream.send(OK)
            assert await client.receive(len(OK)) == OK
            await relay.recorder.until(HttpRecord, count=count)
        await client.send(request() + KEY3)
        await upstream.answer()
        assert await client.receive(len(ANSWER)) == ANSWER
        await upstream.send(frame(b"hello"))
        assert await client.receive(7) == frame(b"hello")
        client.finish()
        upstream.finish()
        end = await relay.recorder.ended()
    assert (end.outcome, end.dialect) == ("open", "hixie-76")
    assert relay.recorder.texts("server") == ["hello"]


async def test_a_large_body() -> None:
    body = bytes(range(256)) * 4096
    head = b"POST /form HTTP/1.1\r\nHost: example.com\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send(head + body))
            upstream = await server.accept()
            assert await upstream.receive(len(head) + len(body)) == head + body
        await upstream.send(OK)
        assert await client.receive(len(OK)) == OK
        # The connection's next request is seen behind the body.
        await client.send(GET)
        assert await upstream.receive(len(GET)) == GET
        client.finish()
        upstream.finish()
        await relay.recorder.ended()
    exchanges = [(one.method, one.target, one.status) for one in relay.recorder.all(HttpRecord)]
    assert exchanges == [("POST", "/form", 200), ("GET", "/page", None)]


async def test_chunked_both_ways() -> None:
    asked = (
        b"PUT /data HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n"
    )
    answered = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n"
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(asked)
        upstream = await server.accept()
        assert await upstream.receive(len(asked)) == asked
        await upstream.send(answered)
        assert await client.receive(len(answered)) == answered
        upstream.finish()
        assert await client.rest() == b""
        client.finish()
        await relay.recorder.ended()
    (exchange,) = relay.recorder.all(HttpRecord)
    assert (exchange.method, exchange.target, exchange.status) == ("PUT", "/data", 200)


async def test_pipelined_requests_and_answers_in_one_segment() -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(GET * 3)
        upstream = await server.accept()
        assert await upstream.receive(3 * len(GET)) == GET * 3
        await upstream.send(OK * 3)
        assert await client.receive(3 * len(OK)) == OK * 3
        client.finish()
        upstream.finish()
        await relay.recorder.ended()
    assert [one.target for one in relay.recorder.all(HttpRecord)] == ["/page"] * 3


async def test_a_server_that_closes_behind_its_answer() -> None:
    body = b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 300_000
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        await client.send(GET)
        upstream = await server.accept()
        await upstream.receive(len(GET))
        await upstream.send(body)
        await upstream.close()
        assert await client.rest() == body
        client.finish()
        end = await relay.recorder.ended()
    assert end.outcome == "http"
