"""The server's answer to a challenge, judged; and what the client gets for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from ws76proxy.diagnosis import Asked, Diagnosis, HandshakeHistory, check_digest, found
from ws76proxy.record import Verdict
from ws76proxy.session.adjust import Adjustment
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.telling import tell_adjustments, tell_challenge
from ws76proxy.wire.challenge import Challenge

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Answer"]

_ENOUGH = 2
"""Of one handshake alone there is nothing more to say."""


class Answer(msgspec.Struct, frozen=True):
    """What the client asked, what the server was asked, and the 16 bytes that it answered.

    Both challenges are the same unless ours, or whatever changed the request on its way, took the
    client's place. A challenge is None where a key is missing; its key3 is told all the same.
    """

    client: Challenge | None
    client_key3: bytes
    server: Challenge | None
    server_key3: bytes
    received: bytes

    @property
    def asked_anew(self) -> bool:
        """Whether the server was asked something else than the client had asked."""
        return self.server != self.client

    @property
    def verdict(self) -> Verdict:
        """Whether the server proved itself."""
        return _verdict(self.server, self.received)

    def for_client(self, *, repair: bool) -> bytes:
        """The 16 bytes that the client gets.

        The right ones where a repair is wanted, or where the server proved itself to another
        challenge; otherwise the server's own, so that the client fails as it would without us.
        """
        right = None if self.client is None else self.client.answer
        proved = self.asked_anew and self.verdict == "verified"
        return right if right is not None and (repair or proved) else self.received

    def diagnoses(
        self,
        base: int,
        *,
        good: bool = True,
        head: bytes = b"",
        behind: bytes = b"",
        followed: bytes = b"",
    ) -> list[Diagnosis]:
        """What is to be said of the answer, which stands at `base` of the server's stream.

        `head` is the request's that the server got, `behind` what the client sent behind key3, and
        `followed` what has come behind the answer.
        """
        return check_digest(
            self.server,
            self.received,
            base=base,
            good=good,
            head=head,
            behind=behind,
            followed=followed,
        )

    def beside_others(self, history: HandshakeHistory, head: bytes, base: int) -> list[Diagnosis]:
        """Add this answer to those of the same server; where it is wrong, what all of them say.

        `head` and `base` as for `diagnoses`.
        """
        if self.server is None:
            return []
        counts = history.add(Asked(self.server, head=head), self.received)
        if not counts or self.verdict != "wrong":
            return []
        together = history.together()
        if together.right + together.wrong < _ENOUGH:
            return []
        detail = together.verdict
        return [
            found(
                "digests-together",
                detail,
                stream=Peer.SERVER.stream,
                offset=base,
                evidence=self.received,
            )
        ]

    def tell(
        self, session: Session, sent: bytes, changes: Sequence[Adjustment] = ()
    ) -> Iterator[Command]:
        """Tell both derivations, and what was repaired; `sent` is what the client got.

        `changes`: what somebody else than a repair has changed of it.
        """
        yield from tell_challenge(
            session,
            self.server,
            self.server_key3,
            asked_by="relay" if self.asked_anew else "client",
            answered_by="server",
            received=self.received,
            verdict=self.verdict,
            sent=None if self.asked_anew else sent,
        )
        if self.asked_anew:
            yield from tell_challenge(
                session,
                self.client,
                self.client_key3,
                asked_by="client",
                answered_by="relay",
                received=sent,
                verdict=_verdict(self.client, sent),
            )
        elif sent != self.received and not changes:
            why = "the answer to the client's challenge, computed here"
            before, after = self.received.hex().encode(), sent.hex().encode()
            change = Adjustment("digest", before, after, "repair", why)
            yield from tell_adjustments(session, "client", [change])
        yield from tell_adjustments(session, "client", changes)


def _verdict(challenge: Challenge | None, received: bytes) -> Verdict:
    if challenge is None or challenge.answer is None:
        return "unanswerable"
    return "verified" if received == challenge.answer else "wrong"
