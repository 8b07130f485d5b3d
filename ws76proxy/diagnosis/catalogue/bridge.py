"""Findings about a session whose sides speak different dialects, and about RFC 6455 itself."""

from __future__ import annotations

from ws76proxy.diagnosis.model import Finding, Severity, Side

__all__ = ["FINDINGS"]

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "server-lacks-dialect",
        "The server does not speak this dialect",
        Severity.INFO,
        Side.SERVER,
        "With the server's dialect left open, the next one is tried, and remembered for this "
        "server.",
        "Nothing; or name the server's dialect, which saves the first attempt.",
        "not in the draft",
    ),
    Finding(
        "version-not-supported",
        "The client speaks a version of the protocol that cannot be translated",
        Severity.ERROR,
        Side.CLIENT,
        "The client gets a 426 that names version 13, the one of RFC 6455. Libraries try again "
        "with it, if they know it.",
        "Upgrade the client, or let the server answer it: without translation its bytes pass.",
        "RFC 6455 4.4",
    ),
    Finding(
        "rfc6455-request-faulty",
        "A request of RFC 6455 that nobody can answer",
        Severity.ERROR,
        Side.CLIENT,
        "The client gets a 400: an answer that it could accept does not exist.",
        "Send Upgrade, Connection, Sec-WebSocket-Version 13 and a Sec-WebSocket-Key of 16 bytes in "
        "base64.",
        "RFC 6455 4.2.1",
    ),
    Finding(
        "challenge-unanswerable",
        "A challenge of hixie-76 that nobody can answer",
        Severity.ERROR,
        Side.CLIENT,
        "The client gets a 400: where its server speaks another dialect, the digest would have to "
        "be made here, and there is none.",
        "See the findings about the keys.",
        "5.2",
    ),
    Finding(
        "rfc6455-accept-wrong",
        "Sec-WebSocket-Accept is wrong or missing",
        Severity.ERROR,
        Side.SERVER,
        "A client of RFC 6455 fails the connection; so does this proxy in its place, with a 502.",
        "Answer with the base64 of the SHA-1 over the key as it came and the RFC's GUID.",
        "RFC 6455 4.2.2",
    ),
    Finding(
        "rfc6455-answer-unusable",
        "An answer that no client of RFC 6455 accepts",
        Severity.ERROR,
        Side.SERVER,
        "A client of RFC 6455 fails the connection; so does this proxy in its place, with a 502.",
        "Send Upgrade and Connection, and only a subprotocol and extensions that were offered.",
        "RFC 6455 4.1",
    ),
    Finding(
        "rfc6455-frame-fault",
        "A frame breaks RFC 6455",
        Severity.ERROR,
        Side.SENDER,
        "Its sender gets a Close with code 1002, and the session ends.",
        "Correct the sender's framing.",
        "RFC 6455 5, 7.4.1",
    ),
    Finding(
        "rfc6455-text-not-utf8",
        "A text message of RFC 6455 is not UTF-8",
        Severity.ERROR,
        Side.SENDER,
        "Its sender gets a Close with code 1007, and the session ends: unlike hixie, RFC 6455 "
        "knows no replacement.",
        "Send binary messages for what is no text.",
        "RFC 6455 8.1",
    ),
    Finding(
        "rfc6455-message-too-large",
        "A message of RFC 6455 is larger than allowed here",
        Severity.ERROR,
        Side.SENDER,
        "Its sender gets a Close with code 1009, and the session ends.",
        "Raise --max-message, or send less at once.",
        "RFC 6455 7.4.1",
    ),
    Finding(
        "bridge-binary-refused",
        "A binary message, and the other side has none",
        Severity.ERROR,
        Side.SENDER,
        "Its sender gets a Close with code 1003, and the session ends: hixie has no binary "
        "messages.",
        "Send text; or choose with --binary what becomes of binary messages: base64 as websockify "
        "did it, text where it is UTF-8, or drop.",
        "RFC 6455 7.4.1",
    ),
    Finding(
        "bridge-binary-dropped",
        "A binary message was left out",
        Severity.WARNING,
        Side.SENDER,
        "The other side never learns of it: hixie has no binary messages, and --binary says drop.",
        "Send text, or choose base64 or text with --binary.",
        "not in the draft",
    ),
    Finding(
        "bridge-not-base64",
        "A message should be base64 and is not",
        Severity.WARNING,
        Side.SENDER,
        "It passes as text. With the subprotocol base64 each message stands for bytes.",
        "Encode each message as base64, or do not ask for that subprotocol.",
        "not in the draft",
    ),
    Finding(
        "bridge-text-replaced",
        "Text was repaired on its way",
        Severity.WARNING,
        Side.SENDER,
        "RFC 6455 wants a session closed for text that is not UTF-8, hixie wants U+FFFD in place "
        "of the bad bytes: the other side got the latter.",
        "Encode text as UTF-8 before framing it.",
        "4.2, RFC 6455 8.1",
    ),
    Finding(
        "bridge-frame-left-out",
        "A frame that the other side's dialect does not have",
        Severity.INFO,
        Side.SENDER,
        "It was not passed on. A receiver of hixie throws such frames away as well.",
        "Nothing, if nobody waits for it.",
        "4.2, 5.3",
    ),
    Finding(
        "bridge-too-late",
        "A message came when the other side had been closed",
        Severity.INFO,
        Side.SENDER,
        "It was not passed on: nothing may be said after a closing handshake. Both sides had begun "
        "to speak and to close at the same time.",
        "Nothing, if the message may be lost; otherwise agree on the end before closing.",
        "6, RFC 6455 5.5.1",
    ),
    Finding(
        "bridge-message-too-large",
        "A message is too large to be translated",
        Severity.ERROR,
        Side.SENDER,
        "It is not passed on, and the session ends: without it, the other side would go on with a "
        "gap.",
        "Raise --max-message, or send less at once.",
        "not in the draft",
    ),
    Finding(
        "bridge-close-reduced",
        "A close code or reason that the other side cannot be told",
        Severity.INFO,
        Side.SENDER,
        "Hixie-76 closes with FF 00 and hixie-75 with the end of the stream; neither says why. The "
        "code is in the recording.",
        "Nothing; or say it in a message before closing.",
        "6",
    ),
    Finding(
        "bridge-subprotocol-chosen",
        "One subprotocol was chosen from several",
        Severity.INFO,
        Side.CLIENT,
        "Hixie asks for one, RFC 6455 offers a list: the server never sees the others.",
        "Name another with --subprotocol, if the server wants it.",
        "4.1, RFC 6455 4.1",
    ),
    Finding(
        "bridge-subprotocol-unoffered",
        "The chosen subprotocol is not among those that the client offers",
        Severity.WARNING,
        Side.CLIENT,
        "The client's first one is asked for instead: it could not accept another.",
        "Correct --subprotocol, or let the client offer it.",
        "RFC 6455 4.1",
    ),
    Finding(
        "bridge-subprotocol-untranslatable",
        "A subprotocol that RFC 6455 cannot express",
        Severity.WARNING,
        Side.CLIENT,
        "The server is not asked for it: in RFC 6455 it must be a token, in hixie it may be any "
        "printable text.",
        "Use a name without spaces and separators.",
        "4.1, RFC 6455 4.1",
    ),
    Finding(
        "bridge-subprotocol-unanswered",
        "The server has not chosen the subprotocol",
        Severity.WARNING,
        Side.SERVER,
        "A client of hixie that asks for one accepts no answer without it, so it got what it asked "
        "for: it believes that the server speaks it.",
        "Let the server accept the subprotocol, or the client not ask for it.",
        "4.1",
    ),
    Finding(
        "bridge-subprotocol-unwanted",
        "The server names a subprotocol that the client did not ask for",
        Severity.WARNING,
        Side.SERVER,
        "It was left out of the answer: the client would refuse it.",
        "Answer with a subprotocol that was asked for, or with none.",
        "4.1, RFC 6455 4.1",
    ),
)
