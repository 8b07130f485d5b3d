"""Whatever is said crosses every pair of dialects, and comes back equal; nothing ever hangs."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.session import Peer

from .bridged import PAIRS, RFC, Bridged

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
WHO = st.sampled_from(["client", "server"])
RULES = '[[message]]\nname = "r"\nwhen = { text = "never said" }\ndo = [{ action = "drop" }]\n'
rules = st.sampled_from([None, RULES])
deflate = st.booleans()
# How an owner may carry it out: step by step, or by the short ways, with messages told or not.
owners: Any = st.sampled_from(
    [{}, {"looks_afterwards": True}, {"looks_afterwards": True, "messages": False}]
)


@given(
    pair=st.sampled_from(PAIRS),
    rules=rules,
    deflate=deflate,
    owner=owners,
    said=st.lists(st.tuples(WHO, st.lists(TEXT | st.binary(max_size=300), max_size=5))),
    data=st.data(),
)
def test_everything_that_can_be_said_crosses_and_comes_back(
    pair: tuple[Any, Any],
    rules: str | None,
    deflate: bool,
    owner: Any,
    said: Any,
    data: st.DataObject,
) -> None:
    play = Bridged(*pair, rules=rules, bridge={"deflate": deflate}, **owner).open()
    modern = pair == (RFC, RFC)
    for who, messages in said:
        sayable = [one for one in messages if modern or isinstance(one, str)]
        to = "server" if who == "client" else "client"
        connection = play.peers[Peer(who)]
        for one in sayable:
            if isinstance(one, str):
                connection.send_text(one)
            else:
                connection.send_binary(one)
        sent = connection.data_to_send()
        while sent:
            size = data.draw(st.just(len(sent)) | st.integers(1, len(sent)))
            play.sends(who, sent[:size])
            sent = sent[size:]
        heard = play.heard(to)
        assert heard == sayable
        play.says(to, *heard)
        assert play.heard(who) == sayable
    counts = play.session.traffic[Peer.CLIENT]
    assert counts.messages + play.session.traffic[Peer.SERVER].messages == 2 * sum(
        len([one for one in messages if modern or isinstance(one, str)]) for _, messages in said
    )
    play.closes("client")
    play.heard("server")
    play.closes("server")
    assert play.session.ended
    assert {*play.codes} <= {"text-with-nul", "http-in-frames"}


@given(
    pair=st.sampled_from(PAIRS),
    rules=rules,
    owner=owners,
    deeds=st.lists(
        st.tuples(WHO, st.sampled_from(["bytes", "end", "close", "text"]), st.binary(max_size=40)),
        max_size=12,
    ),
)
def test_anything_at_all_is_carried_out_in_order_and_comes_to_an_end(
    pair: tuple[Any, Any], rules: str | None, owner: Any, deeds: Any
) -> None:
    """The owner of the connections holds the session to its promises with each command."""
    play = Bridged(*pair, rules=rules, lossless=True, **owner).open()
    over = set()
    for who, deed, raw in deeds:
        if who in over or play.session.ended:
            continue
        connection = play.peers[Peer(who)]
        if deed == "end":
            over.add(who)
            play.ends(who)
        elif deed == "bytes":
            play.sends(who, raw)
        elif not connection.sent_close:
            if deed == "text":
                play.says(who, raw.hex())
            else:
                play.closes(who)
                if not connection.closing_handshake:
                    over.add(who)
    play.times_out(10)
    assert play.session.ended
    assert {Peer.CLIENT, Peer.SERVER} == play._owner.finished
