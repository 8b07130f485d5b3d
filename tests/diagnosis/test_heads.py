"""The checks of both heads: codes, and evidence at exactly the right bytes."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import Diagnosis, Severity, Side, Stream, check_request, check_response
from ws76proxy.wire.dialect import Dialect

from .heads import answer, answer_75, request, request_75

D76 = Dialect.HIXIE_76


def only(diagnoses: list[Diagnosis], code: str) -> Diagnosis:
    """The one diagnosis with that code."""
    (found,) = (one for one in diagnoses if one.finding.code == code)
    return found


def codes(diagnoses: list[Diagnosis]) -> list[str]:
    return [one.finding.code for one in diagnoses]


def test_correct_heads_give_good_findings_only() -> None:
    diagnoses = check_request(request(), D76)
    diagnoses += check_response(request(), answer(), D76, secure=False)
    assert codes(diagnoses) == [
        "keys-well-formed",
        "upgrade-ok",
        "origin-matches",
        "location-matches",
    ]
    assert {one.finding.severity for one in diagnoses} == {Severity.GOOD}


def test_good_findings_can_be_left_out() -> None:
    assert check_request(request(), D76, good=False) == []
    assert check_response(request(), answer(), D76, secure=False, good=False) == []


@pytest.mark.parametrize(
    "dialect", [one for one in Dialect if not one.is_hixie], ids=lambda one: one.name
)
def test_other_dialects_are_not_looked_at(dialect: Dialect) -> None:
    assert check_request(request((b"GET", b"POST")), dialect) == []
    assert check_response(request(), answer((b"101", b"500")), dialect, secure=False) == []


def test_evidence_is_the_line_without_its_end_at_its_place_in_the_stream() -> None:
    head = request((b"Origin: http://example.com", b"Origin: Example.com"))
    found = only(check_request(head, D76, base=1000), "origin-without-scheme")
    assert found.stream is Stream.CLIENT
    assert found.evidence == b"Origin: Example.com"
    assert found.offset == 1000 + head.raw.index(b"Origin:")
    assert found.detail == 'it is "Example.com"'


def test_evidence_of_the_start_line_leaves_out_what_came_before() -> None:
    head = request((b"GET ", b"\r\n\r\nPOST "))
    diagnoses = check_request(head, D76, base=10)
    method = only(diagnoses, "request-method-not-get")
    assert (method.offset, method.evidence) == (14, b"POST /demo?x=1 HTTP/1.1")
    before = only(diagnoses, "request-empty-line-first")
    assert (before.offset, before.evidence) == (10, b"\r\n\r\n")


def test_what_did_not_come_has_no_evidence() -> None:
    head = request((b"Host: example.com\r\n", b""))
    found = only(check_request(head, D76), "host-missing")
    assert (found.stream, found.offset, found.evidence) == (None, None, b"")


def test_bare_line_feed_shows_the_first_line_that_has_one() -> None:
    head = request((b"Upgrade: WebSocket\r\n", b"Upgrade: WebSocket\n"))
    found = only(check_request(head, D76, base=5), "request-bare-line-feed")
    assert found.evidence == b"Upgrade: WebSocket\n"
    assert found.offset == 5 + head.raw.index(b"Upgrade: WebSocket")
    assert "1 of 8 lines" in found.detail


def test_of_a_field_given_twice_the_second_is_shown() -> None:
    head = request((b"Host: example.com\r\n", b"Host: a\r\nHost: b\r\n"))
    found = only(check_request(head, D76), "host-twice")
    assert found.evidence == b"Host: b"
    assert found.detail == '"a" and then "b"'


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"keep-alive, Upgrade", "connection-list"),
        (b"upgrade,keep-alive", "connection-list"),
        (b"Upgraded", "connection-differs"),
        (b"", "connection-differs"),
    ],
)
def test_connection_is_compared_whole(value: bytes, code: str) -> None:
    changed = (b"Connection: Upgrade", b"Connection: " + value)
    assert f"request-{code}" in codes(check_request(request(changed), D76))
    response = answer(changed)
    assert code in codes(check_response(request(), response, D76, secure=False))


def test_connection_is_compared_without_case() -> None:
    changed = (b"Connection: Upgrade", b"Connection: uPGRADE")
    assert check_request(request(changed), D76, good=False) == []
    assert check_response(request(), answer(changed), D76, secure=False, good=False) == []


def test_keys_are_taken_apart_in_the_good_finding() -> None:
    found = only(check_request(request(), D76), "keys-well-formed")
    assert found.detail == "Key1: 4146546015 / 5 = 829309203; Key2: 1299853100 / 5 = 259970620"


def test_each_fault_of_a_key_is_a_finding_of_its_own() -> None:
    head = request((b"4 @1  46546xW%0l 1 5", b" 99999999999\t "))
    found = codes(check_request(head, D76))
    assert found == [
        "key-number-too-large",
        "key-leading-space",
        "key-trailing-space",
        "key-odd-characters",
    ]


def test_a_key_of_thousands_of_digits_makes_a_short_sentence() -> None:
    head = request((b"4 @1  46546xW%0l 1 5", b"9" * 5000 + b" x"))
    found = only(check_request(head, D76), "key-number-too-large")
    assert found.detail == "Key1: 5000 digits is above 4294967295"


def test_a_refusal_is_judged_by_its_status_only() -> None:
    response = answer((b"101 WebSocket Protocol Handshake", b"404 Not Found"))
    diagnoses = check_response(request(), response, D76, secure=False, base=7)
    found = only(diagnoses, "answered-not-found")
    assert codes(diagnoses) == ["answered-not-found"]
    assert (found.offset, found.evidence) == (7, b"HTTP/1.1 404 Not Found")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (b"200", "answered-ordinary-page"),
        (b"204", "answered-ordinary-page"),
        (b"100", "answered-other-status"),
        (b"301", "answered-redirect"),
        (b"307", "answered-redirect"),
        (b"405", "answered-other-status"),
        (b"426", "answered-rfc6455-only"),
        (b"500", "answered-server-error"),
        (b"503", "answered-server-error"),
        (b"999", "answered-other-status"),
        (b"1010", "status-line-malformed"),
        (b"OK", "status-line-malformed"),
    ],
)
def test_each_status_has_its_meaning(status: bytes, code: str) -> None:
    response = answer((b"101", status))
    assert codes(check_response(request(), response, D76, secure=False)) == [code]


@pytest.mark.parametrize(
    ("sent", "answered", "code"),
    [
        (b"http://Example.com", b"http://example.com", "origin-matches"),
        (b"http://Example.com", b"http://Example.com", "origin-matches"),
        (b"http://example.com", b"http://EXAMPLE.com", "origin-case-differs"),
        (b"http://www.example.com", b"https://example.com", "origin-of-backend"),
        (b"http://www.example.com", b"null", "origin-answered-null"),
        (b"null", b"null", "origin-matches"),
        (b"http://www.example.com", b"http://www.example.com/", "origin-differs"),
    ],
)
def test_origin_is_compared(sent: bytes, answered: bytes, code: str) -> None:
    head = request((b"Origin: http://example.com", b"Origin: " + sent))
    response = answer((b"Origin: http://example.com", b"Origin: " + answered))
    diagnoses = check_response(head, response, D76, secure=False)
    found = only(diagnoses, code)
    assert found.evidence == b"Sec-WebSocket-Origin: " + answered
    assert found.offset == response.raw.index(b"Sec-WebSocket-Origin")
    assert [one for one in codes(diagnoses) if one.startswith("origin-")] == [code]


def test_names_of_the_other_draft_explain_what_is_missing() -> None:
    response = answer(
        (b"Sec-WebSocket-Origin", b"WebSocket-Origin"),
        (b"Sec-WebSocket-Location", b"WebSocket-Location"),
    )
    diagnoses = check_response(request(), response, D76, secure=False, good=False)
    assert codes(diagnoses) == ["response-names-of-75"]


def test_side_and_text_come_from_the_catalogue() -> None:
    found = only(check_request(request((b"GET", b"PUT")), D76), "request-method-not-get")
    assert found.finding.side is Side.CLIENT
    assert found.finding.consequence
    assert found.finding.fix


def test_bytes_that_are_not_printable_are_escaped_in_the_sentence() -> None:
    head = request((b"http://example.com", b"\x1b[31m\\"))
    found = only(check_request(head, D76), "origin-without-scheme")
    assert found.detail == 'it is "\\x1b[31m\\\\"'
    assert found.evidence == b"Origin: \x1b[31m\\"


@pytest.mark.parametrize("name", [b"Upgrade", b"Connection", b"Sec-WebSocket-Origin"])
@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b"  ", b"", "response-value-leading-space"),
        (b" ", b" ", "response-value-trailing-space"),
        (b"  ", b"\t", "response-value-trailing-space"),
        (b"\t", b"", "response-value-trailing-space"),
        (b"", b"", None),
    ],
)
def test_white_space_around_a_value_that_is_compared(
    name: bytes, before: bytes, after: bytes, code: str | None
) -> None:
    value = answer().value(name.lower())
    assert value is not None
    line = b"\n" + name + b": " + value + b"\r"
    response = answer((line, b"\n" + name + b":" + before + value + after + b"\r"))
    found = check_response(request(), response, D76, secure=False, good=False)
    assert codes(found) == ([] if code is None else [code])


def test_a_client_of_draft_75_compares_bytes() -> None:
    head = request_75()
    response = answer_75((b"Upgrade: WebSocket", b"Upgrade:  WebSocket"))
    found = check_response(head, response, Dialect.HIXIE_75, secure=False, good=False)
    assert codes(found) == ["upgrade-not-exact"]


def test_nothing_was_asked_for() -> None:
    for upgrade in (b"", b"Upgrade: h2c\r\n"):
        head = request((b"Upgrade: WebSocket\r\n", upgrade))
        found = only(
            check_response(head, answer(), D76, secure=False, base=7, good=False), "switch-unasked"
        )
        assert (found.offset, found.finding.side) == (7, Side.SERVER)


@pytest.mark.parametrize("dialect", [Dialect.RFC_6455, Dialect.HYBI_DRAFT])
def test_a_later_client_gets_an_answer_for_hixie(dialect: Dialect) -> None:
    (found,) = check_response(request(), answer(), dialect, secure=False, base=3)
    assert found.finding.code == "response-of-hixie"
    assert found.offset == 3 + answer().raw.index(b"Sec-WebSocket-Origin")
    accept = (b"Upgrade: WebSocket", b"Sec-WebSocket-Accept: x\r\nUpgrade: websocket")
    assert check_response(request(), answer(accept), dialect, secure=False) == []
    origin = (b"Sec-WebSocket-Origin: http://example.com\r\n", b"")
    location = (b"Sec-WebSocket-Location: ws://example.com/demo?x=1\r\n", b"")
    assert check_response(request(), answer(origin, location), dialect, secure=False) == []


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (b"https://example.com/demo?x=1", "the same with TLS"),
        (b"/demo/?x=1", "the same with a slash at the end of the path"),
        (b"http://www.example.com/demo?x=1", "the same at another address"),
        (b"/login", 'to "/login"'),
    ],
)
def test_where_a_redirect_leads(location: bytes, words: str) -> None:
    response = answer((b"101 WebSocket", b"302 WebSocket"), (b"\r\nUpgrade: WebSocket", b""))
    moved = response.add_field(b"Location", location)
    (found,) = check_response(request(), moved, D76, secure=False)
    assert found.finding.code == "answered-redirect"
    assert found.detail.endswith(words)


def test_a_refusal_says_who_refuses_and_what_is_wanted() -> None:
    response = answer((b"101 WebSocket", b"401 WebSocket")).add_field(b"Server", b"nginx/0.8.54")
    response = response.add_field(b"WWW-Authenticate", b"Basic").add_field(b"Via", b"1.1 a")
    (found,) = check_response(request(), response, D76, secure=False)
    assert 'Server: "nginx/0.8.54"; WWW-Authenticate: "Basic" ("Via: 1.1 a"' in found.detail


def test_lost_spaces_are_counted() -> None:
    head = request((b"4 @1  46546xW%0l 1 5", b"4 @1 46546xW%0l 1 5"))
    found = only(check_request(head, D76), "key-not-divisible")
    assert "with 5 spaces it would not" in found.detail
