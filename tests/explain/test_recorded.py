"""Captures and recordings: a block for each session that has a fault, and a summary of all."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import ws76proxy
from ws76proxy.diagnosis import answer_like
from ws76proxy.explain import Explained, Tally, explain_inputs, inputs_of
from ws76proxy.record import (
    ChallengeRecord,
    FindingRecord,
    MessageRecord,
    RequestRecord,
    ResponseRecord,
)

from .captures import HOST, as_recording, capture, challenges, handshake, trimming
from .handshakes import about, explain_pair, findings

COUNT = 120


def complain(text: str) -> None:
    raise AssertionError(text)


def sessions_in(*paths: Path, ignored: tuple[str, ...] = ()) -> list[Explained]:
    found = explain_inputs(
        inputs_of(paths, complain), complain, lambda path, size: None, ignored=ignored
    )
    return [one for one in found if isinstance(one, Explained)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def wrong(folder: Path) -> int:
    """How many of the sessions in the folder's files fail."""
    sessions, wrong = trimming(COUNT)
    assert 2 <= wrong <= COUNT // 4
    as_recording(folder / "all.ws76.jsonl", capture(folder / "all.pcap", sessions))
    capture(folder / "sound.pcap", [one for one in sessions if not _fails(one)][:1])
    return wrong


def _fails(session: tuple[bytes, bytes]) -> bool:
    return explain_pair(*session).worst == "error"


KINDS = pytest.mark.parametrize("file", ["all.pcap", "all.ws76.jsonl"])


@KINDS
def test_sessions_with_faults_are_told_and_all_are_summed_up(
    folder: Path, wrong: int, file: str
) -> None:
    done = ws76proxy("explain", str(folder / file))
    assert done.returncode == 1
    assert done.stdout.count("DIGEST WRONG") == wrong
    assert "digest verified" not in done.stdout
    summary = done.stdout[done.stdout.index(f"{COUNT} sessions: ") :]
    assert f"{wrong} with errors, {COUNT - wrong} sound" in summary
    counts = {
        line.split()[2]: line.split()[:2] for line in summary.splitlines() if "digest-" in line
    }
    assert counts["digest-wrong"] == ["error", str(wrong)]
    assert counts["digest-key3-trimmed"] == ["error", str(wrong)]
    verdict = " ".join(summary.split())
    assert f"ws://{HOST}: right in {COUNT - wrong} of {COUNT}; " in verdict
    assert "key3 is stripped of white space at both ends" in verdict
    # What is explained once is only named again.
    assert done.stdout.count("htonl") == 0
    assert done.stdout.count("strip or trim function that takes tab") == 1


@KINDS
def test_all_of_them(folder: Path, wrong: int, file: str) -> None:
    done = ws76proxy("explain", "--all", str(folder / file))
    assert done.stdout.count("digest verified") == COUNT - wrong
    assert done.stdout.count("DIGEST WRONG") == wrong


@KINDS
def test_as_json(folder: Path, wrong: int, file: str) -> None:
    done = ws76proxy("explain", "--json", str(folder / file))
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert len(document["sessions"]) == wrong
    assert {one["worst"] for one in document["sessions"]} == {"error"}
    summary: dict[str, Any] = document["summary"]
    assert (summary["sessions"], summary["told"], summary["worst"]) == (COUNT, wrong, "error")
    assert {"code": "digest-wrong", "sessions": wrong}.items() <= next(
        one for one in summary["findings"] if one["code"] == "digest-wrong"
    ).items()
    (server,) = summary["servers"]
    assert (server["right"], server["wrong"]) == (COUNT - wrong, wrong)
    assert server["causes"][0] == "digest-key3-trimmed"
    assert server["server"] == f"ws://{HOST}"


@KINDS
def test_as_markdown(folder: Path, wrong: int, file: str) -> None:
    done = ws76proxy("explain", "--markdown", str(folder / file))
    assert done.stdout.count("\n## ") + done.stdout.startswith("## ") == wrong + 1
    assert f"| error | {wrong} | `digest-wrong` |" in done.stdout


def test_what_is_ignored_is_not_told(folder: Path, wrong: int) -> None:
    codes = {code for one in sessions_in(folder / "all.pcap") for code in findings(one)}
    ignored = [f"--ignore={code}" for code in codes if code.startswith("digest-")]
    done = ws76proxy("explain", *ignored, str(folder / "all.pcap"))
    assert done.returncode == 0
    assert "DIGEST WRONG" not in done.stdout
    assert f"{COUNT} sessions: {COUNT} sound" in done.stdout


def test_a_single_session_is_told_whatever_it_is(folder: Path, wrong: int) -> None:
    done = ws76proxy("explain", str(folder / "sound.pcap"))
    assert done.returncode == 0
    assert "digest verified" in done.stdout
    assert "sessions" not in done.stdout


def test_the_least_level_decides_what_is_told(folder: Path, wrong: int, tmp_path: Path) -> None:
    one, *_ = challenges(1)
    assert one.answer is not None
    client, server = handshake(one, one.answer)
    listed = client.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade")
    file = capture(tmp_path / "two.pcap", [(client, server), (listed, server)])
    assert [session.worst for session in sessions_in(file)] == ["good", "warning"]
    for level, told, status in (("error", 0, 0), ("warning", 1, 1), ("info", 1, 1)):
        done = ws76proxy("explain", "--fail-on", level, str(file))
        assert done.returncode == status
        assert done.stdout.count("digest verified") == told
        assert "2 sessions: " in done.stdout


def test_a_captured_handshake_is_explained_as_a_pasted_one(tmp_path: Path) -> None:
    one, *_ = challenges(1)
    digest = answer_like("digest-little-endian", one)
    assert digest is not None
    client, server = handshake(one, digest)
    (captured,) = sessions_in(capture(tmp_path / "one.pcap", [(client, server)]))
    kept = (RequestRecord, ResponseRecord, ChallengeRecord, FindingRecord)

    def said(explained: Explained) -> list[str]:
        return [line.partition("time=")[0] for line in about(explained) if line.startswith(names)]

    names = tuple(kind.__name__ for kind in kept)
    assert said(captured) == said(explain_pair(client, server))


def test_several_files_of_one_server_are_judged_together(folder: Path, wrong: int) -> None:
    tally = Tally()
    for session in sessions_in(folder / "all.pcap", folder / "all.ws76.jsonl"):
        tally.add(session)
    ((server, together),) = tally.servers
    assert server == f"ws://{HOST}"
    assert (together.right, together.wrong) == (2 * (COUNT - wrong), 2 * wrong)


def test_pasted_handshakes_of_one_server_are_judged_together(tmp_path: Path) -> None:
    sessions, wrong = trimming(30)
    files = []
    for number, (client, server) in enumerate(sessions):
        files.append(tmp_path / f"{number:02}.bin")
        files[-1].write_bytes(client + server)
    done = ws76proxy("explain", "--json", *map(str, files))
    summary = json.loads(done.stdout)["summary"]
    (server_verdict,) = summary["servers"]
    assert server_verdict["right"] + server_verdict["wrong"] == 30
    assert server_verdict["wrong"] == wrong


def test_a_folder_of_recordings(folder: Path, wrong: int) -> None:
    done = ws76proxy("explain", str(folder))
    assert done.returncode == 1
    assert f"{COUNT} sessions" in done.stdout


def test_a_recording_that_breaks_off_is_told_as_far_as_it_goes(
    folder: Path, wrong: int, tmp_path: Path
) -> None:
    lines = (folder / "all.ws76.jsonl").read_bytes().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(lines) if b'"type":"challenge"' in line)
    file = tmp_path / "cut.ws76.jsonl"
    file.write_bytes(b"".join(lines[: cut + 1]))
    (session,) = sessions_in(file)
    assert any("ends before this session does" in note for note in session.notes)
    assert session.request is not None


def test_no_session_at_all_is_said(tmp_path: Path) -> None:
    file = capture(tmp_path / "empty.pcap", [])
    done = ws76proxy("explain", str(file))
    assert done.returncode == 2
    assert "empty.pcap: expected a handshake, found none" in done.stderr


def test_messages_are_not_kept(folder: Path, wrong: int) -> None:
    for session in sessions_in(folder / "all.pcap"):
        assert not any(isinstance(record, MessageRecord) for record in session.records)


@KINDS
def test_memory_does_not_grow_with_the_number_of_sessions(file: str, tmp_path: Path) -> None:
    sessions, _ = trimming(40)
    kept = []
    for count in (1, 10):
        path = capture(tmp_path / "all.pcap", sessions * count)
        if file != path.name:
            path = as_recording(tmp_path / file, path)
        at_the_end, at_most = memory_for(path)
        kept.append(at_the_end)
        assert at_most < 16 << 20
    assert kept[1] < kept[0] + (64 << 10)


def memory_for(file: Path) -> tuple[int, int]:
    """Bytes that are held when all has been told, and at the worst time before."""
    inputs = inputs_of([file], complain)
    tally = Tally()
    for one in explain_inputs(inputs, complain, lambda path, size: None):
        # What is made once for all has been made then.
        if not tally.sessions:
            tracemalloc.start()
        assert isinstance(one, Explained)
        tally.add(one)
    gc.collect()
    held = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tally.sessions
    return held
