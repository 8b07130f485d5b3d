"""`ws76proxy convert`, run as a user runs it."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.cli.commands import ws76proxy
from tests.recording.flows import http, load, save, websocket_flow
from tests.recording.sessions import HEADER, conversation, generated, write_har_file
from tests.session.examples import KEY3, request
from tests.session.playbook import Play
from ws76proxy.record import AnyRecord, MessageRecord, NoticeRecord, SessionEndRecord
from ws76proxy.recording import lines
from ws76proxy.recording.gathering import gather
from ws76proxy.recording.sources import Source, Told

_decoder = msgspec.json.Decoder(AnyRecord)


def _ours(path: Path, *sessions: list[AnyRecord], run: str = "a-run") -> Path:
    header = msgspec.structs.replace(HEADER, run=run)
    with path.open("wb") as file:
        lines.write([header, *(one for records in sessions for one in records)], file)
    return path


def _convert(*arguments: object, status: int = 0) -> list[str]:
    """The lines on standard error."""
    done = ws76proxy("convert", *map(str, arguments))
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


def _records(path: Path) -> list[AnyRecord]:
    return _decoder.decode_lines(path.read_bytes())


def _sample(folder: Path) -> Path:
    """A recording of two sessions."""
    return _ours(folder / "in.ws76.jsonl", conversation().records, generated(3, 2).records)


@pytest.mark.parametrize("suffix", ["har", "mitm", "flow", "flows", "ws76.jsonl"])
def test_there_and_back(tmp_path: Path, suffix: str) -> None:
    given = _sample(tmp_path)
    _convert(given, tmp_path / f"there.{suffix}")
    _convert(tmp_path / f"there.{suffix}", tmp_path / "back.ws76.jsonl")
    assert _records(tmp_path / "back.ws76.jsonl") == _records(given)


def test_the_content_says_what_it_is_and_to_what_it_becomes(tmp_path: Path) -> None:
    given = _sample(tmp_path)
    _convert(given, tmp_path / "flows.txt", "--to", "mitm")
    assert len(load(tmp_path / "flows.txt")) >= 2
    _convert(tmp_path / "flows.txt", tmp_path / "x.har")
    assert json.loads((tmp_path / "x.har").read_text())["log"]["version"] == "1.2"


def test_plain_text(tmp_path: Path) -> None:
    play = conversation()
    long = MessageRecord(
        session=1,
        time=play.records[-1].time,
        direction="client",
        number=9,
        offset=999,
        size=5000,
        text="x" * 5000,
    )
    given = _ours(tmp_path / "in.ws76.jsonl", [*play.records[:-1], long, play.records[-1]])
    said = _convert(given, tmp_path / "out.txt")
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "grüße" in text
    assert "digest verified" in text
    assert "x" * 5000 in text
    assert "\x1b" not in text
    # What is only described there is listed.
    assert any("1 frame" in line for line in said)
    assert any("1 message" in line for line in said)


def test_some_sessions_only(tmp_path: Path) -> None:
    given = _sample(tmp_path)
    _convert(given, tmp_path / "out.ws76.jsonl", "--session", "2")
    assert _records(tmp_path / "out.ws76.jsonl") == [HEADER, *generated(3, 2).records]
    (line,) = _convert(given, tmp_path / "none.har", "--session", "7", status=2)
    assert "session 7" in line
    assert not (tmp_path / "none.har").exists()


def test_several_recordings_in_one(tmp_path: Path) -> None:
    one = _ours(tmp_path / "one.ws76.jsonl", conversation().records)
    two = _ours(tmp_path / "two.ws76.jsonl", generated(3).records, run="another")
    for suffix in ("har", "mitm"):
        there = tmp_path / f"both.{suffix}"
        back = tmp_path / f"{suffix}.ws76.jsonl"
        _convert(one, two, there)
        _convert(there, back)
        assert _records(back) == [*_records(one), *_records(two)]


def test_a_recording_without_a_header_gets_one(tmp_path: Path) -> None:
    given = _sample(tmp_path)
    headless = tmp_path / "headless.jsonl"
    headless.write_bytes(given.read_bytes().partition(b"\n")[2])
    _convert(given, headless, tmp_path / "out.ws76.jsonl")
    first, *others = _records(tmp_path / "out.ws76.jsonl")
    assert first == HEADER
    headers = [one for one in others if type(one) is type(HEADER)]
    assert len(headers) == 1
    assert headers[0] != HEADER


def test_secrets_stay_unless_they_are_not_wanted(tmp_path: Path) -> None:
    play = Play(host="keep", lossless=True)
    play.client(request(target="/x?token=hush", extra=["Cookie: id=hush"]) + KEY3)
    play.client_ends()
    play.server_ends()
    given = _ours(tmp_path / "in.ws76.jsonl", play.records)
    for suffix in ("har", "mitm", "ws76.jsonl", "txt"):
        kept, clean = tmp_path / f"kept.{suffix}", tmp_path / f"clean.{suffix}"
        _convert(given, kept)
        _convert(given, clean, "--redact")
        assert b"hush" in kept.read_bytes()
        assert b"hush" not in clean.read_bytes()
    header = _records(tmp_path / "clean.ws76.jsonl")[0]
    assert header == msgspec.structs.replace(HEADER, redacted=True)


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    _convert(_sample(tmp_path), tmp_path / "out.har")
    assert stat.S_IMODE((tmp_path / "out.har").stat().st_mode) == 0o600
    assert {one.name for one in tmp_path.iterdir()} == {"in.ws76.jsonl", "out.har"}


def test_nothing_is_overwritten_without_being_asked(tmp_path: Path) -> None:
    given, out = _sample(tmp_path), tmp_path / "out.har"
    out.write_text("mine")
    (line,) = _convert(given, out, status=2)
    assert "--force" in line
    assert out.read_text() == "mine"
    _convert(given, out, "--force")
    assert out.read_text() != "mine"
    # Not even the file that is being read.
    before = _records(given)
    _convert(given, given, "--force")
    assert _records(given) == before


def test_to_standard_output(tmp_path: Path) -> None:
    given = _sample(tmp_path)
    command = [sys.executable, "-m", "ws76proxy", "convert", str(given), "-", "--to", "ws76"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stdout == given.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["out.unknown"], "--to"),
        (["-"], "--to"),
        (["."], "--to"),
        ([".", "--to", "har"], "no ordinary file"),
        (["/dev/null", "--to", "har", "--force"], "no ordinary file"),
        (["nowhere/out.har"], "no folder"),
        (["out.har", "--session", "0"], "--session"),
    ],
)
def test_what_cannot_be_done(tmp_path: Path, arguments: list[str], words: str) -> None:
    out, *others = arguments
    place = out if out.startswith(("-", "/")) else tmp_path / out
    (line,) = _convert(_sample(tmp_path), place, *others, status=2)
    assert words in line


def test_what_can_be_read_is_converted(tmp_path: Path) -> None:
    given = _sample(tmp_path)
    torn = tmp_path / "torn.ws76.jsonl"
    torn.write_bytes(given.read_bytes().replace(b'"run":"a-run"', b'"run":"b"')[:-20])
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00\x01\x02 rubbish")
    good = write_har_file(
        tmp_path / "good.har",
        {
            "startedDateTime": "2024-05-06T07:08:09Z",
            "request": {"method": "GET", "url": "http://example.com/page"},
            "response": {"status": 200},
        },
    )
    out = tmp_path / "out.har"
    said = _convert(rubbish, tmp_path / "absent", torn, good, out, status=2)
    for name in ("rubbish", "absent", "torn"):
        assert any(name in line for line in said), name
    urls = [one["request"]["url"] for one in json.loads(out.read_text())["log"]["entries"]]
    assert "http://example.com/page" in urls
    assert "ws://proxy.test:8076/chat?room=1" in urls


def test_nothing_to_convert_leaves_no_file(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00\x01\x02 rubbish")
    (line,) = _convert(rubbish, tmp_path / "out.har", status=2)
    assert "rubbish" in line
    assert [one.name for one in tmp_path.iterdir()] == ["rubbish"]


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files stands for it."""
    given, out = _sample(tmp_path), tmp_path / "out.har"
    program = (
        "import resource, signal, sys; from ws76proxy.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); sys.exit(main())"
    )
    command = [sys.executable, "-c", program, "convert", str(given), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert str(out) in done.stderr
    assert "Traceback" not in done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["in.ws76.jsonl"]


def test_flows_of_another_become_ours(tmp_path: Path) -> None:
    flow = websocket_flow()
    flow.websocket.closed_by_client = True
    given = save(tmp_path / "in.flows", flow)
    _convert(given, tmp_path / "out.ws76.jsonl")
    texts = [
        one.text for one in _records(tmp_path / "out.ws76.jsonl") if isinstance(one, MessageRecord)
    ]
    assert texts == ["", "hello text", "it's me"]
    # And go on to where they came from.
    _convert(tmp_path / "out.ws76.jsonl", tmp_path / "again.flows")
    (again,) = load(tmp_path / "again.flows")
    assert isinstance(again, http.HTTPFlow)
    assert again.websocket is not None
    assert again.websocket.close_code == 1000
    contents = [one.content for one in again.websocket.messages]
    assert contents == [one.content for one in flow.websocket.messages]


# Sessions put together


def _stream(*records: AnyRecord, run: str = "a") -> list[Told]:
    source = Source(Path(run), msgspec.structs.replace(HEADER, run=run))
    return [Told(source, record) for record in records]


def test_sessions_are_put_together_by_run_and_number() -> None:
    one, two = conversation().records, generated(3, 2).records
    stream = _stream(one[0], two[0], *one[1:]) + _stream(*one, run="b") + _stream(*two[1:])
    sessions = list(gather(stream, pytest.fail))
    assert [session.records for session in sessions] == [one, one, two]


def test_a_number_that_begins_again_is_another_session() -> None:
    records = conversation().records
    sessions = list(gather(_stream(*records[:-1], *records), pytest.fail))
    assert [session.records for session in sessions] == [records[:-1], records]


def test_a_session_that_is_too_large_is_left_out() -> None:
    big, small = conversation().records, conversation().records[:3]
    small = [msgspec.structs.replace(one, session=2) for one in small]
    said: list[str] = []
    stream = _stream(*big, *small)
    sessions = list(gather(stream, said.append, most_records=5))
    assert [session.records for session in sessions] == [small]
    assert len(said) == 1
    assert "session 1" in said[0]


def test_what_belongs_to_no_session_is_passed_over() -> None:
    notice = NoticeRecord(session=0, time=0.0, level="info", text="x")
    records = conversation().records
    (session,) = gather(_stream(HEADER, notice, *records), pytest.fail)
    assert session.records == records
    assert isinstance(session.records[-1], SessionEndRecord)
