"""Generated handshakes: correct ones give no fault, and no bytes whatever raise."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.diagnosis import (
    FrameChecks,
    Severity,
    Stream,
    check_digest,
    check_request,
    check_response,
    check_unfinished,
    expected_location,
)
from ws76proxy.diagnosis.report import markdown, text
from ws76proxy.wire import (
    FrameDecoder,
    RequestHead,
    ResponseHead,
    encode_text,
    hixie75,
    hixie76,
)
from ws76proxy.wire.challenge import Challenge, read_key
from ws76proxy.wire.dialect import Dialect

DIALECTS = st.sampled_from(list(Dialect))
HIXIE = st.sampled_from([Dialect.HIXIE_75, Dialect.HIXIE_76])
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=20)
PORTS = st.integers(1, 65535).map(lambda port: f":{port}")
TARGETS = st.text("abcXYZ0129/-._~%?&=", max_size=30).map(lambda rest: f"/{rest}")
PROTOCOLS = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=","),
    min_size=1,
    max_size=20,
).filter(str.strip)
LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"Host: example.com",
                b"Upgrade: WebSocket",
                b"Connection: Upgrade",
                b"Origin: http://example.com",
                b"Sec-WebSocket-Key1: 1 2",
                b"Sec-WebSocket-Origin: http://example.com",
                b"Sec-WebSocket-Location: ws://example.com/",
                b"Sec-WebSocket-Protocol: a,b",
                b"WebSocket-Location: ws://[::1",
            ]
        ),
    ),
    max_size=12,
)


@given(
    dialect=HIXIE,
    seed=st.integers(0, 2**32),
    name=NAMES,
    port=st.one_of(st.just(""), PORTS),
    target=TARGETS,
    origin=st.one_of(st.just("null"), NAMES.map(lambda host: f"https://{host}")),
    protocol=st.none() | PROTOCOLS,
    secure=st.booleans(),
)
def test_correct_handshake_gives_no_fault(
    dialect: Dialect,
    seed: int,
    name: str,
    port: str,
    target: str,
    origin: str,
    protocol: str | None,
    secure: bool,
) -> None:
    is_default = port == (":443" if secure else ":80")
    host = name + ("" if is_default else port)
    client: hixie76.ClientConnection | hixie75.ClientConnection
    server: hixie76.ServerConnection | hixie75.ServerConnection
    if dialect is Dialect.HIXIE_76:
        client, server = hixie76.ClientConnection(), hixie76.ServerConnection()
        client.connect(
            resource=target,
            host=host,
            random_below=Random(seed).randrange,
            origin=origin,
            protocol=protocol,
        )
    else:
        client, server = hixie75.ClientConnection(), hixie75.ServerConnection()
        client.connect(resource=target, host=host, origin=origin, protocol=protocol)
    server.receive_data(client.data_to_send())
    assert server.head is not None
    server.accept(
        location=expected_location(server.head, secure).decode(),
        protocol=protocol.encode() if protocol else None,
    )
    client.receive_data(server.data_to_send())
    assert client.head is not None
    diagnoses = check_request(server.head, dialect)
    diagnoses += check_response(server.head, client.head, dialect, secure=secure)
    if isinstance(server, hixie76.ServerConnection):
        assert isinstance(client, hixie76.ClientConnection)
        assert client.digest is not None
        diagnoses += check_digest(server.challenge, client.digest)
    assert {one.finding.severity for one in diagnoses} == {Severity.GOOD}


@given(
    start=st.binary(max_size=30).filter(lambda line: line.strip(b"\r\n"))
    | st.sampled_from([b"GET / HTTP/1.1", b"HTTP/1.1 101 x"]),
    request_lines=LINES,
    response_lines=LINES,
    end=st.sampled_from([b"\r\n", b"\n"]),
    dialect=DIALECTS,
    secure=st.booleans(),
)
def test_no_head_raises(
    start: bytes,
    request_lines: list[bytes],
    response_lines: list[bytes],
    end: bytes,
    dialect: Dialect,
    secure: bool,
) -> None:
    request = RequestHead(end.join([start, *request_lines]) + end + end)
    response = ResponseHead(end.join([b"HTTP/1.1 101 x", *response_lines]) + end + end)
    other = ResponseHead(end.join([start, *response_lines]) + end + end)
    diagnoses = check_request(request, dialect)
    for head in (response, other):
        diagnoses += check_response(request, head, dialect, secure=secure)
    for raw, stream in ((request.raw, Stream.CLIENT), (response.raw, Stream.SERVER)):
        for one in check_request(request, dialect) + check_response(
            request, response, dialect, secure=secure
        ):
            if one.stream is stream and one.offset is not None:
                assert raw[one.offset :].startswith(one.evidence)
    assert text(diagnoses).replace("\n", "").isprintable()
    markdown(diagnoses)


@given(
    keys=st.tuples(st.binary(max_size=60), st.binary(max_size=60)),
    key3=st.binary(max_size=8),
    digest=st.binary(max_size=16),
    dialect=DIALECTS,
)
def test_no_challenge_raises(
    keys: tuple[bytes, bytes], key3: bytes, digest: bytes, dialect: Dialect
) -> None:
    check_digest(Challenge(read_key(keys[0]), read_key(keys[1]), key3), digest)
    check_digest(None, digest)
    head = RequestHead(b"GET / HTTP/1.1\r\n\r\n")
    check_unfinished(
        dialect, request=head, key3=key3, response=None, digest=digest, ended_by="server"
    )


@given(data=st.binary(max_size=200), dialect=HIXIE, limit=st.integers(1, 50))
def test_no_frames_raise_and_evidence_is_what_came(
    data: bytes, dialect: Dialect, limit: int
) -> None:
    is_76 = dialect is Dialect.HIXIE_76
    decoder = FrameDecoder(max_message=limit, closing_handshake=is_76)
    checks = FrameChecks(Stream.CLIENT, dialect)
    for event in [*decoder.feed(data), decoder.end()]:
        for one in checks.look(event):
            if one.offset is not None:
                assert data[one.offset :].startswith(one.evidence)


TEXTS = st.lists(st.text(max_size=30), max_size=12)


@given(
    dialect=HIXIE,
    texts=TEXTS,
    late=TEXTS,
    is_second=st.booleans(),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_sound_frames_give_nothing_but_remarks(
    dialect: Dialect, texts: list[str], late: list[str], is_second: bool, cuts: list[int]
) -> None:
    is_76 = dialect is Dialect.HIXIE_76
    checks = FrameChecks(Stream.SERVER, dialect, begin=9)
    decoder = FrameDecoder(closing_handshake=is_76, offset=9)
    before, behind = (b"".join(map(encode_text, some)) for some in (texts, late))
    behind += b"\xff\x00" if is_76 else b""
    told = []
    for said in (before, behind):
        edges = sorted({0, *[cut for cut in cuts if cut < len(said)], len(said)})
        for begin, end in pairwise(edges):
            told += [one for event in decoder.feed(said[begin:end]) for one in checks.look(event)]
            told += checks.look_at_begun(decoder)
        if is_second and is_76:
            checks.other_closed()
    told += checks.look(decoder.end())
    assert {one.finding.severity for one in told} <= {Severity.INFO}
