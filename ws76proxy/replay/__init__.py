"""Recorded sessions played again: as the client, as the server, and as a regression test.

A recording is read with `ws76proxy.recording.read_sessions`; `plan_of` makes a `Plan` of a session,
which `replay_client` plays against a server, `soak` plays many times, and `ReplayServer` plays for
any client. `Rules` say what is compared; `as_text` puts differences into words. The sans-I/O part,
`Player`, can be driven by an event loop of your own. For pytest there is the fixture `ws76_server`.
"""

from ws76proxy.replay.client import ClientOptions, Outcome, replay_client
from ws76proxy.replay.compare import EXACT, JsonPath, Rules
from ws76proxy.replay.describe import as_text, describe
from ws76proxy.replay.expect import Difference
from ws76proxy.replay.heads import Header, parse_header
from ws76proxy.replay.imitation import answer_with, recorded_bug
from ws76proxy.replay.plan import Plan, Step, plan_of
from ws76proxy.replay.player import (
    LOCKSTEP,
    Command,
    Done,
    Player,
    Send,
    SendEof,
    Timing,
    WaitUntil,
    parse_timing,
)
from ws76proxy.replay.server import Answer, ReplayServer, ServerOptions, Visit, right_answer
from ws76proxy.replay.soak import Latencies, Summary, soak

__all__ = [
    "EXACT",
    "LOCKSTEP",
    "Answer",
    "ClientOptions",
    "Command",
    "Difference",
    "Done",
    "Header",
    "JsonPath",
    "Latencies",
    "Outcome",
    "Plan",
    "Player",
    "ReplayServer",
    "Rules",
    "Send",
    "SendEof",
    "ServerOptions",
    "Step",
    "Summary",
    "Timing",
    "Visit",
    "WaitUntil",
    "answer_with",
    "as_text",
    "describe",
    "parse_header",
    "parse_timing",
    "plan_of",
    "recorded_bug",
    "replay_client",
    "right_answer",
    "soak",
]
