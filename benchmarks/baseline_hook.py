"""The asyncio pass-through with a hook on each hixie-76 message: JSON is decoded, edited, encoded.

What the bytes of a read cost is paid once: all texts of a burst are decoded together, and joined
and encoded together. Nothing is checked, told or recorded. It is what an editing relay in Python
can hope for.
"""

from __future__ import annotations

from benchmarks.baseline_asyncio import Side, main
from benchmarks.json_edit import edit

KEY3_SIZE, DIGEST_SIZE = 8, 16
_TEXT, _END = 0x00, 0xFF


class HookedSide(Side):
    """Passes the opening handshake on as it is, and then every message through the hook."""

    def __init__(self) -> None:
        super().__init__()
        self.head: bytes | None = b""
        self.pieces: list[bytes] = []
        """Of an unfinished frame, joined once."""

    def data_received(self, data: bytes) -> None:
        if self.head is not None:
            data = self.open(self.head + data)
        if self.pieces:
            if self.pieces[0][0] == _TEXT and b"\xff" not in data:
                self.pieces.append(data)
                return
            data = b"".join((*self.pieces, data))
            self.pieces.clear()
        if data:
            out, rest = hooked(data)
            if rest:
                self.pieces.append(rest)
            if out:
                self.peer.transport.write(out)

    def open(self, received: bytes) -> bytes:
        """Pass the handshake on when it is whole; what came behind it."""
        blank = received.find(b"\r\n\r\n")
        end = blank + 4 + (DIGEST_SIZE if received.startswith(b"HTTP/") else KEY3_SIZE)
        if blank < 0 or len(received) < end:
            self.head = received
            return b""
        self.head = None
        self.peer.transport.write(received[:end])
        return received[end:]


def hooked(data: bytes) -> tuple[bytes, bytes]:
    """Whole frames from the start of the data, edited, and what is left."""
    end = data.rfind(b"\xff") + 1
    count = data.count(b"\xff")
    # Text frames only, and no U+0000 in any.
    if (
        data[0] == _TEXT
        and data.count(b"\xff\x00", 0, end) == count - 1
        and data.count(b"\x00", 0, end) == count
    ):
        texts = data[1 : end - 1].replace(b"\xff", b"").decode().split("\x00")
        edited = "\x00".join(map(edit, texts)).encode().replace(b"\x00", b"\xff\x00")
        return b"\x00" + edited + b"\xff", data[end:]
    return _one_by_one(data)


def _one_by_one(data: bytes) -> tuple[bytes, bytes]:
    at = 0
    out = []
    while at < len(data):
        if data[at] == _TEXT:
            end = data.find(_END, at) + 1
            if not end:
                break
            out.append(b"\x00" + edit(data[at + 1 : end - 1].decode()).encode() + b"\xff")
        else:
            end = at + 2  # the closing handshake, FF 00
            if end > len(data):
                break
            out.append(data[at:end])
        at = end
    return b"".join(out), data[at:]


if __name__ == "__main__":
    main(__doc__, HookedSide)
