"""Each action on messages, alone: what leaves, when, and what is told of it."""

from __future__ import annotations

import pytest

from .playbook import Play, in_words, opened, opened_75
from .rulebook import message


def test_replace_changes_what_is_found_and_leaves_the_rest() -> None:
    play = opened(rules=message('action = "replace", text = "10", with = "9"'))
    play.server(b"\x00price 10, 10\xff\x00price 8\xff")
    play.to_client(b"\x00price 9, 9\xff\x00price 8\xff")
    play.told(
        "server says #1 'price 10, 10'",
        "server says #2 'price 8'",
        "rule 'r': replace, server #1 'price 10, 10' -> 'price 9, 9'",
    )


def test_replace_by_groups() -> None:
    action = r"""action = "replace", regex = '(\w+)=(?P<v>\d+)', with = '\g<v>=\1'"""
    play = opened(rules=message(action, when='from = "client"'))
    play.client(b"\x00a=1 b=22\xff")
    play.server(b"\x00a=1\xff")
    play.to_server(b"\x001=a 22=b\xff")
    play.to_client(b"\x00a=1\xff")


def test_replace_works_on_bytes_that_are_no_text() -> None:
    play = opened(rules=message('action = "replace", text = "x", with = "ü"'))
    play.client(b"\x00\xc3(x\x80\xff")
    play.to_server(b"\x00\xc3(\xc3\xbc\x80\xff")
    play.told(
        "client says #1 '\N{REPLACEMENT CHARACTER}(x\N{REPLACEMENT CHARACTER}'",
        "rule 'r': replace, client #1 '\N{REPLACEMENT CHARACTER}(x\N{REPLACEMENT CHARACTER}'"
        " -> '\N{REPLACEMENT CHARACTER}(ü\N{REPLACEMENT CHARACTER}'",
        "client: text-not-utf8",
    )


def test_set_text() -> None:
    play = opened(rules=message('action = "set-text", text = "grüße"', when="number = 2"))
    play.client(b"\x00one\xff\x00two\xff\x00three\xff")
    play.to_server(b"\x00one\xff\x00gr\xc3\xbc\xc3\x9fe\xff\x00three\xff")


def test_json_set_and_remove_leave_all_other_bytes() -> None:
    play = opened(
        rules=message(
            'action = "json-set", path = "$.price", value = 9',
            'action = "json-remove", path = "$.secret"',
        )
    )
    play.server(b'\x00{ "price" : 10.50,\t"secret": [1], "name":"\\u00fc" }\xff')
    play.to_client(b'\x00{ "price" : 9, "name":"\\u00fc" }\xff')
    play.server(b'\x00{"price": oops}\xff')
    play.to_client(b'\x00{"price": oops}\xff')


def test_drop() -> None:
    play = opened(rules=message('action = "drop"', when='text = "ad"'))
    play.server(b"\x00news\xff\x00an ad\xff\x00news\xff")
    play.to_client(b"\x00news\xff\x00news\xff")
    play.told(
        "server says #1 'news'",
        "server says #2 'an ad'",
        "server says #3 'news'",
        "rule 'r': drop, server #2 'an ad' -> None",
    )


def test_duplicate() -> None:
    play = opened(rules=message('action = "duplicate", times = 2', when='text = "x"'))
    play.client(b"\x00x\xff\x00y\xff")
    play.to_server(b"\x00x\xff\x00x\xff\x00x\xff\x00y\xff")
    assert "rule 'r': duplicate, client #1 (2 more)" in play.changes


def test_delay_holds_back_what_comes_behind_and_nothing_else() -> None:
    play = opened(rules=message('action = "delay", seconds = 1.5', when='text = "late"'))
    play.server(b"\x00before\xff\x00late\xff", b"\x00behind\xff\x05frame\xff")
    play.client(b"\x00other way\xff")
    play.to_client(b"\x00before\xff")
    play.to_server(b"\x00other way\xff")
    assert play.due == 1.5
    play.wakes(1.4)
    play.to_client()
    play.wakes(0.1)
    play.to_client(b"\x00late\xff\x00behind\xff\x05frame\xff")
    assert play.due == float("inf")


def test_delays_do_not_add_up_behind_each_other() -> None:
    play = opened(rules=message('action = "delay", seconds = 1'))
    play.client(b"\x00a\xff")
    play.wakes(0.5)
    play.client(b"\x00b\xff")
    play.wakes(0.5)
    play.to_server(b"\x00a\xff")
    play.wakes(0.5)
    play.to_server(b"\x00b\xff")


def test_delay_of_a_range_is_the_seed_s() -> None:
    waits = []
    for seed in (1, 1, 2):
        rules = f"seed = {seed}\n" + message('action = "delay", seconds = [1, 2]')
        play = opened(rules=rules)
        play.client(b"\x00a\xff")
        waits.append(play.due)
    assert waits[0] == waits[1] != waits[2]
    assert all(1 <= one <= 2 for one in waits)


def test_swap() -> None:
    play = opened(rules=message('action = "swap"', when='text = "first"'))
    play.client(b"\x00zero\xff\x00first\xff")
    play.to_server(b"\x00zero\xff")
    play.client(b"\x05frame\xff")
    play.to_server(b"\x05frame\xff")
    play.client(b"\x00second\xff\x00third\xff")
    play.to_server(b"\x00second\xff\x00first\xff\x00third\xff")


def test_swap_of_every_message_swaps_pairs() -> None:
    play = opened(rules=message('action = "swap"'))
    play.client(b"\x00a\xff\x00b\xff\x00c\xff", b"\x00d\xff", b"\x00e\xff")
    assert b"".join(play.sent("server")) == b"\x00b\xff\x00a\xff\x00d\xff\x00c\xff"
    play.client_ends()
    play.to_server(b"\x00e\xff")


def test_what_is_dropped_is_not_the_next_message() -> None:
    play = opened(
        rules=message('action = "swap"', when='text = "a"')
        + message('action = "drop"', when='text = "b"', name="d")
    )
    play.client(b"\x00a\xff\x00b\xff")
    play.to_server()
    play.client(b"\x00c\xff")
    play.to_server(b"\x00c\xff\x00a\xff")


def test_swap_and_what_is_injected_behind_the_message() -> None:
    inject = 'action = "inject", to = "server", text = "behind"'
    play = opened(rules=message('action = "swap"', inject, when='text = "a"'))
    play.client(b"\x00a\xff", b"\x00b\xff")
    play.to_server(b"\x00b\xff\x00a\xff\x00behind\xff")


def test_swap_ends_with_ff_00() -> None:
    play = opened(rules=message('action = "swap"'))
    play.client(b"\x00last\xff\xff\x00")
    assert b"".join(play.sent("server")) == b"\x00last\xff\xff\x00"


def test_hold_until_another_message_comes() -> None:
    hold = 'action = "hold", until = { from = "client", text = "go" }'
    play = opened(rules=message(hold, when='from = "server", text = "held"'))
    play.server(b"\x00held\xff\x00behind\xff")
    play.client(b"\x00stay\xff")
    play.to_client()
    play.client(b"\x00go\xff")
    play.to_client(b"\x00held\xff\x00behind\xff")
    play.to_server(b"\x00stay\xff", b"\x00go\xff")


def test_hold_lasts_no_longer_than_it_may() -> None:
    hold = 'action = "hold", until = { text = "never" }, at-most = 4'
    play = opened(rules=message(hold, when='text = "held"'))
    play.server(b"\x00held\xff")
    play.ask_no_more()
    play.wakes(3.9)
    play.to_client()
    play.wakes(0.1)
    play.to_client(b"\x00held\xff")
    play.told("rule 'r': release, server #1 (it has waited as long as it may)")


def test_a_delay_begins_when_a_hold_ends() -> None:
    hold = 'action = "hold", until = { text = "go" }'
    play = opened(rules=message(hold, 'action = "delay", seconds = 2', when='text = "held"'))
    play.server(b"\x00held\xff")
    play.wakes(5)
    play.client(b"\x00go\xff")
    play.to_client()
    assert play.due == pytest.approx(2)
    play.wakes(2)
    play.to_client(b"\x00held\xff")


def test_a_hold_of_the_same_peer_is_ended_by_its_own_next_message() -> None:
    hold = 'action = "hold", until = { number = 2 }'
    play = opened(rules=message(hold, when="number = 1"))
    play.client(b"\x00a\xff")
    play.to_server()
    play.client(b"\x00b\xff")
    play.to_server(b"\x00a\xff\x00b\xff")


def test_truncate_by_characters_and_by_bytes() -> None:
    play = opened(rules=message('action = "truncate", characters = 2', when='from = "client"'))
    play.client("\0üöä".encode() + b"\xff")
    play.to_server("\0üö".encode() + b"\xff")
    play = opened(rules=message('action = "truncate", bytes = 3'))
    play.client("\0üöä".encode() + b"\xff")
    play.to_server("\0ü".encode() + b"\xc3\xff")


def test_corrupt_gives_other_bytes_and_never_the_end_of_the_frame() -> None:
    play = opened(rules=message('action = "corrupt", bytes = 4'))
    for _ in range(200):
        play.client(b"\x00" + b"\xfe" * 8 + b"\xff")
    for write in play.sent("server"):
        assert (write[0], write[-1], len(write)) == (0, 0xFF, 10)
        assert write.count(0xFF) == 1
        assert write[1:-1].count(0xFE) == 4


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("to", ["client", "server"])
@pytest.mark.parametrize("what", ['text = "hüh"', 'file = "x"', 'hex = "05 61 ff"'])
def test_inject(what: str, to: str, place: str) -> None:
    action = f'action = "inject", to = "{to}", {what}, place = "{place}"'
    play = opened(rules=message(action, when='from = "client", text = "x"'))
    play.client(b"\x00x\xff\x00y\xff")
    made = {"t": "\0hüh".encode() + b"\xff", "f": b"\x00file\xff", "h": b"\x05a\xff"}[what[0]]
    if to == "client":
        play.to_client(made)
        play.to_server(b"\x00x\xff\x00y\xff")
    elif place == "before":
        play.to_server(made + b"\x00x\xff\x00y\xff")
    else:
        play.to_server(b"\x00x\xff" + made + b"\x00y\xff")
    other = "server" if to == "client" else "client"
    detail = " (raw bytes)" if what[0] == "h" else ""
    content = {"t": "hüh", "f": "file", "h": "\x05a\N{REPLACEMENT CHARACTER}"}[what[0]]
    assert f"rule 'r': inject, {other} None -> {content!r}{detail}" in play.changes


@pytest.mark.parametrize("to", ["client", "server", "both"])
def test_close_with_ff_00(to: str) -> None:
    play = opened(rules=message(f'action = "close", how = "closing-handshake", to = "{to}"'))
    play.client(b"\x00bye\xff")
    end = b"\xff\x00"
    play.to_server(b"\x00bye\xff" + (end if to != "client" else b""))
    play.to_client(*([end] if to != "server" else []))
    play.did()
    peers = ("client", "server") if to == "both" else (to,)
    closings = [one for one in _told(play) if one.startswith("relay")]
    assert closings == ["relay: closing-handshake"] * len(peers)
    # Both answer it and go.
    play.client(b"\xff\x00")
    play.server(b"\xff\x00")
    play.client_ends()
    play.server_ends()
    assert b"".join(play.sent("server")) == (end if to == "client" else b"")
    assert b"".join(play.sent("client")) == (end if to == "server" else b"")
    play.over("open")


@pytest.mark.parametrize("to", ["client", "server", "both"])
def test_close_with_fin(to: str) -> None:
    play = opened(rules=message(f'action = "close", how = "fin", to = "{to}"'))
    play.client(b"\x00bye\xff")
    play.to_server(b"\x00bye\xff")
    play.to_client()
    peers = ("client", "server") if to == "both" else (to,)
    play.did(*(f"end to {peer}" for peer in peers))
    assert [one for one in _told(play) if one.startswith("relay")] == [
        "relay: end-of-stream"
    ] * len(peers)
    play.client_ends()
    play.server_ends()
    play.over("open", "closed-without-handshake")


@pytest.mark.parametrize("to", ["client", "server", "both"])
def test_close_with_a_reset(to: str) -> None:
    action = f'action = "close", how = "reset", to = "{to}"'
    play = opened(rules=message(action, when='text = "bye"'))
    play.client(b"\x00before\xff\x00bye\xff")
    # What was said before the reset, in the same piece or not, has left.
    play.to_server(b"\x00before\xff\x00bye\xff")
    play.to_client()
    peers = ("client", "server") if to == "both" else (to,)
    assert [one for one in play.deeds if one.startswith("reset")] == [
        f"reset {peer}" for peer in peers
    ]
    assert [one for one in _told(play) if one == "relay: reset"] == ["relay: reset"] * len(peers)


def test_ff_00_is_said_once() -> None:
    play = opened(rules=message('action = "close", how = "closing-handshake", to = "client"'))
    play.server(b"\xff\x00")
    play.to_client(b"\xff\x00")
    play.client(b"\x00bye\xff")
    play.to_client()
    play.did("end to client")


def test_close_in_hixie_75_is_an_end_of_stream() -> None:
    play = opened_75(rules=message('action = "close", how = "closing-handshake"'))
    play.client(b"\x00bye\xff")
    play.to_server(b"\x00bye\xff")
    play.to_client()
    play.did("end to client", "end to server")


def test_nothing_comes_behind_an_end_and_that_is_said() -> None:
    rules = message('action = "close", how = "closing-handshake", to = "server"', more="limit = 1")
    play = opened(rules=rules)
    play.client(b"\x00bye\xff\x00more\xff", b"\x00and more\xff")
    play.to_server(b"\x00bye\xff\xff\x00")
    play.client_ends()
    play.server_ends()
    assert "2 messages came behind an end that was made here, and went nowhere" in play.notices


def test_stop_reading_for_a_while() -> None:
    rules = message('action = "stop-reading", from = "client", seconds = 2', when='text = "x"')
    play = opened(rules=rules)
    play.server(b"\x00x\xff")
    play.to_client(b"\x00x\xff")
    assert play.paused == {"client"}
    play.server(b"\x00goes on\xff")
    play.to_client(b"\x00goes on\xff")
    play.wakes(1.9)
    assert play.paused == {"client"}
    play.wakes(0.1)
    play.did("pause client", "resume client")


def test_stop_reading_for_good() -> None:
    play = opened(rules=message('action = "stop-reading", from = "server"'))
    play.server(b"\x00x\xff")
    play.to_client(b"\x00x\xff")
    assert play.due == float("inf")
    play.client(b"\x00y\xff")
    play.did("pause server")
    play.sent("server")
    play.times_out()
    play.over("open", "idle-timeout")


def test_throttle() -> None:
    rules = message('action = "throttle", bytes-per-second = 100', when='text = "slow"')
    rules += message('action = "throttle", bytes-per-second = 0', when='text = "fast"', name="f")
    play = opened(rules=rules)
    slow = b"\x00slow" + b"a" * 294 + b"\xff"
    play.client(slow)
    play.server(b"\x00the other way is as it was\xff")
    play.to_client(b"\x00the other way is as it was\xff")
    got = b""
    for second in range(1, 3):
        play.wakes(0.9999)
        got += b"".join(play.sent("server"))
        assert got == slow[: 100 * second]
        play.time_passes(0.0001)
    play.client(b"\x00b\xff\x00fast\xff")
    assert b"".join(play.sent("server")) == slow[200:] + b"\x00b\xff\x00fast\xff"
    play.wakes(1)
    play.client(slow)
    assert len(b"".join(play.sent("server"))) == 5


def test_mark() -> None:
    play = opened(rules=message('action = "mark", text = "look here"', when='text = "x"'))
    play.client(b"\x00x\xff")
    play.to_server(b"\x00x\xff")
    play.told("client says #1 'x'", "rule 'r': mark, client #1 (look here)")


def test_hide_changes_the_records_alone() -> None:
    rules = message("""action = "hide", regex = 'pin=\\d+', with = "pin=*\"""")
    play = opened(rules=rules)
    play.client(b"\x00pin=1234 ok\xff\x00open\xff")
    play.to_server(b"\x00pin=1234 ok\xff\x00open\xff")
    play.told(
        "client says #1 'pin=* ok', redacted", "rule 'r': hide, client #1", "client says #2 'open'"
    )


def test_what_is_hidden_is_hidden_in_changes_too() -> None:
    rules = message("""action = "hide", regex = '\\d+'""") + message(
        'action = "replace", text = "me", with = "you"', name="n"
    )
    play = opened(rules=rules)
    play.client(b"\x00me 12\xff")
    play.to_server(b"\x00you 12\xff")
    assert "12" not in "".join(map(repr, play.records[5:]))
    assert "rule 'n': replace, client #1 'me (hidden)' -> 'you (hidden)'" in play.changes


def _told(play: Play) -> list[str]:
    return [in_words(record) for record in play.records]
