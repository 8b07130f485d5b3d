"""What cannot be explained: taken for what, understood how far, what was expected and found."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.cli.commands import ws76proxy
from ws76proxy.explain import PastedError, take_apart
from ws76proxy.explain.inputs import LARGEST_PASTED

from . import forms
from .forms import CLIENT, DUMPS, SERVER
from .handshakes import DRAFT, REQUEST

WHOLE = DRAFT[0] + DRAFT[1]
XXD = DUMPS["xxd"](WHOLE).encode()
PLAIN = forms.plain(WHOLE).encode()
TRACE = forms.curl_trace([(CLIENT, DRAFT[0]), (SERVER, DRAFT[1])])


def without_line(text: bytes, number: int) -> bytes:
    lines = text.split(b"\n")
    return b"\n".join([*lines[: number - 1], *lines[number:]])


# What it is, its content, and what must be in the message: what it was taken for, where, what was
# expected, what was found.
BAD: dict[str, tuple[bytes, list[str]]] = {
    "nothing": (b"", ["expected a handshake", "found nothing"]),
    "white space": (b" \r\n\n", ["expected a handshake", "found nothing"]),
    "prose": (b"It does not work.", ["raw bytes", "offset 0", "request line", "It does not work."]),
    "binary": (bytes(range(128, 256)), ["raw bytes", "offset 0", "request line", "\\x80"]),
    "control": (b"\x1b[31m\x07", ["raw bytes", "offset 0", "request line", "\\x1b"]),
    "an answer": (DRAFT[1], ["raw bytes", "offset 0", "request", "only an answer"]),
    "a dump of an answer": (
        DUMPS["hexdump -C"](DRAFT[1]).encode(),
        ["a hex dump", "offset 0", "request", "only an answer"],
    ),
    "a dump of something": (
        DUMPS["xxd"](b"SSH-2.0-OpenSSH_5.5p1\r\n").encode(),
        ["a hex dump of 23 bytes", "offset 0", "request line", "SSH-2.0"],
    ),
    "a dump of a packet": (
        DUMPS["wireshark"](bytes.fromhex("4500003c1c46400040060000c0000201")).encode(),
        ["a hex dump", "offset 0", "request line", "IP packets", "tcpdump -w"],
    ),
    "a dump with a hole": (without_line(XXD, 5), ["a hex dump", "line 5", "0x40", "00000050"]),
    "a dump out of order": (
        b"\n".join([*XXD.split(b"\n")[:3], XXD.split(b"\n")[1], *XXD.split(b"\n")[3:]]),
        ["a hex dump", "line 4", "0x30", "00000010"],
    ),
    "a dump with a broken line": (
        XXD.replace(b"5570 6772", b"5g70 6772"),
        ["a hex dump", "line 10", "0x84", "line 9 holds 4 bytes", "00000090"],
    ),
    "a dump that ends too late": (
        DUMPS["hexdump -C"](WHOLE).encode() + b"00000fff\n",
        ["a hex dump", "expected offset", "00000fff"],
    ),
    "a dump of nothing but zeros left out": (
        b"00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |x|\n*\n7fffffffffff0\n",
        ["a hex dump", "line 2", "left out"],
    ),
    "octal words": (
        b"0000000 042507 020124 062057 066545\n0000010 020117 052110 050124 030457\n",
        ["a hex dump", "line 1", "octal", "-t x1"],
    ),
    "packets as tcpdump -X prints them": (
        b"12:00:00.1 IP 192.0.2.1.51234 > 192.0.2.2.8076: Flags [S], seq 1, length 0\n"
        b"\t0x0000:  4500 003c 1c46 4000 4006 0000 c000 0201  E..<.F@.@.......\n"
        b'\t0x0010:  c000 0202 c822 1f8c 0000 0001 0000 0000  ....."..........\n',
        ["a hex dump", "offset 0", "request line", "IP packets", "tcpdump -w"],
    ),
    "digits with a slip": (
        PLAIN.replace(b"0d0a", b"0dXa", 1),
        ["plain hexadecimal", "line 1, column", "pairs", "Xa"],
    ),
    "digits with one too few": (PLAIN.rstrip()[:-1], ["plain hexadecimal", "line", "pairs"]),
    "digits of something": (b"0011223344556677", ["plain hexadecimal", "offset 0", "\\x00"]),
    "a trace that breaks off": (
        without_line(TRACE.encode(), 5),
        ["a trace of curl", "line 5", "0x20", "0030"],
    ),
    "a trace in ASCII": (
        b"=> Send header, 100 bytes (0x64)\n0000: GET /demo HTTP/1.1\n0014: Host: x\n",
        ["a trace of curl", "line 2", "100 bytes", "--trace-ascii"],
    ),
    "a trace of something else": (
        forms.curl_trace([(CLIENT, b"EHLO example.com\r\n")]).encode(),
        ["a trace of curl", "offset 0", "request line", "EHLO"],
    ),
    "an access log": (
        b'192.0.2.1 - - [06/May/2010] "GET /demo HTTP/1.1" 101 16\n'
        b'192.0.2.1 - - [06/May/2010] "GET /favicon.ico HTTP/1.1" 404 0\n',
        ["a log", "line 2", "field", "favicon"],
    ),
    "a log that ends": (b"12:00 GET /demo HTTP/1.1", ["a log", "line 2", "fields", "none"]),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=list(BAD))
def test_bad_input(content: bytes, expected: list[str], tmp_path: Path) -> None:
    file = tmp_path / "pasted.txt"
    file.write_bytes(content)
    done = ws76proxy("explain", str(file))
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ws76proxy: {file}: ")
    assert line.isprintable()
    for words in expected:
        assert words in line


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=list(BAD))
def test_what_can_be_read_is_read(content: bytes, expected: list[str], tmp_path: Path) -> None:
    for name, data in (("1", WHOLE), ("2", content), ("3", XXD)):
        (tmp_path / name).write_bytes(data)
    done = ws76proxy("explain", *(str(tmp_path / name) for name in "123"))
    assert done.returncode == 2
    assert done.stdout.count("digest verified") == 2
    assert len(done.stderr.splitlines()) == 1


def test_no_such_file(tmp_path: Path) -> None:
    done = ws76proxy("explain", str(tmp_path / "missing.bin"))
    assert done.returncode == 2
    assert "missing.bin: No such file or directory" in done.stderr


def test_what_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.write(WHOLE)
        large.truncate(LARGEST_PASTED + 1)
    done = ws76proxy("explain", str(file))
    assert done.returncode == 2
    assert "16 MiB" in done.stderr


@pytest.mark.parametrize("size", range(0, len(WHOLE), 7))
@pytest.mark.parametrize("form", ["raw", *DUMPS])
def test_whatever_is_cut_off_is_explained_or_refused(size: int, form: str) -> None:
    data = WHOLE[:size]
    written = data if form == "raw" else DUMPS[form](data).encode()
    if not data:
        with pytest.raises(PastedError):
            take_apart(written, "file")
    elif size > len(REQUEST):
        pasted = take_apart(written, "file")
        assert b"".join(piece.data for piece in pasted.pieces) == data


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "content",
    [
        b"A" * 1_000_000,
        b"GET " * 250_000,
        b"AAA " * 250_000 + b"HTTP/1.1",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1",
        b"b'" * 500_000,
        b"'\\r\\n" * 200_000 + b"HTTP/1.1\\r\\n",
        b"HTTP/1.1\\r\\n GET / " * 50_000,
        b"x HTTP/1.1\n" * 100_000,
        b"GET / HTTP/1.1\n" * 60_000,
        b"00000000: 00\n" * 80_000,
        b"0" * 1_000_000,
        b"00 " * 300_000,
        b"=> Send header, 9 bytes\n" * 40_000,
        b"\n" * 1_000_000 + b"x",
        b"> GET / HTTP/1.1\n" * 60_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_no_text_takes_long(content: bytes) -> None:
    with contextlib.suppress(PastedError):
        take_apart(content, "file")
