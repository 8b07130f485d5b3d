"""Bytes written down as programs write them; each from what the program was seen to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "CLIENT",
    "DUMPS",
    "SERVER",
    "Dump",
    "curl_trace",
    "escaped",
    "hexdump_words",
    "literals",
    "net_internals",
    "plain",
    "verbose",
    "wireshark",
]

CLIENT, SERVER = 0, 1
Said = Sequence[tuple[int, bytes]]
"""Who sent which bytes, in order."""
Dump = Callable[[bytes], str]


def _rows(data: bytes, width: int = 16) -> Iterator[tuple[int, bytes]]:
    for offset in range(0, len(data), width):
        yield offset, data[offset : offset + width]


def _text(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)


def xxd(data: bytes) -> str:
    lines = []
    for offset, row in _rows(data):
        groups = " ".join(row[at : at + 2].hex() for at in range(0, len(row), 2))
        lines.append(f"{offset:08x}: {groups:<39}  {_text(row)}")
    return "\n".join(lines) + "\n"


def xxd_bytes(data: bytes) -> str:
    """xxd -g 1 -u"""
    rows = (f"{at:08x}: {row.hex(' ').upper():<47}  {_text(row)}" for at, row in _rows(data))
    return "\n".join(rows) + "\n"


def hexdump_c(data: bytes) -> str:
    """hexdump -C: what repeats is left out."""
    lines = []
    rows = list(_rows(data))
    starred = False
    for number, (offset, row) in enumerate(rows):
        if number and row == rows[number - 1][1] and len(row) == 16:
            if not starred:
                lines.append("*")
            starred = True
            continue
        starred = False
        halves = f"{row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}"
        lines.append(f"{offset:08x}  {halves}  |{_text(row)}|")
    return "\n".join([*lines, f"{len(data):08x}"]) + "\n"


def hexdump_words(data: bytes) -> str:
    """hexdump without options, on a machine that has the lowest byte first."""
    lines = []
    for offset, row in _rows(data):
        padded = row + bytes(len(row) % 2)
        words = [padded[at : at + 2][::-1].hex() for at in range(0, len(padded), 2)]
        lines.append(f"{offset:07x} {' '.join(words)}")
    return "\n".join([*lines, f"{len(data):07x}"]) + "\n"


def od_x(data: bytes) -> str:
    """od -A x -t x1z"""
    lines = [f"{at:06x} {row.hex(' '):<47}  >{_text(row)}<" for at, row in _rows(data)]
    return "\n".join([*lines, f"{len(data):06x}"]) + "\n"


def od_octal(data: bytes) -> str:
    """od -t x1: addresses in octal."""
    lines = [f"{at:07o} {row.hex(' ')}" for at, row in _rows(data)]
    return "\n".join([*lines, f"{len(data):07o}"]) + "\n"


def od_decimal(data: bytes) -> str:
    """od -A d -t x1"""
    lines = [f"{at:07d} {row.hex(' ')}" for at, row in _rows(data)]
    return "\n".join([*lines, f"{len(data):07d}"]) + "\n"


def wireshark_bytes(data: bytes) -> str:
    """Wireshark's packet bytes, copied as a hex dump."""
    return "\n".join(f"{at:04x}   {row.hex(' ')}" for at, row in _rows(data)) + "\n"


def plain(data: bytes) -> str:
    """xxd -p"""
    return "\n".join(row.hex() for _, row in _rows(data, 30)) + "\n"


def colons(data: bytes) -> str:
    """Wireshark's "value"."""
    return data.hex(":")


def c_array(data: bytes) -> str:
    return ", ".join(f"0x{byte:02x}" for byte in data) + "\n"


DUMPS: dict[str, Dump] = {
    "xxd": xxd,
    "xxd -g 1 -u": xxd_bytes,
    "hexdump -C": hexdump_c,
    "hexdump": hexdump_words,
    "od -A x -t x1z": od_x,
    "od -t x1": od_octal,
    "od -A d -t x1": od_decimal,
    "wireshark": wireshark_bytes,
    "xxd -p": plain,
    "colons": colons,
    "0x": c_array,
}


def wireshark(said: Said) -> str:
    """Wireshark's "Follow TCP Stream" as a hex dump: the server's lines are indented."""
    lines = []
    positions = [0, 0]
    for who, data in said:
        for at, row in _rows(data):
            halves = f"{row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}"
            text = f"{_text(row[:8])} {_text(row[8:])}"
            lines.append(f"{'    ' * who}{positions[who] + at:08X}  {halves}   {text}")
        positions[who] += len(data)
    return "\n".join(lines) + "\n"


def curl_trace(said: Said) -> str:
    """curl --trace - --trace-time"""
    lines = ["12:00:00.000001 == Info:   Trying 192.0.2.2:8076..."]
    for who, data in said:
        mark, what = ("=> Send", "header") if who == CLIENT else ("<= Recv", "data")
        lines.append(f"12:00:00.000002 {mark} {what}, {len(data)} bytes (0x{len(data):x})")
        lines += [f"{at:04x}: {row.hex(' '):<47} {_text(row)}" for at, row in _rows(data)]
    return "\n".join([*lines, "12:00:00.000009 == Info: Closing connection"]) + "\n"


def verbose(client_head: bytes, server_head: bytes) -> str:
    """curl -v"""
    lines = ["* Connected to 192.0.2.2 (192.0.2.2) port 8076 (#0)"]
    for mark, head in ((">", client_head), ("<", server_head)):
        lines += [f"{mark} {line}" for line in head.decode("latin-1").split("\r\n")[:-1]]
    return "\n".join(lines) + "\n"


def literals(said: Said, *, labels: tuple[str, str] = ("recv", "send")) -> str:
    """A server in Python that logs what it reads and writes."""
    lines = [
        f"2010-05-06 12:00:{number:02},123 DEBUG {labels[who]} {data!r} from ('192.0.2.1', 51234)"
        for number, (who, data) in enumerate(said)
    ]
    return "\n".join(lines) + "\n"


def escaped(said: Said) -> str:
    """A server in another language that logs strings with escapes."""
    return "".join(f'{"<<>>"[2 * who :][:2]} "{_escape(data)}"\n' for who, data in said)


def _escape(data: bytes) -> str:
    short = {13: "\\r", 10: "\\n", 9: "\\t", 34: '\\"', 92: "\\\\", 0: "\\u0000"}
    return "".join(
        short.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}") for byte in data
    )


def net_internals(client: tuple[bytes, bytes], server: tuple[bytes, bytes]) -> str:
    """Chrome's net-internals of 2011: heads, and what follows them as escapes."""
    lines = ["t=1305000000123 [st=   0] +SOCKET_STREAM  [dt=?]"]
    for time, event, (head, tail) in (
        (2, "WEB_SOCKET_SEND_REQUEST_HEADERS", client),
        (9, "WEB_SOCKET_READ_RESPONSE_HEADERS", server),
    ):
        lines.append(f"t=130500000012{time} [st=   {time}]     {event}  ")
        texts = head.decode("latin-1").split("\r\n")[:-1]
        texts += ["".join(f"\\x{byte:02x}" for byte in tail)] if tail else []
        marks = ["--> ", *["    "] * (len(texts) - 1)]
        lines += [f"{' ' * 29}{mark}{text}" for mark, text in zip(marks, texts, strict=True)]
    return "\n".join(lines) + "\n"
