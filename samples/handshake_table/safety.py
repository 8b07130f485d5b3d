"""Samples of what a page or a peer must not be able to do, and of what only looks like it."""

from __future__ import annotations

from dataclasses import replace

from handshake_table.base import (
    BY_HAND,
    GOOD_76,
    NO_FAULT,
    SERVER,
    Sample,
    client,
    server,
    session,
    with_field,
)

__all__ = ["SAFETY"]

COOKIE = b"Cookie: session=1f3a"
HTTP_REQUEST = b"GET /script.js HTTP/1.1\r\nHost: victim.example\r\n\r\n"
HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n\r\nalert(1)"


def from_page(
    code: tuple[str, ...], title: str, origin: bytes, *, cookie: bytes = COOKIE
) -> Sample:
    """A request from a page of that origin, accepted; `cookie` is one more of its lines."""
    line = b"Origin: http://example.com"
    asked = client((line, b"Origin: " + origin))
    return Sample(
        title,
        BY_HAND,
        (*GOOD_76, *code),
        client=with_field(asked, cookie) if cookie else asked,
        server=server((line, b"Origin: " + origin)),
        forbid=("error", *(() if code else ("warning",))),
    )


def reached(code: tuple[str, ...], title: str, listener: str, host: bytes, *lines: bytes) -> Sample:
    """A request with that Host, and a page from the same, that came in at that address."""
    asked = client(
        (b"Host: example.com", b"Host: " + host),
        (b"Origin: http://example.com", b"Origin: http://" + host),
    )
    for line in lines:
        asked = with_field(asked, line)
    return Sample(
        title,
        BY_HAND,
        (*GOOD_76, *code),
        client=asked,
        server=SERVER.replace(b"//example.com", b"//" + host),
        forbid=(
            *(("error",) if code == ("host-private-address",) else NO_FAULT),
            *(() if code else ("host-name-for-loopback",)),
        ),
        listener=listener,
    )


def said(code: tuple[str, ...], title: str, from_client: bytes, from_server: bytes = b"") -> Sample:
    """A correct session in which these texts are said."""
    texts = [b"\x00" + text + b"\xff" if text else b"" for text in (from_client, from_server)]
    return replace(session(code, title, *texts), forbid=("error",) if code else NO_FAULT)


SAFETY = {
    "cross-site": from_page(
        ("cross-site-accepted",), "Another site's page, with the user's cookie", b"http://evil.test"
    ),
    "cross-site-null": from_page(
        ("cross-site-accepted",), "A page in a sandbox, with the user's cookie", b"null"
    ),
    "cross-site-password": from_page(
        ("cross-site-accepted",),
        "Another site's page, with the user's password",
        b"https://evil.test",
        cookie=b"Authorization: Basic dTpw",
    ),
    "cross-site-below-country": Sample(
        "Two names below co.uk are two sites",
        BY_HAND,
        (*GOOD_76, "cross-site-accepted"),
        client=with_field(
            client(
                (b"Host: example.com", b"Host: bank.co.uk"),
                (b"Origin: http://example.com", b"Origin: http://evil.co.uk"),
            ),
            COOKIE,
        ),
        server=server(
            (b"ws://example.com", b"ws://bank.co.uk"),
            (b"Origin: http://example.com", b"Origin: http://evil.co.uk"),
        ),
        forbid=("error",),
    ),
    "cross-site-refused": Sample(
        "Another site's page, refused",
        BY_HAND,
        ("answered-forbidden",),
        client=with_field(
            client((b"Origin: http://example.com", b"Origin: http://evil.test")), COOKIE
        ),
        server=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        forbid=("cross-site-accepted",),
    ),
    "sound-76-cross-site-without-cookies": from_page(
        (),
        "Another site's page, and nothing of the user's",
        b"http://elsewhere.test",
        cookie=b"",
    ),
    "sound-76-same-site": from_page(
        (), "A page of the same site under another name", b"http://www.example.com"
    ),
    "sound-76-file-with-cookie": from_page((), "A page from a file", b"file://"),
    "request-for-another-private-address": reached(
        ("host-private-address",),
        "The client means another machine",
        "127.0.0.1:8076",
        b"192.168.1.7:8076",
    ),
    "request-for-a-public-name": reached(
        ("host-name-for-loopback",),
        "A public name that points to this machine, and a page from there",
        "127.0.0.1:8076",
        b"7f000001.rbndr.us:8076",
    ),
    "sound-76-own-private-address": reached(
        (), "The listener's own address", "192.168.1.7:8076", b"192.168.1.7:8076"
    ),
    "sound-76-loopback-names": reached(
        (), "This machine by its other name", "127.0.0.1:8076", b"localhost:8076"
    ),
    "sound-76-hosts-file": reached(
        (), "A name that nobody can register", "127.0.0.1:8076", b"app.test:8076"
    ),
    "sound-76-behind-web-server": reached(
        (),
        "A web server in front hands on its Host",
        "127.0.0.1:8076",
        b"www.rbndr.us",
        b"X-Forwarded-For: 198.51.100.7",
    ),
    "sound-76-any-address": reached(
        (), "A listener at all addresses", "0.0.0.0:8076", b"192.168.1.7:8076"
    ),
    "frames-http-in-text": said(
        ("http-in-text",),
        "A page makes up a request for somebody else, and its server the answer",
        HTTP_REQUEST,
        HTTP_ANSWER,
    ),
    "frames-http-in-text-behind-padding": said(
        ("http-in-text",),
        "Padding in front of the made-up request",
        b"a" * 5000 + b"\n" + HTTP_REQUEST,
    ),
    "sound-76-talk-about-http": said(
        (),
        "People chat about HTTP",
        b"what does GET /script.js HTTP/1.1 mean?\nHost: is a field, too",
        b"HTTP/1.1 200 OK\nis what you get",
    ),
}
