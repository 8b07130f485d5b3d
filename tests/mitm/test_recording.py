"""`ws76_record` in a mitmdump that runs: files, limits, refusals, and what a full disk does."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mitm.client import Client, RefusedError
from tests.mitm.peers import Peer, RawServer, serve
from tests.mitm.process import ADDON, Mitmdump
from ws76proxy.record import FindingRecord, MessageRecord, SessionEndRecord
from ws76proxy.recording import RecordedSession, read_sessions, rebuild

MODE = "reverse:http://127.0.0.1:{}"


def sessions(*paths: Path) -> list[RecordedSession]:
    """What a recording holds; nothing in it is odd."""
    complaints: list[str] = []
    found = list(read_sessions(paths, complaints.append))
    assert complaints == []
    return sorted(found, key=lambda session: session.number)


def connect(mitm: Mitmdump, path: str, **options: object) -> Client:
    return Client(Peer.connect(mitm.port), path, f"127.0.0.1:{mitm.port}", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["all.ws76.jsonl", "folder"])
def test_sessions_of_every_kind(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    said: dict[str, bytes] = {}
    with RawServer(serve) as server:
        options = ("--set", f"ws76_record={target}", "--set", "ws76_max_messages=1")
        with Mitmdump(MODE.format(server.port), *options, home=tmp_path) as mitm:
            for path in ("/good", "/odd-frames", "/not-found", "/short-digest", "/old"):
                client = connect(mitm, path, old=path == "/old")
                said[path] = client.request
                if path in ("/not-found", "/short-digest"):
                    with pytest.raises((RefusedError, EOFError)):
                        client.open()
                else:
                    client.open()
                    for payload in (b"hello", b"bad \xc3("):
                        client.say(payload)
                        said[path] += b"\x00" + payload + b"\xff"
                    frame = b"\x80\x80\x03abc\x05typed\xff"
                    client.peer.send(frame)
                    said[path] += frame
                    client.peer.until(
                        b"typed\xff" if path != "/odd-frames" else b"abc\x05typed\xff"
                    )
                client.peer.close()
                mitm.flow(path)
    recorded = sessions(target)
    assert [one.request and one.request.target for one in recorded] == list(said)
    for session in recorded:
        streams = rebuild(session.records)
        assert session.request is not None
        assert streams.gaps == []
        assert streams.client == said[session.request.target]
        assert session.start is not None
        assert session.end is not None
        assert session.end.server.bytes == len(streams.server)
        assert session.recording is not None
        assert session.recording.vantage == "mitmproxy"
    outcomes = [one.end.outcome for one in recorded if one.end is not None]
    assert outcomes == ["open", "open", "refused", "failed", "open"]
    files = [target] if target.is_file() else list(target.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("secrets", [False, True])
def test_secrets(tmp_path: Path, secrets: bool) -> None:
    target = tmp_path / "all.jsonl"
    with RawServer(serve) as server:
        options = ["--set", f"ws76_record={target}"]
        options += ["--set", "ws76_record_secrets=true"] if secrets else []
        with Mitmdump(MODE.format(server.port), *options, home=tmp_path) as mitm:
            client = connect(mitm, "/x?token=s3cret", extra=(("Cookie", "id=s3cret"),))
            client.open()
            client.close()
            mitm.flow("/x")
    assert (b"s3cret" in target.read_bytes()) is secrets


def test_sessions_that_are_open_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    with RawServer(serve) as server:
        options = ("--set", f"ws76_record={target}")
        mitm = Mitmdump(MODE.format(server.port), *options, home=tmp_path)
        try:
            client = connect(mitm, "/open")
            client.open()
            client.echo(b"hello")
        finally:
            # asyncio complains of what it cancels at the end, on Python 3.11: not looked at.
            mitm.stop()
    (first,) = sessions(target)
    assert isinstance(first.records[-1], SessionEndRecord)
    assert rebuild(first.records).server.endswith(b"\x00hello\xff")


def test_begun_and_ended_while_it_runs(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    with RawServer(serve) as server:
        mode = MODE.format(server.port)
        with Mitmdump(mode, home=tmp_path) as mitm:
            before = connect(mitm, "/before")
            before.open()
            assert mitm.do(f"set ws76_record={first}") == ""
            during = connect(mitm, "/during")
            during.open()
            # A path that cannot be, and sizes that are none: refused, and nothing changes.
            assert "below" in mitm.do(f"set ws76_record={first}/below")
            assert "expected bytes" in mitm.do("set ws76_record_limit=much")
            # The same file with other settings, while it is still written to.
            assert "other settings" in mitm.do("set ws76_record_limit=1k")
            assert mitm.do(f"set ws76_record={second}") == ""
            later = connect(mitm, "/later")
            later.open()
            assert mitm.do("set ws76_record=") == ""
            after = connect(mitm, "/after")
            after.open()
            for client in (before, during, later, after):
                client.echo(b"hello")
                client.close()
            for path in ("/before", "/during", "/later", "/after"):
                mitm.flow(path)
            assert mitm.do(f"set ws76_record={first}") == ""
            again = connect(mitm, "/again")
            again.open()
            again.close()
            mitm.flow("/again")
    targets = {
        path: [one.request.target for one in sessions(path) if one.request is not None]
        for path in (first, second)
    }
    assert targets == {first: ["/during", "/again"], second: ["/later"]}
    for session in [*sessions(first), *sessions(second)]:
        assert session.end is not None
        assert rebuild(session.records).gaps == []


@pytest.mark.parametrize(
    "option",
    ["ws76_record={}/nowhere/x.jsonl", "ws76_record_total=lots", "ws76_record_secrets=true"],
)
def test_options_that_cannot_be_end_mitmdump_at_once(tmp_path: Path, option: str) -> None:
    program = Path(sys.executable).with_name("mitmdump")
    arguments = ["-p", "0", "-s", str(ADDON), "--set", f"confdir={tmp_path}"]
    arguments += ["--set", option.format(tmp_path), "--set", f"ws76_record={tmp_path}/x.jsonl"][
        : 4 if "total" in option else 2
    ]
    done = subprocess.run(
        [str(program), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert "expected" in said or "cannot record" in said


def test_a_full_recording_is_loud_and_leaves_the_session_alone(tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    with RawServer(serve) as server:
        options = ("--set", f"ws76_record={target}", "--set", "ws76_record_total=8k")
        with Mitmdump(MODE.format(server.port), *options, home=tmp_path) as mitm:
            client = connect(mitm, "/long")
            client.open()
            client.echo(*[b"x" * 1000] * 12)
            mitm.line(lambda line: "recording-stopped" in line)
            client.echo(b"still here")
            client.close()
            assert mitm.flow("/long")["metadata"]["findings"] == []
    assert target.stat().st_size <= 8192


def test_a_session_above_its_limit(tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    with RawServer(serve) as server:
        options = ("--set", f"ws76_record={target}", "--set", "ws76_record_limit=8k")
        with Mitmdump(MODE.format(server.port), *options, home=tmp_path) as mitm:
            client = connect(mitm, "/long")
            client.open()
            client.echo(*[b"x" * 1000] * 30)
            mitm.line(lambda line: "recording-limit" in line)
            client.close()
            mitm.flow("/long")
    (session,) = sessions(target)
    assert session.end is not None
    assert session.end.client.messages == 30
    assert sum(isinstance(one, MessageRecord) for one in session.records) < 60
    assert any(isinstance(one, FindingRecord) for one in session.records)
