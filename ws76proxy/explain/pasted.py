"""Handshakes as people paste them: whatever the form, they become the bytes of two peers again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ws76proxy.explain.dumps import Block, DumpError, read_dump, read_plain, read_trace
from ws76proxy.explain.lineends import mend_line_ends
from ws76proxy.explain.logs import read_escapes, read_literals, read_log, read_verbose
from ws76proxy.explain.model import Pasted, PastedError, Piece, shown
from ws76proxy.session import Peer
from ws76proxy.wire import Dialect, detect
from ws76proxy.wire.challenge import KEY3_SIZE

__all__ = ["take_apart", "take_pair_apart"]

_REQUEST_LINE = re.compile(rb"[\r\n]*[A-Z]{3,10} [^\r\n]{1,8000} HTTP/\d")
_STATUS_LINE = re.compile(rb"[\r\n]*HTTP/\d")
_ANSWER = re.compile(rb"HTTP/\d\.\d \d{3}")
_CHALLENGE = re.compile(rb"(?i)\nsec-websocket-key[12]:")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_ESCAPED_LINE_END = re.compile(rb"HTTP/\d\.\d\\r\\n")
_KNOWN_AT_ONCE = (Dialect.TLS, Dialect.FLASH_POLICY)
_IP_PACKETS = (0x45, 0x60)

Reader = Callable[[bytes, str], Pasted | None]


def take_apart(data: bytes, name: str) -> Pasted:
    """The client's and the server's bytes in what is called `name`.

    Raises PastedError, which says what it was taken for and where it was understood no more.
    """
    pasted = mend_line_ends(_read(data, name))
    if not pasted.stream(Peer.CLIENT):
        raise PastedError(
            f"{name}: taken for {pasted.kind}: at offset 0 expected the client's request, found"
            " only an answer; give the request too, or the keys with --key1, --key2 and --key3"
        )
    return pasted


def take_pair_apart(
    first: bytes, second: bytes, names: tuple[str, str], *, are_all: bool = True
) -> Pasted | None:
    """The same, where one file has what the client sent and the other what the server sent.

    None where each of them is a handshake of its own. `are_all`: there is no third file, so that
    whatever follows a request is its answer. Raises PastedError.
    """
    one = _read(first, names[0])
    if not one.is_half:
        return None
    peer = one.pieces[0].peer
    try:
        other = _read(second, names[1])
    except PastedError:
        if peer is Peer.SERVER or not are_all:
            return None
        # Whatever a server answers is worth explaining.
        other = _odd_answer(second)
    if not other.is_half or other.pieces[0].peer is peer:
        return None
    halves = (one, other) if peer is Peer.CLIENT else (other, one)
    kind = one.kind if one.kind == other.kind else f"{halves[0].kind} and {halves[1].kind}"
    return mend_line_ends(
        Pasted(
            kind,
            [piece for half in halves for piece in half.pieces],
            list(dict.fromkeys(one.notes + other.notes)),
            is_exact=one.is_exact and other.is_exact,
            is_ordered=False,
        )
    )


def _odd_answer(data: bytes) -> Pasted:
    """What a server sent that does not begin as an answer does."""
    text = data.decode("latin-1")
    try:
        blocks = read_dump(text)
        dumped = b"".join([block.data for block in blocks]) if blocks else read_plain(text)
    except DumpError:
        dumped = None
    if dumped:
        return Pasted("a hex dump", [Piece(Peer.SERVER, dumped)])
    return Pasted("raw bytes", [Piece(Peer.SERVER, data)])


def _read(data: bytes, name: str) -> Pasted:
    if not data.strip():
        raise PastedError(f"{name}: expected a handshake, found nothing")
    for read in _READERS:
        pasted = read(data, name)
        if pasted is not None:
            return pasted
    raise PastedError(
        f"{name}: taken for raw bytes: at offset 0 expected a request line, such as"
        f' "GET / HTTP/1.1", found {shown(data)}'
    )


def _raw(data: bytes, name: str) -> Pasted | None:
    """Bytes as they were sent."""
    return None if _ESCAPED_LINE_END.search(data[:9000]) else _from_bytes("raw bytes", data)


def _from_bytes(kind: str, data: bytes) -> Pasted | None:
    """Bytes of the client, of the server, or of the one and then the other."""
    if _STATUS_LINE.match(data):
        return Pasted(kind, [Piece(Peer.SERVER, data)])
    if detect(data) in _KNOWN_AT_ONCE:
        return Pasted(kind, [Piece(Peer.CLIENT, data)])
    if _REQUEST_LINE.match(data) is None:
        return None
    blank_line = _BLANK_LINE.search(data)
    if blank_line is None:
        return Pasted(kind, [Piece(Peer.CLIENT, data)])
    end = blank_line.end() + (KEY3_SIZE if _CHALLENGE.search(data[: blank_line.end()]) else 0)
    answer = _ANSWER.search(data, blank_line.end()) or _STATUS_LINE.match(data, end)
    if answer is None:
        return Pasted(kind, [Piece(Peer.CLIENT, data)])
    begin = answer.start()
    pieces = [Piece(Peer.CLIENT, data[:begin]), Piece(Peer.SERVER, data[begin:])]
    if begin <= end:
        return Pasted(kind, pieces)
    note = (
        f"{begin - end} bytes between the client's handshake and the answer are taken for the"
        " client's: if they were sent before the answer came, that was too early"
    )
    return Pasted(kind, pieces, [note], is_ordered=False)


def _trace(data: bytes, name: str) -> Pasted | None:
    kind = "a trace of curl"
    try:
        blocks = read_trace(data.decode("latin-1"))
    except DumpError as error:
        raise PastedError(f"{name}: taken for {kind}: {error}") from None
    if not blocks:
        return None
    pieces = [Piece(Peer.SERVER if block.stream else Peer.CLIENT, block.data) for block in blocks]
    pasted = Pasted(kind, pieces)
    _check_beginning(pasted.stream(Peer.CLIENT), kind, name)
    return pasted


def _dump(data: bytes, name: str) -> Pasted | None:
    text = data.decode("latin-1")
    kind = "a hex dump"
    try:
        blocks = read_dump(text)
        if blocks is None:
            return None
        swapped = read_dump(text, swapped=True) if not _begins_well(blocks[0].data) else None
    except DumpError as error:
        raise PastedError(f"{name}: taken for {kind}: {error}") from None
    if swapped and _begins_well(swapped[0].data):
        blocks, kind = swapped, "a hex dump of words in the machine's order"
    return _from_blocks(kind, blocks, name)


def _plain(data: bytes, name: str) -> Pasted | None:
    kind = "plain hexadecimal"
    try:
        decoded = read_plain(data.decode("latin-1"))
    except DumpError as error:
        raise PastedError(f"{name}: taken for {kind}: {error}") from None
    return None if decoded is None else _from_blocks(kind, [Block(0, decoded)], name)


def _from_blocks(kind: str, blocks: Sequence[Block], name: str) -> Pasted:
    """Whose each block is: who is indented further tells, or with what it begins."""
    whole = b"".join(block.data for block in blocks if block.stream == blocks[0].stream)
    _check_beginning(whole, kind, name)
    if len({block.stream for block in blocks}) == 2:
        first = Peer.SERVER if _STATUS_LINE.match(blocks[0].data) else Peer.CLIENT
        peers = {blocks[0].stream: first, 1 - blocks[0].stream: first.other}
        pieces = [Piece(peers[block.stream], block.data) for block in blocks]
        return Pasted(f"{kind} of both directions", pieces)
    notes: list[str] = []
    pieces = []
    is_ordered = True
    for block in blocks:
        begun = _from_bytes(kind, block.data)
        if begun is not None:
            pieces += begun.pieces
            notes += begun.notes
            is_ordered = is_ordered and begun.is_ordered
            continue
        pieces.append(Piece(pieces[-1].peer, block.data))
        if pieces[-1].peer is Peer.SERVER and len(pieces) > 3:
            notes.append("what follows is taken for the server's: nothing says whose it is")
    return Pasted(kind, pieces, list(dict.fromkeys(notes)), is_ordered=is_ordered)


def _check_beginning(data: bytes, kind: str, name: str) -> None:
    """Refuse bytes that begin with nothing that can be explained."""
    if _begins_well(data):
        return
    hint = ""
    if data and data[0] in _IP_PACKETS and not data[:4].decode("latin-1").isprintable():
        hint = ", as IP packets begin; give the capture itself (tcpdump -w FILE)"
    raise PastedError(
        f"{name}: taken for {kind} of {len(data)} bytes: at offset 0 expected a request line, such"
        f' as "GET / HTTP/1.1", found {shown(data)}{hint}'
    )


def _begins_well(data: bytes) -> bool:
    return _from_bytes("", data) is not None


_READERS: tuple[Reader, ...] = (
    _raw,
    _trace,
    read_verbose,
    _dump,
    _plain,
    read_literals,
    read_escapes,
    read_log,
)
