"""RFC 6455, the WebSocket of today: handshake, messages and closing, on top of `websockets`.

The library does what every speaker of RFC 6455 does alike, and has been tested for: frames, masks,
compression, close codes, values of the handshake. Heads are kept by our own `HeadReader`, byte for
byte. Two short cuts are ours, for plain text in bursts: see `decoding` and `encoding`.
"""

from ws76proxy.wire.rfc6455.connection import (
    STATUS_LINE,
    ClientConnection,
    EitherConnection,
    ServerConnection,
)
from ws76proxy.wire.rfc6455.decoding import MessageDecoder
from ws76proxy.wire.rfc6455.encoding import MessageEncoder
from ws76proxy.wire.rfc6455.handshake import (
    VERSION,
    AnswerFacts,
    RequestFacts,
    accept_deflate,
    accept_key,
    answer_facts,
    generate_key,
    offer_deflate,
    request_facts,
    tokens,
)

__all__ = [
    "STATUS_LINE",
    "VERSION",
    "AnswerFacts",
    "ClientConnection",
    "EitherConnection",
    "MessageDecoder",
    "MessageEncoder",
    "RequestFacts",
    "ServerConnection",
    "accept_deflate",
    "accept_key",
    "answer_facts",
    "generate_key",
    "offer_deflate",
    "request_facts",
    "tokens",
]
