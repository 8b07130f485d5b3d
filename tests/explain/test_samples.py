"""Every sample handshake, pasted: its findings come out, and no others that matter."""

from __future__ import annotations

import pytest

from tests.diagnosis.samples import Sample
from ws76proxy.diagnosis import CATALOGUE, Severity
from ws76proxy.explain import Explained, look_at, take_pair_apart

from .forms import DUMPS
from .handshakes import SAMPLES, explain, explain_pair, findings

# What only the time or the end of a connection tells, and bytes do not.
BY_ITS_END = {
    "unfinished-client-leaves": {"client-left-early"},
    "unfinished-no-answer": {"response-missing"},
    "unfinished-server-closes": {"response-missing"},
    "unfinished-key3-line-end-eaten": {"response-missing", "key3-line-end-eaten"},
    "unfinished-server-closes-on-faulty-keys": {"faulty-keys-refused"},
}
# What only whoever has accepted the connection knows: at which address.
BY_ITS_ADDRESS = {"host-private-address", "host-name-for-loopback"}
# One file does not say which side sent an empty line between both.
IN_TWO_FILES_ONLY = {"answer-after-empty-line"}


def faults(codes: set[str]) -> set[str]:
    serious = (Severity.ERROR, Severity.WARNING)
    return {code for code in codes if CATALOGUE[code].severity in serious}


def check(sample: Sample, explained: Explained) -> None:
    codes = findings(explained)
    expected = sample.expect - BY_ITS_END.get(sample.name, set()) - BY_ITS_ADDRESS
    assert expected <= codes
    assert not sample.forbid & (codes | {CATALOGUE[code].severity.value for code in codes})
    assert faults(codes) <= sample.expect


ANSWERED = [sample for sample in SAMPLES.values() if sample.server]


@pytest.mark.parametrize("sample", ANSWERED, ids=lambda sample: sample.name)
def test_in_two_files(sample: Sample) -> None:
    check(sample, explain_pair(sample.client, sample.server, secure=sample.secure))


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=lambda sample: sample.name)
def test_in_one_file(sample: Sample) -> None:
    # Where an answer begins is seen by its status line only.
    is_http = sample.server.startswith(b"HTTP/") or not sample.server
    if is_http and sample.name not in IN_TWO_FILES_ONLY:
        check(sample, explain(sample.client + sample.server, secure=sample.secure))


@pytest.mark.parametrize("sample", ANSWERED, ids=lambda sample: sample.name)
def test_as_two_dumps(sample: Sample) -> None:
    client, server = (DUMPS["xxd"](data).encode() for data in (sample.client, sample.server))
    check(sample, explain_pair(client, server, secure=sample.secure))


@pytest.mark.parametrize("name", sorted(BY_ITS_END))
def test_what_bytes_do_not_tell_is_not_told(name: str) -> None:
    explained = explain(SAMPLES[name].client)
    assert faults(findings(explained)) <= SAMPLES[name].expect - BY_ITS_END[name]
    assert any("no answer" in note for note in explained.notes)


@pytest.mark.parametrize("name", ["sound-76", "sound-75"])
def test_a_request_alone_is_nobodys_fault(name: str) -> None:
    explained = explain(SAMPLES[name].client)
    assert explained.worst == "good"
    assert any("no answer" in note for note in explained.notes)


def test_a_request_alone_gets_what_the_server_must_send() -> None:
    sample = SAMPLES["sound-76"]
    explained = explain(sample.client)
    assert explained.asked is not None
    assert explained.asked.answer == sample.server[-16:]


def test_a_wss_address_without_wss_is_explained() -> None:
    sample = SAMPLES["sound-76-wss"]
    explained = explain_pair(sample.client, sample.server)
    assert explained.worst == "error"
    assert any("--wss" in note for note in explained.notes)
    assert explain_pair(sample.client, sample.server, secure=True).worst == "good"


@pytest.mark.parametrize(
    ("client", "code"),
    [
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x01", "tls-on-plain-port"),
        (b"<policy-file-request/>\0", "flash-policy-request"),
    ],
)
def test_what_is_no_websocket_at_all_is_named(client: bytes, code: str) -> None:
    assert code in findings(explain(client))


def test_an_ordinary_request_has_nothing_wrong() -> None:
    explained = explain(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
    assert explained.worst == "good"
    assert explained.request is None


def test_ignored_findings_are_left_out_everywhere() -> None:
    sample = SAMPLES["digest-little-endian"]
    pasted = take_pair_apart(sample.client, sample.server, ("a", "b"))
    assert pasted is not None
    ignored = {"digest-wrong", "digest-little-endian"}
    explained = look_at(pasted, "", 1, secure=False, ignored=ignored)
    assert explained.worst == "good"
    assert not ignored & set(explained.records[-1].findings)  # type: ignore[union-attr]
