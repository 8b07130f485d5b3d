"""What is shown to scripts, one after the other: each sees its own, and counts if it is done."""

from __future__ import annotations

from ws76proxy.scripting.handshake import Close, Request, Response
from ws76proxy.scripting.message import Edit, Message
from ws76proxy.scripting.session import Session

__all__ = ["Subject", "for_script", "is_settled", "take_over"]

Subject = Request | Response | Message | Close


def for_script(subject: Subject, session: Session) -> Subject:
    """The same thing for one script: what it does counts when it has returned without a fault."""
    match subject:
        case Message():
            shown: Message | Request | Response
            shown = Message(session, subject.side, subject.number, subject.content)
        case Request():
            shown = Request(session, subject.headers.head)
        case Response():
            shown = Response(session, subject.headers.head)
        case Close():
            return subject._replace(session=session)
    shown.edits = subject.edits
    return shown


def take_over(subject: Subject, shown: Subject, script: str) -> None:
    """Make of a thing what a script has made of the one that it was shown."""
    if isinstance(subject, Message) and isinstance(shown, Message):
        if shown.dropped_by:
            subject.dropped_by = shown.dropped_by
        elif shown.content != subject.content:
            subject.edits += (Edit(script, subject.content, shown.content),)
            subject.content = shown.content
    elif isinstance(subject, Request) and isinstance(shown, Request):
        subject.answered = shown.answered
        _take_over_head(subject, shown, script)
    elif isinstance(subject, Response) and isinstance(shown, Response):
        _take_over_head(subject, shown, script)


def _take_over_head(subject: Request | Response, shown: Request | Response, script: str) -> None:
    before, after = subject.headers.head.raw, shown.headers.head.raw
    if before != after:
        subject.edits += (Edit(script, before, after),)
        subject.headers.head = shown.headers.head


def is_settled(subject: Subject) -> bool:
    """Whether later scripts have nothing to see any more."""
    match subject:
        case Message():
            return bool(subject.dropped_by)
        case Request():
            return subject.answered is not None
        case _:
            return False
