"""The rule files of samples/rules: each does, between real peers, what its first lines say."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ws76proxy.wire import RequestHead

from . import browser
from .cases import BROWSER, ORIGIN, PERL_CLIENT, TEXTS
from .client import DIGEST, connected, perl_client
from .peer import PeerName, serving
from .process import ProcessError
from .recording import ws76proxy
from .relay import Record, Relay, of_type, only, relaying
from .tap import Tap, tapping
from .test_relay_browser import assert_talked

FOLDER = Path(__file__).parents[2] / "samples" / "rules"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
EVENTLET = pytest.mark.peer("eventlet")
DRIVER = pytest.mark.peer("websocket-driver")


@contextmanager
def ruled(name: str, server: PeerName, *arguments: str) -> Iterator[tuple[Relay, Tap]]:
    """A relay with this rule file in front of a real server, and a tap between them."""
    rules = ["--rules", str(FOLDER / f"{name}.toml")]
    with (
        serving(server) as running,
        tapping(running.url) as tap,
        relaying(tap.url, *rules, *arguments) as relay,
    ):
        yield relay, tap


def asked(tap: Tap, path: str = "/") -> RequestHead:
    """What the server was asked."""
    return RequestHead(tap.wire(path).client.head)


# All of them


def test_there_are_ten() -> None:
    assert len(NAMES) == 10
    listed = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"[`{name}.toml`]({name}.toml)" not in listed] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_first_lines_say_when_to_use_it(name: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    comment, _, rules = text.partition("\n\n")
    lines = comment.splitlines()
    assert 2 <= len(lines) <= 4
    assert all(line.startswith("# ") for line in lines)
    assert lines[0].startswith("# When ")
    assert rules.strip()


def test_rules_check() -> None:
    done = ws76proxy("rules", "check", *(FOLDER / f"{name}.toml" for name in NAMES))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 10


# Each of them


@BROWSER
@DRIVER
def test_spoof_origin(pages: str) -> None:
    with ruled("spoof-origin", "websocket-driver") as (relay, tap):
        visit = browser.visit(pages, f"{relay.url}/", messages=TEXTS)
        relay.finish()
        head = asked(tap)
    # The browser has checked that the answer names the origin of its page.
    assert_talked(visit)
    assert head.value(b"origin") == b"http://shop.example"


@pytest.mark.peer("protocol-websocket")
def test_location_behind_tls() -> None:
    with ruled("location-behind-tls", "protocol-websocket") as (relay, _tap):
        locations = {}
        for path in ("/chat", "/other"):
            with connected(relay.url) as client:
                answer = client.open(f"http://shop.example{path}", origin=ORIGIN)
                assert answer.digest == DIGEST
                locations[path] = answer.fields["sec-websocket-location"]
                client.close()
        relay.finish(2)
    assert locations == {
        "/chat": "wss://shop.example/chat",
        "/other": "ws://shop.example/other",
    }


@EVENTLET
def test_flaky_network(tmp_path: Path) -> None:
    """What `rules try` foretells of a recording is what the same messages meet with the rules."""
    said = [f"message {number}" for number in range(1, 301)]
    recording = tmp_path / "fine.ws76.jsonl"
    with serving("eventlet") as server, relaying(server.url, "--record", str(recording)) as relay:
        with connected(relay.url) as client:
            client.open(relay.url, origin=ORIGIN)
            for text in said:
                client.send(text)
            assert [client.receive() for _ in said] == said
            client.close()
        relay.finish()
    with ruled("flaky-network", "eventlet") as (relay, tap):
        with connected(relay.url) as client:
            client.open(relay.url, origin=ORIGIN)
            for text in said:
                try:
                    client.send(text)
                except ConnectionError:
                    break
            heard = client.rest()
        records = relay.finish()
        got = tap.wire("/").client.behind[8:]
    trial = ws76proxy("rules", "try", FOLDER / "flaky-network.toml", recording, "--json")
    foretold = deeds([json.loads(line) for line in trial.stdout.splitlines()])
    end = next(number for number, found in foretold.items() if "close" in found)
    met = {number: found for number, found in deeds(records).items() if number <= end}
    assert met == foretold
    assert {deed for found in met.values() for deed in found} == {"drop", "delay", "close"}
    # With the line goes whatever was on its way.
    closings = of_type(records, "closing")
    assert any(one["by"] == "relay" and one["how"] == "reset" for one in closings)
    kept = [text for number, text in enumerate(said, 1) if "drop" not in foretold.get(number, [])]
    assert b"".join(map(framed, kept[: end - 1])).startswith(got)
    assert len(heard) < len(b"".join(map(framed, said)))


def deeds(records: list[Record]) -> dict[int, list[str]]:
    """What rules did to each of the client's messages, by its number."""
    found: dict[int, list[str]] = {}
    for record in records:
        if record["type"] == "change" and record["direction"] == "client":
            found.setdefault(record["number"], []).append(record["deed"])
    return found


def framed(text: str) -> bytes:
    return b"\0" + text.encode() + b"\xff"


@EVENTLET
def test_slow_server() -> None:
    size = 10_000
    with ruled("slow-server", "eventlet") as (relay, _tap):
        with connected(relay.url) as client:
            begin = time.monotonic()
            client.open(relay.url, origin=ORIGIN)
            opened = time.monotonic()
            client.send("x" * size)
            assert client.receive() == "x" * size
            answered = time.monotonic()
            client.close()
        relay.finish()
    assert opened - begin >= 1
    # A piece leaves at once: the last of them is not waited for.
    assert answered - opened >= 0.25 + size / 20_000 - 0.1


@DRIVER
def test_corrupt_every_100th() -> None:
    said = [f"message {number} of two hundred and one" for number in range(1, 202)]
    with ruled("corrupt-every-100th", "websocket-driver") as (relay, _tap):
        with connected(relay.url) as client:
            client.open(relay.url, origin=ORIGIN)
            heard = []
            for text in said:
                client.send(text)
                heard.append(client.receive_bytes())
            client.close()
        records = relay.finish()
    differ = [
        number
        for number, (text, got) in enumerate(zip(said, heard, strict=True), 1)
        if text.encode() != got
    ]
    assert differ == [100, 200]
    for number in differ:
        pairs = zip(said[number - 1].encode(), heard[number - 1], strict=True)
        assert sum(one != other for one, other in pairs) == 1
    marks = [one for one in of_type(records, "change") if one["deed"] == "mark"]
    assert [one["number"] for one in marks] == [100, 200]


@EVENTLET
def test_strip_fields(tmp_path: Path) -> None:
    """The server of its own sets no cookie and has no name: another relay sees to that."""
    talkative = tmp_path / "talkative.toml"
    names = ("Server", "Set-Cookie", "X-Powered-By")
    actions = ", ".join(
        f'{{ action = "set-field", name = "{name}", value = "a=b" }}' for name in names
    )
    talkative.write_text(f'[[response]]\nname = "talkative"\ndo = [{actions}]\n')
    with (
        serving("eventlet") as server,
        tapping(server.url) as tap,
        relaying(tap.url, "--rules", str(talkative)) as other,
        relaying(other.url, "--rules", str(FOLDER / "strip-fields.toml")) as relay,
    ):
        with connected(relay.url) as client:
            answer = client.open(relay.url, origin=ORIGIN, more=[("Cookie", "sid=1")])
            client.send("hello")
            assert client.receive() == "hello"
            client.close()
        records = relay.finish()
        head = asked(tap)
    assert "\r\nSet-Cookie: " in only(records, "response")["head"]
    assert answer.digest == DIGEST
    assert not {name.lower() for name in names} & answer.fields.keys()
    assert head.get(b"cookie") is None


@BROWSER
@DRIVER
def test_refuse_subprotocol(pages: str) -> None:
    with ruled("refuse-subprotocol", "websocket-driver") as (relay, tap):
        asking = browser.visit(pages, f"{relay.url}/chat", messages=TEXTS, protocol="chat")
        others = browser.visit(pages, f"{relay.url}/", messages=TEXTS)
        relay.finish(2)
        answered = tap.wire("/chat").server.head.lower()
    assert b"\r\nsec-websocket-protocol: chat\r\n" in answered
    assert asking.names == ["close"]
    assert len(asking.complaints) == 1
    assert "protocol mismatch: chat != " in asking.complaints[0]
    assert_talked(others)


@PERL_CLIENT
@EVENTLET
def test_refuse_subprotocol_in_either_dialect() -> None:
    with ruled("refuse-subprotocol", "eventlet") as (relay, _tap):
        opened = [
            perl_client(f"{relay.url}/", version=version, messages=TEXTS, subprotocol="chat")[0]
            for version in (75, 76)
        ]
        relay.finish(2)
    assert [event["subprotocol"] for event in opened] == [None, None]


@EVENTLET
def test_hide_secrets(tmp_path: Path) -> None:
    said = [
        '{"user": "ada", "password": "s3cret \\" word"}',
        '{"access_token":"s3cret", "room": 1}',
        '{"room": 2}',
    ]
    recording = tmp_path / "shown.ws76.jsonl"
    with ruled("hide-secrets", "eventlet", "--record", str(recording)) as (relay, tap):
        with connected(relay.url) as client:
            client.open(relay.url, origin=ORIGIN)
            for text in said:
                client.send(text)
                assert client.receive() == text
            client.close()
        records = relay.finish()
        got = tap.wire("/").client.behind
    assert all(framed(text) in got for text in said)
    texts = [one["text"] for one in of_type(records, "message") if one["direction"] == "client"]
    assert texts == [
        '{"user": "ada", "(hidden)":"(hidden)"}',
        '{"(hidden)":"(hidden)", "room": 1}',
        '{"room": 2}',
    ]
    assert "s3cret" not in json.dumps(records)
    assert "s3cret" not in recording.read_text(encoding="utf-8")


@PERL_CLIENT
@EVENTLET
def test_force_hixie_76() -> None:
    with ruled("force-hixie-76", "eventlet") as (relay, tap):
        events = perl_client(f"{relay.url}/new", version=76, messages=TEXTS)
        with pytest.raises(ProcessError, match="ended with status"):
            perl_client(f"{relay.url}/old", version=75, messages=TEXTS)
        records = relay.finish(2)
    assert [event["text"] for event in events[1:-1]] == list(TEXTS)
    assert tap.find("/old") is None
    outcomes = {one["dialect"]: one["outcome"] for one in of_type(records, "session-end")}
    assert outcomes == {"hixie-76": "open", "hixie-75": "refused"}
    answers = [one["detail"] for one in of_type(records, "change") if one["deed"] == "answer"]
    assert answers == ["400"]


@EVENTLET
def test_replay_attack() -> None:
    replayed = (FOLDER / "replayed-message.json").read_text(encoding="utf-8")
    transfer = '{"action": "transfer", "amount": 1}'
    heard = []
    with ruled("replay-attack", "eventlet") as (relay, _tap):
        for number in (1, 2):
            with connected(relay.url) as client:
                client.open(relay.url, origin=ORIGIN)
                for text in ("hello", transfer, "bye"):
                    client.send(text)
                heard.append([client.receive() for _ in range(3 + number)])
                client.close()
        relay.finish(2)
    # The server echoes what it got.
    assert heard == [
        ["hello", transfer, transfer, "bye"],
        ["hello", replayed, transfer, transfer, "bye"],
    ]
