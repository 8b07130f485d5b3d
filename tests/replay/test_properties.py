"""What holds for every session: played back as it was there is no difference; changed, there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.record import Peer
from ws76proxy.recording import RecordedSession
from ws76proxy.replay import Command, Player, Send, SendEof, Timing, WaitUntil, plan_of
from ws76proxy.wire import EndOfStream, FrameDecoder

from .tape import recorded

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LINES = st.tuples(st.sampled_from(["client: ", "server: "]), TEXTS).map("".join)
FRAMES = st.sampled_from(["client 0541ff", "server 800161", "server fe00", "client 7fff"])
ENDS = st.permutations(["client end", "server end"])
CLOSES = st.permutations(["client FF00", "server FF00"])
TALK = st.lists(LINES | FRAMES, max_size=15)
TIMINGS = st.sampled_from([Timing("lockstep"), Timing("fast"), Timing("original", 3.0)])


class Line:
    """Two players with a wire between them, and a clock."""

    def __init__(self, client: Player, server: Player) -> None:
        self.now = 0.0
        self.players: dict[Peer, Player] = {"client": client, "server": server}
        self._wires: dict[Peer, list[bytes | None]] = {"client": [], "server": []}
        self._decoders: dict[Peer, FrameDecoder] = {
            "client": FrameDecoder(),
            "server": FrameDecoder(),
        }
        self._deadlines: dict[Peer, float] = {}

    def play(self) -> None:
        """Until both are done."""
        for who, player in self.players.items():
            self._run(who, player.opened(self.now))
        while not all(player.done for player in self.players.values()):
            if not self._carry():
                self._wake()

    def _carry(self) -> bool:
        for who in self.players:
            if not self._wires[who]:
                continue
            data = self._wires[who].pop(0)
            decoder = self._decoders[who]
            events = [EndOfStream(0)] if data is None else decoder.feed(data)
            receiver: Peer = "server" if who == "client" else "client"
            self._run(receiver, self.players[receiver].receive(events, self.now))
            return True
        return False

    def _wake(self) -> None:
        who, self.now = min(
            ((who, at) for who, at in self._deadlines.items() if not self.players[who].done),
            key=lambda pair: pair[1],
        )
        self._run(who, self.players[who].wake(self.now))

    def _run(self, who: Peer, commands: object) -> None:
        assert hasattr(commands, "__iter__")
        for command in commands:
            self._carry_out(who, command)

    def _carry_out(self, who: Peer, command: Command) -> None:
        match command:
            case Send(data):
                self._wires[who].append(data)
            case SendEof():
                self._wires[who].append(None)
            case WaitUntil(deadline):
                self._deadlines[who] = deadline


def play(client: RecordedSession, server: RecordedSession, timing: Timing, go_on: bool) -> int:
    """How many differences the client finds in what the server says."""
    players = [
        Player(plan_of(client), "client", timing=timing, timeout=5.0, go_on=go_on),
        Player(plan_of(server), "server", timing=timing, timeout=5.0, go_on=True),
    ]
    Line(*players).play()
    return len(players[0].differences)


@given(TALK, CLOSES, ENDS, TIMINGS, st.booleans())
def test_as_recorded(
    talk: list[str], closes: list[str], ends: list[str], timing: Timing, go_on: bool
) -> None:
    session = recorded(*talk, *closes, *ends)
    assert play(session, session, timing, go_on) == 0


@given(TALK, st.integers(0, 15), TEXTS, CLOSES, ENDS, TIMINGS, st.data())
def test_one_change(
    talk: list[str],
    place: int,
    text: str,
    closes: list[str],
    ends: list[str],
    timing: Timing,
    data: st.DataObject,
) -> None:
    place = min(place, len(talk))
    talk = [*talk[:place], f"server: {text}", *talk[place:]]
    what = data.draw(st.sampled_from(["changed", "left out", "added"]))
    changed = list(talk)
    if what == "changed":
        changed[place] += "!"
    elif what == "left out":
        del changed[place]
    else:
        changed.insert(place, f"server: {text}?")
    client = recorded(*talk, *closes, *ends)
    server = recorded(*changed, *closes, *ends)
    assert play(client, server, timing, go_on=True) >= 1
    assert play(client, server, timing, go_on=False) == 1
