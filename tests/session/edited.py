"""Generated connections through rules and scripts that do anything, at any moment."""

from __future__ import annotations

from functools import cache
from math import inf, nextafter
from random import Random
from typing import Any

from ws76proxy.scripting import Message, Request, Response, Script
from ws76proxy.session import Editing, Peer

from .owner import Owner
from .playbook import Clock, editing, new_session
from .rulebook import message, request_rule, response_rule
from .test_rules_pairs import ACTIONS
from .traffic import Exchange, exchange, steps

__all__ = ["HARMLESS", "Edited", "anything"]

HARMLESS = (
    message('action = "drop"', when='text = "\\u0001 nobody says this"', name="1")
    + message('action = "drop"', when="size = 100000", name="2")
    + message('action = "drop"', when='json = { path = "$.no", exists = true }', name="3")
    + message('action = "drop"', when="probability = 0", name="4")
    + message('action = "drop"', when="session = 2", name="5")
    + message('action = "drop"', when='path = "/nowhere"', name="6")
    + message('action = "replace", regex = "never{3,5}$", with = ""', name="7")
    + message('action = "json-set", path = "$.nothing", value = 1', name="8")
    + request_rule('action = "remove-field", name = "X-Nobody-Sends-This"', name="9")
    + request_rule('action = "answer", status = 403', when="session = [2, 3]", name="10")
    + response_rule('action = "delay", seconds = 5', when="status = 999", name="11")
    + response_rule('action = "corrupt-digest", bug = "digest-hex"', when='host = "no"', name="12")
)  # fmt: skip
"""Rules of every kind that change nothing in the sessions of these tests."""

_REQUESTS = (
    'action = "set", origin = "http://x", path = "/y"',
    'action = "set-field", name = "Sec-WebSocket-Key1", value = "1 2"',
    'action = "remove-field", name = "Sec-WebSocket-Key2"',
    'action = "cut-key3", bytes = 5',
    'action = "delay", seconds = 2',
    'action = "split", at = [3, 30, 200], pause = 0.5',
    'action = "answer", status = 503',
    'action = "close", how = "fin", to = "server"',
    'action = "close", how = "reset"',
)
_RESPONSES = (
    'action = "set", location = "ws://x/", status-line = "HTTP/1.1 101 Hi"',
    'action = "corrupt-digest", bug = "digest-little-endian"',
    'action = "delay", seconds = [0, 2]',
    'action = "split", at = [3, 30, 100], pause = 0.5',
    'action = "close", how = "closing-handshake"',
    'action = "close", how = "reset", to = "client"',
)
_PER_MESSAGE = {name: action for name, action in ACTIONS.items() if name != "hide"}


@cache
def anything(seed: int, *, only_messages: bool = False) -> Editing:
    """Rules, and perhaps scripts, that do things now and then; none of them hides anything."""
    random = Random(seed)
    rules = f"seed = {seed}\n"
    for number in range(random.randrange(1, 5)):
        actions = random.sample(list(_PER_MESSAGE.values()), random.randrange(1, 4))
        when = random.choice(["probability = 0.4", 'from = "client"', "every = 3", "valid = false"])
        rules += message(*actions, when=when, name=f"m{number}")
    if not only_messages and random.random() < 0.4:
        rules += request_rule(random.choice(_REQUESTS), when="probability = 0.5", name="q")
    if not only_messages and random.random() < 0.4:
        rules += response_rule(random.choice(_RESPONSES), name="p")
    scripts = []
    if random.random() < 0.4:
        scripts.append(Script("s", "s.py", *(_functions(random) if random.random() < 0.8 else ())))
    made = editing(
        rules if random.random() < 0.8 or not scripts else None,
        scripts,
        random.choice(["pass", "pass", "close"]),
        asks=random.random() < 0.5,
        pause=random.choice([1.0, 300.0]),
        max_held=random.choice([0, 20, 1000, 10**7]),
    )
    assert made is not None
    return made


class _Turn:
    """Something to await that is done the second time that somebody looks."""

    def __await__(self) -> Any:
        yield


def _functions(random: Random) -> list[Any]:
    chosen = Random(random.randrange(2**32))

    def on_request(request: Request) -> None:
        if chosen.random() < 0.3:
            request.headers["X"] = "y"
        if chosen.random() < 0.1:
            raise ValueError("no request")

    async def on_response(response: Response) -> None:
        await _Turn()
        if chosen.random() < 0.2:
            response.session.inject("client", "welcome")

    def on_message(message: Message) -> Any:
        turn = chosen.random()
        if turn < 0.2:
            message.content = message.content[::-1]
        elif turn < 0.3:
            message.drop()
        elif turn < 0.4:
            message.session.inject("server", "from a script")
        elif turn < 0.45:
            message.content = b"\xff"
        elif turn < 0.47:
            message.session.close(chosen.choice(["closing-handshake", "fin", "reset"]))
        return None

    async def on_message_later(message: Message) -> None:
        if chosen.random() < 0.5:
            await _Turn()
        on_message(message)

    return [
        random.choice([on_request, None]),
        random.choice([on_response, None]),
        random.choice([on_message, on_message_later, None]),
        random.choice([lambda close: None, None]),
    ]


class Edited:
    """A generated connection through somebody who edits, driven to its end.

    What is awaited runs on, time passes and persons answer now and then; nobody is read who is not
    to be read. `got` is what the session has got of each peer.
    """

    def __init__(self, seed: int, editor: Editing | None, **options: Any) -> None:
        self.random = random = Random(seed)
        self.said: Exchange = exchange(random)
        self.clock = Clock()
        self.session = new_session(self.clock, editing=editor, **options)
        self.owner = Owner(self.session)
        self.got = dict.fromkeys(Peer, b"")
        self._unread: dict[Peer, list[bytes]] = {peer: [] for peer in Peer}
        self.owner.run(self.session.start())
        for peer, data in steps(random, self.said):
            self._unread[peer].append(data)
            self.meanwhile()
            self._read()
        self.end()

    def sent(self, peer: Peer) -> bytes:
        """All that a peer got."""
        return b"".join(self.owner.sent[peer])

    def meanwhile(self) -> None:
        """One of the things that happen at any moment."""
        random, owner, session = self.random, self.owner, self.session
        if owner.connecting and random.random() < 0.8:
            owner.connect()
        if random.random() < 0.2:
            owner.goes_on()
        if random.random() < 0.2:
            self.clock.seconds += random.choice([0.0, 0.3, 1.0])
            self.wake()
        held = session.held()
        if held and random.random() < 0.5:
            content = random.choice([None, b"edited"])
            drop = random.random() < 0.2
            owner.run(session.answer_held(held[0].number, content, drop=drop) or ())

    def wake(self) -> None:
        """Wake the session if it wants to be woken by now."""
        for _ in range(1000):
            if self.session.due > self.session.age():
                return
            self.owner.run(self.session.wake())
        raise AssertionError("it wants to be woken again and again")

    def end(self) -> None:
        """All that is left is read, time passes, both peers end."""
        owner, session = self.owner, self.session
        ending = list(Peer)
        self.random.shuffle(ending)
        for _ in range(3000):
            if owner.connecting:
                owner.connect()
            owner.goes_on()
            self._read()
            if owner.over:
                return
            for peer in ending:
                if not self._unread[peer] and peer not in owner.paused and peer in owner.open:
                    ending.remove(peer)
                    owner.run(session.receive_eof(peer))
                    break
            else:
                if session.due == inf and not owner.awaits:
                    break
                if session.due < inf:
                    begin = self.clock.seconds - session.age()
                    self.clock.seconds = max(self.clock.seconds, begin + session.due)
                    while session.age() < session.due:
                        self.clock.seconds = nextafter(self.clock.seconds, inf)
                    self.wake()
        owner.run(session.timed_out(60))
        assert owner.over

    def _read(self) -> None:
        owner = self.owner
        for peer, unread in self._unread.items():
            may_read = peer in owner.open and peer not in owner.paused
            if unread and may_read and not self.session.ended:
                data = b"".join(unread)
                unread.clear()
                self.got[peer] += data
                owner.run(self.session.receive_data(peer, data))
