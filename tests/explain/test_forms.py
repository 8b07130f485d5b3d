"""The same handshake in every form that it can be pasted in: the same is said of it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.explain import Explained, take_apart
from ws76proxy.explain.dumps import read_dump, read_plain
from ws76proxy.record import ChallengeRecord, ResponseRecord
from ws76proxy.session import Peer

from . import forms
from .forms import CLIENT, DUMPS, SERVER
from .handshakes import (
    ANSWER,
    DIGEST,
    DRAFT,
    KEY3,
    REQUEST,
    SAMPLES,
    about,
    explain,
    explain_pair,
    findings,
)

PATIENCE = 30
# One of each kind: sound, a wrong digest, odd bytes in key3, frames behind it, bare line feeds.
PASTED = {
    "draft": DRAFT,
    **{
        name: (SAMPLES[name].client, SAMPLES[name].server)
        for name in (
            "sound-76",
            "sound-75",
            "sound-76-lower-case",
            "digest-little-endian",
            "digest-hex",
            "digest-key3-trimmed",
            "digest-key3-cut-at-nul",
            "key1-tab",
            "location-missing",
            "frames-line-end-after-digest",
            "unfinished-short-digest",
            "answered-404",
        )
    },
}
EVERY = pytest.mark.parametrize(("client", "server"), PASTED.values(), ids=list(PASTED))
EVERY_DUMP = pytest.mark.parametrize("dump", DUMPS.values(), ids=list(DUMPS))


def expected(client: bytes, server: bytes) -> list[str]:
    return about(explain_pair(client, server))


def test_the_example_of_the_draft_is_sound() -> None:
    explained = explain_pair(*DRAFT)
    assert {"digest-verified", "keys-well-formed", "protocol-matches"} <= findings(explained)
    assert explained.worst == "good"
    assert explained.notes == []


@EVERY
def test_raw_bytes_in_one_file(client: bytes, server: bytes) -> None:
    assert about(explain(client + server)) == expected(client, server)


@EVERY
def test_raw_bytes_in_two_files_in_the_other_order(client: bytes, server: bytes) -> None:
    assert about(explain_pair(server, client)) == expected(client, server)


@EVERY
@EVERY_DUMP
def test_a_dump_of_both(client: bytes, server: bytes, dump: forms.Dump) -> None:
    assert about(explain(dump(client + server).encode())) == expected(client, server)


@EVERY
@EVERY_DUMP
def test_a_dump_of_each(client: bytes, server: bytes, dump: forms.Dump) -> None:
    pair = explain_pair(dump(client).encode(), dump(server).encode())
    assert about(pair) == expected(client, server)


@EVERY
def test_two_dumps_in_one_text(client: bytes, server: bytes) -> None:
    text = f"Request:\n{DUMPS['xxd'](client)}\nResponse:\n{DUMPS['xxd'](server)}"
    assert about(explain(text.encode())) == expected(client, server)


def in_pieces(client: bytes, server: bytes) -> list[tuple[int, bytes]]:
    """Both heads and what follows them, each sent by itself."""
    pieces = []
    for who, data in ((CLIENT, client), (SERVER, server)):
        end = data.index(b"\r\n\r\n") + 4
        pieces += [(who, piece) for piece in (data[:end], data[end : end + 3], data[end + 3 :])]
    return [(who, piece) for who, piece in pieces if piece]


@EVERY
def test_both_directions_as_wireshark_shows_them(client: bytes, server: bytes) -> None:
    text = forms.wireshark(in_pieces(client, server))
    assert about(explain(text.encode())) == expected(client, server)


@EVERY
def test_a_trace_of_curl(client: bytes, server: bytes) -> None:
    text = forms.curl_trace(in_pieces(client, server))
    assert about(explain(text.encode())) == expected(client, server)


@EVERY
@pytest.mark.parametrize("labels", [("recv", "send"), ("-", "-")], ids=["labelled", "bare"])
def test_literals_in_a_log(client: bytes, server: bytes, labels: tuple[str, str]) -> None:
    text = forms.literals(in_pieces(client, server), labels=labels)
    assert about(explain(text.encode())) == expected(client, server)


@EVERY
def test_quoted_text_with_escapes(client: bytes, server: bytes) -> None:
    text = forms.escaped(in_pieces(client, server))
    assert about(explain(text.encode())) == expected(client, server)


@EVERY
def test_line_ends_of_windows_around_a_dump(client: bytes, server: bytes) -> None:
    text = DUMPS["hexdump -C"](client + server).replace("\n", "\r\n")
    assert about(explain(text.encode())) == expected(client, server)


def test_what_a_browser_of_2011_logs() -> None:
    text = forms.net_internals((REQUEST, KEY3), (ANSWER, DIGEST))
    explained = explain(text.encode())
    assert about(explained) == expected(*DRAFT)
    assert explained.kind == "a log"


# Forms that lose what is no text


def heads_alone(explained: Explained) -> None:
    """Everything is said of the heads, nothing of what is not there."""
    whole = findings(explain_pair(*DRAFT))
    assert findings(explained) == whole - {"digest-verified"}
    assert not any(isinstance(record, ChallengeRecord) for record in explained.records)
    assert explained.notes


def test_curl_verbose() -> None:
    heads_alone(explain(forms.verbose(REQUEST, ANSWER).encode()))


def test_heads_in_a_log() -> None:
    lines = (REQUEST + ANSWER).decode().split("\r\n")
    log = "\n".join(f"2010-05-06 12:00:01 [conn 7] {line}" for line in lines)
    heads_alone(explain(log.encode()))


def test_heads_with_escaped_line_ends() -> None:
    shown = (REQUEST + ANSWER).decode().replace("\r\n", "\\r\\n\n  ")
    heads_alone(explain(f"  {shown}".encode()))


def test_a_request_in_a_log_without_an_answer() -> None:
    lines = REQUEST.decode().split("\r\n")
    explained = explain("\n".join(f"> {line}" for line in lines).encode())
    assert not any(isinstance(record, ResponseRecord) for record in explained.records)
    assert "keys-well-formed" in findings(explained)


# Text that an editor has saved


TEXT = (REQUEST + KEY3 + b"\n\n" + ANSWER + DIGEST + b"\n").replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        b"\n" + TEXT,
        TEXT.rstrip(),
        TEXT.replace(b"\n\nHTTP", b"HTTP"),
        TEXT.replace(KEY3, b"\n" + KEY3),
        TEXT + b"\n\n",
    ],
    ids=["usual", "empty-line", "no-line-end", "no-space", "space-before-key3", "more-line-ends"],
)
def test_line_ends_of_an_editor(text: bytes) -> None:
    explained = explain(text)
    client, server = DRAFT
    assert findings(explained) == findings(explain_pair(client, server))
    assert explained.kind == "text with LF line ends"


def test_line_ends_of_an_editor_in_two_files() -> None:
    client, server = (part.replace(b"\r\n", b"\n") + b"\n" for part in DRAFT)
    assert findings(explain_pair(client, server)) == findings(explain_pair(*DRAFT))


def test_a_text_that_has_lost_bytes_of_key3_says_nothing_of_the_digest() -> None:
    explained = explain(TEXT.replace(KEY3, b"^n:\xef\xbf\xbds[4U"))
    heads_alone(explained)
    assert any("key3" in note for note in explained.notes)


@pytest.mark.parametrize("name", ["request-bare-line-feeds", "answer-bare-line-feeds"])
def test_line_feeds_that_were_sent_are_told(name: str) -> None:
    sample = SAMPLES[name]
    assert sample.expect <= findings(explain_pair(sample.client, sample.server))
    dump = DUMPS["xxd"](sample.client + sample.server)
    assert sample.expect <= findings(explain(dump.encode()))


def test_frames_that_a_log_labels_go_to_their_peers() -> None:
    frames = [(CLIENT, b"\x00hello\xff"), (SERVER, b"\x00HTTP/1.1 200\xff"), (CLIENT, b"\xff\x00")]
    text = forms.literals([(CLIENT, DRAFT[0]), (SERVER, DRAFT[1]), *frames])
    pasted = take_apart(text.encode(), "log")
    assert pasted.stream(Peer.CLIENT) == DRAFT[0] + b"\x00hello\xff\xff\x00"
    assert pasted.stream(Peer.SERVER) == DRAFT[1] + b"\x00HTTP/1.1 200\xff"


def test_frames_before_the_answer_are_early_only_where_the_order_is_known() -> None:
    client, server = DRAFT
    client += b"\x00early\xff"
    shown = forms.wireshark([(CLIENT, client), (SERVER, server)])
    assert "early-client-frames" in findings(explain(shown.encode()))
    assert "early-client-frames" not in findings(explain_pair(client, server))
    one = explain(client + server)
    assert "early-client-frames" not in findings(one)
    assert any("7 bytes" in note for note in one.notes)


# The bytes of dumps


PLAIN = ("xxd -p", "colons", "0x")


@given(
    st.binary(min_size=1, max_size=400),
    st.sampled_from([form for form in DUMPS if form not in (*PLAIN, "hexdump")]),
)
def test_dumps_hold_their_bytes(data: bytes, form: str) -> None:
    blocks = read_dump(DUMPS[form](data))
    assert blocks is not None
    assert b"".join(block.data for block in blocks) == data


@given(st.binary(min_size=4, max_size=400), st.sampled_from(PLAIN))
def test_plain_digits_hold_their_bytes(data: bytes, form: str) -> None:
    text = DUMPS[form](data)
    assert read_dump(text) is None
    assert read_plain(text) == data


@given(st.binary(min_size=1, max_size=400))
def test_dumps_of_words_hold_their_bytes(data: bytes) -> None:
    blocks = read_dump(forms.hexdump_words(data), swapped=True)
    assert blocks is not None
    assert b"".join(block.data for block in blocks) == data


@given(st.lists(st.tuples(st.sampled_from((0, 1)), st.binary(min_size=1, max_size=90)), min_size=1))
def test_streams_hold_their_bytes(said: list[tuple[int, bytes]]) -> None:
    blocks = read_dump(forms.wireshark(said))
    assert blocks is not None
    for who in (0, 1):
        sent = b"".join(data for one, data in said if one == who)
        # Where only one has said something, none is indented further.
        stream = who if len({one for one, _ in said}) == 2 else 0
        found = b"".join(block.data for block in blocks if block.stream == stream)
        assert found == sent or not sent


REAL = {
    "xxd": ["xxd"],
    "xxd -p": ["xxd", "-p"],
    "xxd -g 1 -c 8": ["xxd", "-g", "1", "-c", "8"],
    "xxd -c 32": ["xxd", "-c", "32"],
    "xxd -a": ["xxd", "-a"],
    "hexdump": ["hexdump"],
    "hexdump -C": ["hexdump", "-C"],
    "od -t x1": ["od", "-t", "x1"],
    "od -A x -t x1z": ["od", "-A", "x", "-t", "x1z"],
    "od -A d -t x1": ["od", "-A", "d", "-t", "x1"],
}


@pytest.mark.parametrize("command", REAL.values(), ids=list(REAL))
@pytest.mark.parametrize("behind", [b"", b"\x00\xff", b"\x00" + bytes([0x41]) * 200 + b"\xff"])
def test_what_the_real_programs_print(command: list[str], behind: bytes, tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    file = tmp_path / "bytes"
    file.write_bytes(DRAFT[0] + DRAFT[1] + behind)
    printed = subprocess.run([*command, file], check=True, capture_output=True).stdout
    assert about(explain(printed)) == expected(DRAFT[0], DRAFT[1] + behind)


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """A server that gives each client this answer and closes; yields its port."""

    def serve() -> None:
        for _ in range(2):
            connection, _ = listener.accept()
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        server.join(PATIENCE)


def test_what_curl_prints(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with answering(ANSWER + DIGEST) as port:
        command = ["curl", "-s", "-m", "10", "--http1.1", "-o", str(tmp_path / "body")]
        for line in REQUEST.decode().split("\r\n")[1:-2]:
            command += ["-H", line]
        trace = tmp_path / "trace"
        subprocess.run([*command, "--trace", trace, f"http://127.0.0.1:{port}/demo"], check=False)
        explained = explain(trace.read_bytes())
        assert explained.kind == "a trace of curl"
        assert {"keys-well-formed", "location-matches"} <= findings(explained)
        done = subprocess.run(
            [*command, "-v", f"http://127.0.0.1:{port}/demo"], capture_output=True, check=False
        )
        explained = explain(done.stderr)
        assert explained.kind == "the output of curl -v"
        assert {"keys-well-formed", "location-matches"} <= findings(explained)
