"""What rules would have made of a recorded session: decided in memory, at its own times."""

from __future__ import annotations

import base64
import binascii
from typing import Literal, NamedTuple, TypeVar

from ws76proxy.diagnosis import answer_like
from ws76proxy.errors import LocalProtocolError, RecordingError
from ws76proxy.record import (
    PEERS,
    AdjustmentRecord,
    ChallengeRecord,
    ChangeRecord,
    KeyReading,
    MessageRecord,
    Peer,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
)
from ws76proxy.recording.model import RecordedSession
from ws76proxy.replay.plan import other
from ws76proxy.replay.trial import Hunk, Loss, Trial
from ws76proxy.rules import RuleSet, SessionRules
from ws76proxy.rules.decisions import (
    Change,
    Closing,
    Hold,
    MessageDecision,
    RequestDecision,
    ResponseDecision,
)
from ws76proxy.rules.facts import Facts
from ws76proxy.session.adjust import corrupted_digest
from ws76proxy.session.asking import by_rule
from ws76proxy.session.changes import change_record
from ws76proxy.session.telling import adjustment_record
from ws76proxy.wire.challenge import KEY3_SIZE, Challenge, Key, read_key
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.frames import encode_text
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = ["try_rules"]

_Head = TypeVar("_Head", bound=Head)

_NO_CHANGE = frozenset({"mark", "hide"})
"""Deeds after which the wire has what it would have had."""


def try_rules(rules: RuleSet, session: RecordedSession) -> Trial:
    """Ask the rules about all that was recorded of a session, in order, at the recorded times.

    Its number, which chance depends on, is the recorded one. The peers are not asked: what they
    would have said to what the rules make of it cannot be known, and stays as it was recorded;
    except that nothing is said any more where a rule has ended it. Raises RecordingError for a
    record whose content is no longer what was recorded.
    """
    trying = _Trying(rules, session)
    for index, record in enumerate(session.records):
        trying.look_at(index, record.time)
        match record:
            case RequestRecord():
                trying.request(record)
            case ResponseRecord():
                trying.response(record)
            case ChallengeRecord():
                trying.challenge(record)
            case MessageRecord():
                trying.message(record)
            case SessionEndRecord():
                break
    trying.finish()
    return trying.trial


class _Held(NamedTuple):
    """A message that waits for another one; `hunk` is its place in the trial."""

    hunk: int
    hold: Hold
    since: float
    direction: Peer
    number: int


class _Trying:
    """Goes through a session's records once."""

    def __init__(self, rules: RuleSet, session: RecordedSession) -> None:
        self.trial = Trial(session)
        self._index = 0
        self._all = rules
        self._rules: SessionRules | None = None
        self._time = 0.0
        self._opened = 0.0
        self._bug: tuple[str, str, int] | None = None
        self._held: list[_Held] = []
        self._ends: dict[Peer, tuple[str, str]] = {}
        """Towards whom nothing leaves any more: which rule did what."""
        self._lost: dict[tuple[str, str], int] = {}

    def look_at(self, index: int, time: float) -> None:
        """A record comes: time goes on."""
        self._index, self._time = index, time
        self._expire(time)

    # Heads

    def request(self, record: RequestRecord) -> None:
        """A client asks: the rules begin anew."""
        trial = self.trial
        self._end_rules()
        self._ends.clear()
        self._bug = None
        self._opened = record.time
        trial.heads += 1
        came = RequestHead(self._encoded(record.head))
        facts = Facts(record.session, record.dialect, came)
        for rule in (*self._all.requests, *self._all.responses, *self._all.messages):
            # Rules for requests see what those before them made of it.
            if rule.is_of(facts):
                trial.meant.add(rule.name)
        self._rules = rules = self._all.for_session(record.session, record.dialect, came)
        self._note(record)
        decision = rules.request(self._adjusted(came, "server"))
        if decision is None:
            return
        self._decided(record, decision, "server")
        if decision.answer is not None:
            answer = decision.answer
            self._end(answer.rule, f"answered {answer.status} for the server", *PEERS)
        elif decision.closing is not None:
            # Without one of the two there is no handshake to finish.
            self._close(decision.closing, record.time, whole=True)

    def response(self, record: ResponseRecord) -> None:
        """The server answers."""
        self._opened = record.time
        self.trial.heads += 1
        if self._rules is None or "client" in self._ends:
            return
        head = self._adjusted(ResponseHead(self._encoded(record.head)), "client")
        decision = self._rules.response(head)
        if decision is None:
            return
        self._decided(record, decision, "client")
        if decision.bug is not None:
            self._bug = decision.bug_by, decision.bug, len(self.trial.hunks) - 1
        if decision.closing is not None:
            self._close(decision.closing, record.time, whole=record.status != 101)

    def challenge(self, record: ChallengeRecord) -> None:
        """The challenge of the handshake, with its answer."""
        self._opened = record.time
        if self._bug is None or record.asked_by != "client":
            return
        (rule, code, place), self._bug = self._bug, None
        asked = self._challenge(record)
        wrong = None if asked is None else answer_like(code, asked)
        if wrong is None:
            return
        before = record.received if record.sent is None else record.sent
        change = corrupted_digest(rule, code, before, wrong.hex())
        digest = adjustment_record(record.session, record.time, "client", change)
        hunks = self.trial.hunks
        hunks[place] = _with(hunks[place], digest, rule)

    def _decided(
        self,
        record: RequestRecord | ResponseRecord,
        decision: RequestDecision | ResponseDecision,
        toward: Peer,
    ) -> None:
        direction = other(toward)
        records: list[AdjustmentRecord | ChangeRecord] = [
            *(
                adjustment_record(record.session, record.time, toward, by_rule(change))
                for change in decision.changes
            ),
            *(self._change(record, direction, 0, note) for note in decision.notes),
        ]
        what: Literal["request", "answer"] = "request" if toward == "server" else "answer"
        who = (
            *(change.rule for change in decision.changes),
            *(note.rule for note in decision.notes),
        )
        hunk = Hunk(what, direction, 0, record.time, records=tuple(records), rules=who)
        self.trial.hunks.append(hunk)
        deeds = {note.deed for note in decision.notes}
        self.trial.heads_changed += bool(decision.changes or deeds - _NO_CHANGE)

    def _adjusted(self, head: _Head, toward: Peer) -> _Head:
        """The head with what a proxy must say otherwise, as it was recorded."""
        records = self.trial.session.records
        for record in records[self._index + 1 :]:
            if isinstance(record, RequestRecord | ResponseRecord | MessageRecord):
                break
            if not isinstance(record, AdjustmentRecord):
                continue
            before, after = record.before, record.after
            if (record.toward, record.cause) != (toward, "proxy") or before is None:
                continue
            for one in head.get_all(self._encoded(record.what).lower()):
                if one.value == self._encoded(before) and after is not None:
                    head = head.replace_field(one, self._encoded(after))
        return head

    def _note(self, record: RequestRecord) -> None:
        """Say where the real thing might go another way."""
        notes = self.trial.notes
        if record.redacted:
            notes.append(
                "secrets of the request have been redacted: a rule that looks at them may decide"
                " otherwise; expected a recording made with --record-secrets"
            )
        if record.dialect not in (Dialect.HIXIE_76, Dialect.HIXIE_75):
            notes.append(
                f"recorded as {record.dialect}: what a relay does not decode it does not rewrite"
            )

    # Messages

    def message(self, record: MessageRecord) -> None:
        """A peer says something."""
        rules, trial, direction = self._rules, self.trial, record.direction
        trial.messages += 1
        end = self._ends.get(other(direction))
        if end is not None:
            self._lost[end] = self._lost.get(end, 0) + 1
            return
        if rules is None or record.binary:
            return
        payload = self._payload(record)
        age = max(0.0, record.time - self._opened)
        self._open_holds(record, payload, age)
        decision = rules.message(direction, payload, record.number, age)
        if decision is None:
            return
        place = f"message {record.number} of the {direction}"
        self._inject(record, decision, "before", place)
        self._decided_message(record, payload, decision)
        self._inject(record, decision, "after", place)
        if decision.closing is not None:
            self._close(decision.closing, record.time)

    def _decided_message(
        self, record: MessageRecord, payload: bytes, decision: MessageDecision
    ) -> None:
        trial, direction, number = self.trial, record.direction, record.number
        shown = payload if decision.shown is None else decision.shown
        # What is injected stands by itself, with its content.
        changes = [change for change in decision.changes if change.deed != "inject"]
        if decision.copies and decision.content != payload:
            try:
                encode_text(decision.content)
            except LocalProtocolError as error:
                name = changes[-1].rule
                changes.append(Change(name, "refused", detail=f"it goes on unchanged: {error}"))
        if not changes:
            return
        records = tuple([self._change(record, direction, number, one) for one in changes])
        text = shown.decode("utf-8", "backslashreplace")
        who = tuple([change.rule for change in changes])
        trial.hunks.append(Hunk("message", direction, number, record.time, text, records, who))
        trial.messages_changed += any(change.deed not in _NO_CHANGE for change in changes)
        if decision.hold is not None and decision.copies:
            place = len(trial.hunks) - 1
            self._held.append(_Held(place, decision.hold, record.time, direction, number))

    def _inject(
        self,
        record: MessageRecord,
        decision: MessageDecision,
        place: Literal["before", "after"],
        where: str,
    ) -> None:
        for rule, to, content, is_raw, when in decision.injections:
            if when != place or to in self._ends:
                continue
            self.trial.injected += 1
            said = Change(rule, "inject", None, content, "raw bytes" if is_raw else "")
            told = (self._change(record, other(to), 0, said),)
            at = f"{place} {where}"
            hunk = Hunk("injection", other(to), 0, record.time, "", told, (rule,), at)
            self.trial.hunks.append(hunk)

    # What waits

    def _open_holds(self, record: MessageRecord, payload: bytes, age: float) -> None:
        """See whether this is the message that others wait for."""
        for held in tuple(self._held):
            if held.hold.until(record.direction, payload, record.number, age):
                self._held.remove(held)
                seconds = record.time - held.since
                came = f"message {record.number} of the {record.direction}"
                self._released(held, record.time, f"{seconds:g} s later, when {came} came")

    def _expire(self, now: float) -> None:
        """Let go of what has waited as long as it may."""
        for held in tuple(self._held):
            until = held.since + held.hold.at_most
            if until <= now:
                self._held.remove(held)
                waited = f"{held.hold.at_most:g} s later: it has waited as long as it may"
                self._released(held, until, waited)

    def _released(self, held: _Held, time: float, detail: str) -> None:
        hunks = self.trial.hunks
        record = change_record(
            self.trial.session.number,
            round(time, 6),
            "rule",
            held.hold.rule,
            "release",
            direction=held.direction,
            number=held.number,
            detail=detail,
        )
        hunks[held.hunk] = _with(hunks[held.hunk], record, held.hold.rule)

    # The end

    def finish(self) -> None:
        """There is nothing more."""
        self._end_rules()
        for (rule, what), messages in self._lost.items():
            self.trial.losses.append(Loss(messages, rule, what))

    def _end_rules(self) -> None:
        """The rules of one handshake, and of what followed it, are done."""
        for held in self._held:
            self._released(held, self._time, "never: what it waits for did not come")
        self._held.clear()
        if self._rules is not None:
            for name, times in self._rules.acts.items():
                self.trial.acts[name] = self.trial.acts.get(name, 0) + times
        self._rules = None

    def _close(self, closing: Closing, time: float, *, whole: bool = False) -> None:
        what = f"closed ({closing.how}) at {time:g} s"
        both = whole or closing.to == "both"
        self._end(closing.rule, what, *(PEERS if both else (closing.to,)))

    def _end(self, rule: str, what: str, *towards: Peer) -> None:
        for peer in towards:
            self._ends.setdefault(peer, (rule, what))

    # Records

    def _change(
        self,
        record: RequestRecord | ResponseRecord | MessageRecord,
        direction: Peer,
        number: int,
        change: Change,
    ) -> ChangeRecord:
        return change_record(
            record.session,
            record.time,
            "rule",
            change.rule,
            change.deed,
            direction=direction,
            number=number,
            before=change.before,
            after=change.after,
            detail=change.detail,
        )

    def _payload(self, record: MessageRecord) -> bytes:
        try:
            if record.payload is not None:
                return base64.b64decode(record.payload, validate=True)
            return record.text.encode()
        except (binascii.Error, ValueError) as error:
            raise RecordingError(
                f"{self._where}: expected a text in UTF-8, or bytes in base64, found {error}"
            ) from None

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError as error:
            found = error.object[error.start : error.start + 1]
            raise RecordingError(
                f"{self._where}: expected a head as Latin-1, found {found!r} in it"
            ) from None

    def _challenge(self, record: ChallengeRecord) -> Challenge | None:
        """The challenge again; None where not all of it was recorded."""
        if record.key1 is None or record.key2 is None or record.expected is None:
            return None
        try:
            key3 = bytes.fromhex(record.key3)
        except ValueError:
            raise RecordingError(
                f"{self._where}: expected key3 in hexadecimal, found {record.key3!r}"
            ) from None
        if len(key3) != KEY3_SIZE:
            return None
        return Challenge(_key(record.key1), _key(record.key2), key3)

    @property
    def _where(self) -> str:
        return self.trial.session.where(self._index)


def _with(hunk: Hunk, record: AdjustmentRecord | ChangeRecord, rule: str) -> Hunk:
    return hunk._replace(records=(*hunk.records, record), rules=(*hunk.rules, rule))


def _key(reading: KeyReading) -> Key:
    return read_key(reading.text.encode("latin-1"))
