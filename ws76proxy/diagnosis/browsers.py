"""What a browser does about what a server sends it: data, by the code of the finding.

QtWebKit 534.34 is measured: a test serves it every sample that it can be shown, and compares. The
draft's client is read from sections 4.1 and 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ws76proxy.diagnosis.hypotheses import HYPOTHESES
from ws76proxy.diagnosis.model import Outcome, Reaction

__all__ = [
    "AFTER_OPENING",
    "BROWSER",
    "NOT_IN_A_BROWSER",
    "OPENING",
    "REACTIONS",
    "console_in_words",
    "reaction_in_words",
]

BROWSER = "QtWebKit 534.34"

_PLACEHOLDERS = {
    "line": "the line",
    "value": "the field's value",
    "fault": "the field at fault",
    "status": "the code",
    "origin": "the page's",
    "answered_origin": "the answer's",
    "location": "the socket's",
    "answered_location": "the answer's",
    "protocol": "what was asked for",
    "answered_protocol": "the answer's",
}
_IN_WORDS = {
    Outcome.ACCEPTS: "accepts it",
    Outcome.REFUSES: "closes",
    Outcome.WAITS: "waits until the server closes",
    Outcome.SKIPS: "throws the frame away, with an error event",
    Outcome.REPLACES: "puts U+FFFD in place of the bad bytes",
    Outcome.EMPTIES: "hands the page an empty message",
    Outcome.ENDS: "ends the session, with an error event",
}

_ACCEPTS, _REFUSES, _WAITS = Outcome.ACCEPTS, Outcome.REFUSES, Outcome.WAITS
_SKIPS, _ENDS = Outcome.SKIPS, Outcome.ENDS

_IN_HANDSHAKE = "Error during WebSocket handshake: "
_STATUS = Reaction(_REFUSES, _REFUSES, "4.1, step 31", "Unexpected response code: {status}")
_WAITS_FOR_HEAD = Reaction(_WAITS, _WAITS, "4.1, step 28")
_NUL = Reaction(_REFUSES, _WAITS, "4.1, step 28", "Status line contains embedded null")
_NO_CODE = Reaction(_REFUSES, _REFUSES, "4.1, step 28", "No response code found: {line}")


def _missing(name: str, note: str = "") -> Reaction:
    console = f"{_IN_HANDSHAKE}'{name}' header is missing"
    return Reaction(_REFUSES, _REFUSES, "4.1, step 41", console, note)


def _not_the_value(name: str, value: str) -> Reaction:
    console = f"{_IN_HANDSHAKE}'{name}' header value is not '{value}'"
    return Reaction(_REFUSES, _REFUSES, "4.1, step 41", console)


def _mismatch(what: str) -> Reaction:
    console = f"{_IN_HANDSHAKE}{what} mismatch: {{{what}}} != {{answered_{what}}}"
    return Reaction(_REFUSES, _REFUSES, "4.1, step 41", console)


_IGNORES = Reaction(_ACCEPTS, _ACCEPTS, "4.1, step 41")
_DIGEST = Reaction(_REFUSES, _REFUSES, "4.1, step 45")
_ONLY_OTHER_KEYS = "shows with keys that this browser does not make"

# A digest of a bug that shows only where the request is at fault.
_UNSEEN_BUGS = {
    "digest-number-cut": _ONLY_OTHER_KEYS,
    "digest-spaces-trimmed": _ONLY_OTHER_KEYS,
    "digest-spaces-trimmed-left": _ONLY_OTHER_KEYS,
    "digest-spaces-with-tabs": _ONLY_OTHER_KEYS,
    "digest-division-up": _ONLY_OTHER_KEYS,
    "digest-division-nearest": _ONLY_OTHER_KEYS,
    "digest-keys-unchecked": _ONLY_OTHER_KEYS,
    "digest-keys-nothing-is-zero": _ONLY_OTHER_KEYS,
    "digest-keys-as-in-head": "this browser sends Key1 before Key2",
    "digest-key3-next-bytes": "a browser sends nothing behind key3 before the answer",
}

OPENING: Mapping[str, Reaction] = MappingProxyType(
    {
        # The status line, as it comes.
        "response-missing": _WAITS_FOR_HEAD,
        "response-incomplete": _WAITS_FOR_HEAD,
        "response-tls": _NUL,
        "response-not-http": replace(
            _NO_CODE,
            otherwise=(
                replace(_NUL, when="with a NUL in front of the first line end"),
                replace(_WAITS_FOR_HEAD, when="without a line end"),
            ),
        ),
        "response-bare-line-feed": Reaction(
            _REFUSES,
            _REFUSES,
            "4.1, step 28",
            "Status line does not end with CRLF",
            otherwise=(
                Reaction(
                    _REFUSES,
                    _REFUSES,
                    "4.1, step 36",
                    "Unexpected LF in value at {value}",
                    when="behind a field only",
                ),
                Reaction(_WAITS, _REFUSES, "4.1, step 34", when="in the blank line only"),
            ),
        ),
        "response-empty-line-first": Reaction(
            _REFUSES, _REFUSES, "4.1, step 28", "No response code found: "
        ),
        "status-line-malformed": replace(
            _NO_CODE,
            otherwise=(
                Reaction(_REFUSES, _REFUSES, "4.1, step 30", when="not three characters"),
                Reaction(
                    _REFUSES,
                    _REFUSES,
                    "4.1, step 30",
                    "Invalid status code: {status}",
                    when="three characters that are not all digits",
                ),
            ),
        ),
        "status-text-missing": _NO_CODE,
        "answered-bad-request": _STATUS,
        "answered-unauthorized": _STATUS,
        "answered-forbidden": _STATUS,
        "answered-not-found": _STATUS,
        "answered-request-timeout": _STATUS,
        "answered-proxy-authentication": Reaction(
            _REFUSES,
            _REFUSES,
            "4.1, step 31",
            _STATUS.console,
            "The draft lets a client that is connected to a proxy try again with credentials.",
        ),
        "answered-rfc6455-only": _STATUS,
        "answered-redirect": _STATUS,
        "answered-ordinary-page": _STATUS,
        "answered-server-error": _STATUS,
        "answered-other-status": _STATUS,
        "response-version-not-1-1": Reaction(
            _ACCEPTS, _ACCEPTS, "4.1, step 28", note="Neither looks at what precedes the code."
        ),
        # The lines of the head, once its end has come.
        "response-line-without-colon": Reaction(
            _REFUSES, _REFUSES, "4.1, step 34", "Unexpected CR in name at {line}"
        ),
        "response-field-name-empty": Reaction(
            _REFUSES,
            _REFUSES,
            "4.1, step 41",
            "invalid UTF-8 sequence in header name",
            "The text is about something else: an empty name is no text to WebKit.",
        ),
        "response-value-not-text": Reaction(
            _REFUSES, _ACCEPTS, "4.1, step 38", "invalid UTF-8 sequence in header value"
        ),
        "response-field-name-spaced": Reaction(
            _ACCEPTS, _ACCEPTS, "4.1, step 34", note="To both it is a field of another name."
        ),
        "response-value-leading-space": Reaction(
            _ACCEPTS,
            _REFUSES,
            "4.1, step 41",
            note="WebKit skips all spaces behind the colon, the draft's client one.",
        ),
        # Fields that must be there, in this order.
        "switch-without-upgrade": _missing("Upgrade"),
        "upgrade-missing": _missing("Upgrade"),
        "connection-missing": _missing("Connection"),
        "response-of-rfc6455": _missing("Sec-WebSocket-Origin"),
        "response-names-of-75": _missing("Sec-WebSocket-Origin"),
        "origin-not-echoed": _missing("Sec-WebSocket-Origin"),
        "location-missing": _missing("Sec-WebSocket-Location"),
        "response-field-twice": Reaction(
            _ACCEPTS, _REFUSES, "4.1, step 41", note="WebKit goes by the first of the two."
        ),
        # Their values, in this order.
        "upgrade-not-exact": Reaction(
            _ACCEPTS, _REFUSES, "4.1, step 41", note="WebKit compares this one without case."
        ),
        "upgrade-differs": _not_the_value("Upgrade", "WebSocket"),
        "connection-list": _not_the_value("Connection", "Upgrade"),
        "connection-differs": _not_the_value("Connection", "Upgrade"),
        "response-value-trailing-space": Reaction(
            _REFUSES, _REFUSES, "4.1, step 41", _IN_HANDSHAKE + "{fault}"
        ),
        "origin-case-differs": _mismatch("origin"),
        "origin-answered-null": _mismatch("origin"),
        "origin-of-backend": _mismatch("origin"),
        "origin-differs": _mismatch("origin"),
        "location-not-a-url": _mismatch("location"),
        "location-scheme-differs": _mismatch("location"),
        "location-host-differs": _mismatch("location"),
        "location-host-case-differs": _mismatch("location"),
        "location-port-differs": _mismatch("location"),
        "location-default-port": _mismatch("location"),
        "location-path-differs": _mismatch("location"),
        "location-query-missing": _mismatch("location"),
        "location-query-differs": _mismatch("location"),
        "protocol-not-echoed": _mismatch("protocol"),
        "protocol-differs": _mismatch("protocol"),
        "protocol-one-of-list": _mismatch("protocol"),
        "protocol-list-echoed": _IGNORES,
        "protocol-unasked": _IGNORES,
        "response-content-length": _IGNORES,
        "response-transfer-encoding": _IGNORES,
        # The 16 bytes behind the head.
        "digest-missing": Reaction(_WAITS, _WAITS, "4.1, step 44"),
        "digest-short": Reaction(_WAITS, _WAITS, "4.1, step 44"),
        "frames-before-digest": _DIGEST,
        "bytes-before-digest": _DIGEST,
        "digest-wrong": _DIGEST,
        **{code: _DIGEST for code in HYPOTHESES if code not in _UNSEEN_BUGS},
    }
)
"""Reactions to the answer, in the order in which QtWebKit looks: the first refusal is the one that
is seen."""

_LENGTH_FRAME = Reaction(
    _SKIPS,
    _SKIPS,
    "4.2",
    note="QtWebKit does so once another byte has come behind the frame.",
)
_SKIPPED = Reaction(_SKIPS, _SKIPS, "4.2")
_AFTER_CLOSE = Reaction(
    _SKIPS,
    _ENDS,
    "4.2, 6",
    note="FF 00 is a frame like any other to QtWebKit: it throws it away once another byte has "
    "come, neither answers nor closes, and messages behind it reach the page. The draft's client "
    "closes, and looks at nothing behind it.",
)

AFTER_OPENING: Mapping[str, Reaction] = MappingProxyType(
    {
        "text-not-utf8": Reaction(
            Outcome.EMPTIES,
            Outcome.REPLACES,
            "4.2",
            note="One bad byte, and QtWebKit loses all of the text.",
        ),
        "text-with-nul": Reaction(_ACCEPTS, _ACCEPTS, "4.2"),
        "frame-unfinished": Reaction(_WAITS, _WAITS, "4.2"),
        "length-frame-discarded": _LENGTH_FRAME,
        "length-not-minimal": _LENGTH_FRAME,
        "rfc6455-frame": _LENGTH_FRAME,
        "length-absurd": Reaction(
            _ENDS, _WAITS, "4.2", note="The draft's client goes on counting bytes, for ever."
        ),
        "unknown-frame-type": _SKIPPED,
        "http-in-frames": _SKIPPED,
        "line-end-in-frames": _SKIPPED,
        "line-end-behind-handshake": _SKIPPED,
        "close-reversed": Reaction(_ACCEPTS, _ACCEPTS, "4.2", note="Both hand out an empty text."),
        "closed-twice": _AFTER_CLOSE,
        "data-after-close": _AFTER_CLOSE,
    }
)
"""Reactions to frames."""

REACTIONS: Mapping[str, Reaction] = MappingProxyType({**OPENING, **AFTER_OPENING})
"""Code of a finding to what clients do about it."""

_OTHER_DIALECT = "this browser speaks hixie-76"
_SESSION = "only a session as a whole shows it"
_OUR_LIMIT = "a limit of the relay"

_BRIDGE = "where sides speak different dialects, the browser sees what the proxy makes of it"
_LATER = "browsers that speak hixie do not speak RFC 6455"
NOT_IN_A_BROWSER: Mapping[str, str] = MappingProxyType(
    {
        **_UNSEEN_BUGS,
        "faulty-keys-accepted": _ONLY_OTHER_KEYS,
        "status-text-not-of-75": _OTHER_DIALECT,
        "first-fields-not-exact": _OTHER_DIALECT,
        "response-names-of-76": _OTHER_DIALECT,
        "closing-handshake-in-75": _OTHER_DIALECT,
        "response-of-hixie": _OTHER_DIALECT,
        "switch-unasked": "a browser asks",
        "cross-site-accepted": "browsers leave it to the server",
        "http-in-text": "to a browser it is a text like any other",
        "origin-invented": "a browser sends an Origin",
        "message-too-large": _OUR_LIMIT,
        "head-refused": _OUR_LIMIT,
        "too-many-connections": _OUR_LIMIT,
        "idle-timeout": _OUR_LIMIT,
        "repeated": "it says nothing new",
        "upstream-tls-failed": "it is between the relay and the server",
        "upstream-unreachable": "it is between the relay and the server",
        "closed-without-handshake": _SESSION,
        "close-unanswered": _SESSION,
        "data-before-close-answer": _SESSION,
        "digests-together": _SESSION,
        "connection-reset": _SESSION,
        "bridge-binary-dropped": _BRIDGE,
        "bridge-binary-refused": _BRIDGE,
        "bridge-message-too-large": _BRIDGE,
        "bridge-not-base64": _BRIDGE,
        "bridge-subprotocol-unanswered": _BRIDGE,
        "bridge-subprotocol-unwanted": _BRIDGE,
        "bridge-text-replaced": _BRIDGE,
        "rfc6455-accept-wrong": _LATER,
        "rfc6455-answer-unusable": _LATER,
        "rfc6455-frame-fault": _LATER,
        "rfc6455-message-too-large": _OUR_LIMIT,
        "rfc6455-text-not-utf8": _LATER,
    }
)
"""Code of a finding about what a server sent to why nothing is said of browsers."""


def console_in_words(reaction: Reaction) -> str:
    """What the console says, as one that reads it needs to know it; empty where it says nothing."""
    named = {name: f"[{words}]" for name, words in _PLACEHOLDERS.items()}
    return reaction.console.format_map(named).strip()


def reaction_in_words(reaction: Reaction) -> str:
    """What browsers do, as sentences."""
    same = reaction.draft is reaction.webkit
    draft = "does the same" if same else _IN_WORDS[reaction.draft]
    words = [f"{BROWSER} {_webkit_in_words(reaction)}; the draft's client {draft}"]
    words[0] += f" ({reaction.section})."
    words += [reaction.note] if reaction.note else []
    for one in reaction.otherwise:
        words.append(f"{one.when[0].upper()}{one.when[1:]}, it {_webkit_in_words(one)}.")
    return " ".join(words)


def _webkit_in_words(reaction: Reaction) -> str:
    """What QtWebKit does and prints, as a clause without subject."""
    does = _IN_WORDS[reaction.webkit]
    if reaction.console:
        return f'{does} and prints "{console_in_words(reaction)}"'
    return f"{does} without a word" if reaction.webkit is Outcome.REFUSES else does
