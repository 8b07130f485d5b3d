"""One side of a session played, as transcripts."""

from __future__ import annotations

import pytest

from ws76proxy.errors import UsageError
from ws76proxy.replay import Rules, Timing, parse_timing
from ws76proxy.replay.player import MAX_DIFFERENCES
from ws76proxy.wire import DiscardedFrame, EndOfStream, OversizedFrame

from .scene import Scene
from .tape import CHAT, recorded


def test_lockstep_waits_for_what_the_server_said() -> None:
    scene = Scene(recorded(*CHAT))
    scene.did("one")
    scene.hears("ONE")
    scene.did("two")
    scene.hears("TWO")
    scene.did("ff00")
    scene.hears_close()
    scene.did()
    scene.hears_end()
    scene.did("end", "done")
    assert scene.found == []
    assert (scene.player.sent, scene.player.received) == (2, 2)


def test_the_server_s_part() -> None:
    scene = Scene(recorded(*CHAT), "server")
    scene.did()
    scene.hears("one")
    scene.did("ONE")
    scene.hears("two")
    scene.did("TWO")
    scene.hears_close()
    scene.did("ff00", "end")
    scene.hears_end()
    scene.did("done")
    assert scene.found == []


def test_several_messages_in_one_piece() -> None:
    scene = Scene(recorded("client: go", "server: 1", "server: 2", "client: 3", "server end"))
    scene.did("go")
    scene.hears("1", "2")
    scene.did("3")
    scene.hears_end()
    scene.did("done")
    assert scene.found == []


def test_fast_sends_messages_at_once_and_ends_in_order() -> None:
    scene = Scene(recorded(*CHAT), timing=Timing("fast"))
    scene.did("one", "two")
    scene.hears("ONE")
    scene.did()
    scene.hears("TWO")
    scene.did("ff00")
    scene.hears_close()
    scene.hears_end()
    scene.did("end", "done")


@pytest.mark.parametrize(("timing", "factor"), [("original", 1.0), ("x4", 4.0), ("x0.5", 0.5)])
def test_times_are_those_of_the_recording(timing: str, factor: float) -> None:
    session = recorded("@1.5 client: a", "@1.75 client: b", "@61.5 client: c", "@61.5 client: d")
    scene = Scene(session, timing=parse_timing(timing))
    scene.did()
    sent: dict[str, float] = {}
    while not scene.player.done:
        assert scene.deadline is not None
        scene.now = scene.deadline
        scene._run(scene.player.wake(scene.now))
        sent |= {name: scene.now - 100.0 for name in scene._done if name not in sent}
    # The handshake was done after half a second.
    expected = {"a": 1.0, "b": 1.25, "c": 61.0, "d": 61.0, "done": 61.0}
    assert sent == pytest.approx({name: at / factor for name, at in expected.items()}, abs=1e-9)


def test_original_times_do_not_close_before_the_server_has_spoken() -> None:
    scene = Scene(recorded(*CHAT), timing=Timing("original"), timeout=5.0)
    scene.waits(3.0)
    scene.did("one", "two")
    scene.waits(4.0)
    scene.did()
    scene.hears("ONE", "TWO")
    scene.did("ff00")


def test_what_never_came() -> None:
    scene = Scene(recorded(*CHAT), timeout=3.0)
    scene.did("one")
    # A second as in the recording, and three more.
    scene.waits(3.9)
    scene.did()
    scene.waits(0.2)
    scene.did("done")
    assert scene.found == ["missing server ONE"]


def test_a_pause_of_the_recording_is_waited_for() -> None:
    scene = Scene(recorded("client: a", "@90 server: b", "server end"), timeout=3.0)
    scene.waits(85)
    scene.did("a")
    scene.hears("b")
    assert scene.found == []


def test_the_first_difference_ends_it() -> None:
    scene = Scene(recorded(*CHAT))
    scene.hears("One")
    scene.did("one", "done")
    scene.hears("TWO")
    scene.did()
    assert scene.found == ["different server ONE One"]


def test_going_on_after_differences() -> None:
    scene = Scene(recorded(*CHAT), go_on=True, timeout=1.0)
    scene.hears("One")
    scene.did("one", "two")
    scene.waits(10)
    scene.did("ff00", "end", "done")
    assert scene.found == [
        "different server ONE One",
        "missing server TWO",
        "missing server closing",
        "missing server end",
    ]


ROW = ("client: go", "server: 1", "server: 2", "server: 3", "server FF00", "server end")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["1", "2", "3"], []),
        (["1", "3"], ["missing server 2"]),
        (["3"], ["missing server 1", "missing server 2"]),
        (["1", "x", "2", "3"], ["unexpected server x"]),
        (["1", "2", "x", "3"], ["unexpected server x"]),
        (["1", "2", "3", "x"], ["unexpected server x"]),
        (["1", "x", "3"], ["different server 2 x"]),
        (["1", "1", "2", "3"], ["unexpected server 1"]),
        (["2", "1", "3"], ["missing server 1", "unexpected server 1"]),
        ([], ["missing server 1", "missing server 2", "missing server 3"]),
    ],
    ids=lambda value: "-".join(value) or "none",
)
def test_one_message_too_few_or_too_many_is_one_difference(
    said: list[str], found: list[str]
) -> None:
    scene = Scene(recorded(*ROW), go_on=True)
    for text in said:
        scene.hears(text)
    scene.hears_close()
    scene.hears_end()
    scene.did("go", "done")
    assert scene.found == found


def test_an_early_end() -> None:
    scene = Scene(recorded(*ROW), go_on=True)
    scene.hears("1", "2", "3")
    scene.hears_end()
    scene.did("go", "done")
    assert scene.found == ["missing server closing"]


def test_a_lost_connection() -> None:
    scene = Scene(recorded(*CHAT), go_on=True)
    scene.hears("ONE")
    scene.receives(EndOfStream(0))
    scene.loses()
    assert scene.found == ["missing server TWO", "missing server closing"]
    scene = Scene(recorded("@5 client: late", "@9 server end"), timing=Timing("original"))
    scene.loses()
    scene.did("done")
    assert scene.found == ["missing server end"]
    scene = Scene(recorded("@5 client: late"), timing=Timing("original"))
    scene.loses()
    assert scene.found == ["unsent server late"]


def test_nothing_is_sent_to_who_does_not_read() -> None:
    session = recorded("client: a", "server: b", "client: c", "server: d", "client: e")
    scene = Scene(session, timeout=2.0)
    scene.did("a")
    scene.stalls()
    scene.hears("b")
    scene.did()
    scene.reads_on()
    scene.did("c")
    scene.stalls()
    scene.hears("d")
    scene.waits(1.9)
    scene.did()
    scene.waits(0.2)
    scene.did("done")
    assert scene.found == ["unsent server e"]


def test_frames_and_endings_are_played_and_compared() -> None:
    session = recorded("client 0541ff", "server 8003616263", "client FF00", "client end")
    scene = Scene(session)
    scene.did("0541ff")
    scene.receives(DiscardedFrame(0, bytes.fromhex("8003616264"), 0x80, b"abd"))
    scene.did("done")
    assert scene.found == ["different server frame frame"]
    scene = Scene(session)
    scene.receives(DiscardedFrame(0, bytes.fromhex("8003616263"), 0x80, b"abc"))
    scene.did("0541ff", "ff00", "end", "done")
    assert scene.found == []


def test_a_frame_above_the_limit() -> None:
    scene = Scene(recorded("server 8003616263", "server end"))
    scene.receives(OversizedFrame(0, bytes.fromhex("8003"), 0x80, 5))
    assert scene.found == []
    scene = Scene(recorded("server 8003616263", "server end"))
    scene.receives(OversizedFrame(0, bytes.fromhex("8003"), 0x80, 6))
    assert scene.found == ["different server frame frame"]


def test_bytes_of_an_unfinished_frame_are_sent() -> None:
    scene = Scene(recorded("client: a", "client end", "client rest 05 41", "server end"))
    scene.did("a", "0541", "end")


def test_a_recording_that_breaks_off_expects_nothing_behind() -> None:
    scene = Scene(recorded("client: a", "server: b", whole=False), go_on=True)
    scene.hears("b", "c")
    scene.did("a", "done")
    assert scene.found == []


def test_rules_of_comparing() -> None:
    scene = Scene(recorded("server: at 12:00", "server end"), rules=Rules.of(ignore=[r"\d\d:\d\d"]))
    scene.hears("at 13:37")
    scene.hears_end()
    scene.did("done")
    assert scene.found == []


def test_who_talks_without_end_is_stopped() -> None:
    scene = Scene(recorded("server end"), go_on=True)
    scene.hears(*["noise"] * (2 * MAX_DIFFERENCES))
    scene.did("done")
    assert len(scene.found) == MAX_DIFFERENCES


def test_latencies_of_answers() -> None:
    scene = Scene(recorded(*CHAT))
    scene.now += 0.25
    scene.hears("ONE")
    scene.now += 0.5
    scene.hears("TWO")
    scene.now += 1.0
    scene.hears_close()
    assert scene.player.answers == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("text", ["", "x", "x0", "xx", "x-1", "xnan", "xinf", "slow", "10", "X2"])
def test_timings_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="expected lockstep"):
        parse_timing(text)
