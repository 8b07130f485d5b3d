"""What is written to files: read again with the addon and without, filtered and exported."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.mitm.client import Client, RefusedError
from tests.mitm.peers import Peer, RawServer, serve
from tests.mitm.process import ADDON, Mitmdump, run_mitmdump

WITH_AND_WITHOUT = pytest.mark.parametrize(
    "scripts", [(), ("-s", str(ADDON))], ids=["without", "with"]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the flows of three sessions, as `-w` and `hardump` wrote them."""
    home = tmp_path_factory.mktemp("files")
    saved = ("-w", str(home / "flows"), "--set", f"hardump={home / 'dumped.har'}")
    with RawServer(serve) as server:
        mode = f"reverse:http://127.0.0.1:{server.port}"
        with Mitmdump(mode, *saved, home=home) as mitm:
            for path in ("/good", "/wrong-digest", "/odd-frames"):
                client = Client(Peer.connect(mitm.port), path, f"127.0.0.1:{mitm.port}")
                try:
                    client.open()
                except RefusedError:
                    client.peer.close()
                    mitm.flow(path)
                    continue
                if path == "/odd-frames":
                    client.peer.exactly(21)
                client.echo(b"hello", "wörld".encode())
                client.say(b"edit to c3")
                client.hear()
                client.close()
                mitm.flow(path)
    return home


def _har(path: Path) -> dict[str, dict[str, Any]]:
    entries = json.loads(path.read_text())["log"]["entries"]
    return {entry["request"]["url"].rpartition("/")[2]: entry for entry in entries}


def _check_har(path: Path) -> None:
    entries = _har(path)
    assert set(entries) == {"good", "wrong-digest", "odd-frames"}
    messages = entries["good"]["_webSocketMessages"]
    assert [one["data"] for one in messages[:4]] == ["hello", "hello", "wörld", "wörld"]
    assert [one["opcode"] for one in messages] == [1, 1, 1, 1, 2, 2]
    assert entries["odd-frames"]["_webSocketMessages"][0]["opcode"] == 2


def test_har_while_it_runs(folder: Path) -> None:
    _check_har(folder / "dumped.har")


@WITH_AND_WITHOUT
def test_har_from_a_file(folder: Path, tmp_path: Path, scripts: tuple[str, ...]) -> None:
    har = tmp_path / "again.har"
    run_mitmdump(["-n", "-r", str(folder / "flows"), "--set", f"hardump={har}", *scripts], tmp_path)
    _check_har(har)


FILTERS = {
    "~websocket": {"/good", "/wrong-digest", "/odd-frames"},
    "~marked": {"/wrong-digest"},
    "~marker :x:": {"/wrong-digest"},
    "~comment digest-wrong": {"/wrong-digest"},
    "~meta digest-wrong": {"/wrong-digest"},
    "~meta \"'verdict': 'verified'\"": {"/good", "/odd-frames"},
    "~meta unknown-frame-type": {"/odd-frames"},
}
# A dumper for each filter: one start of mitmdump says what each of them lets through.
DUMPERS = f"""
import io

from mitmproxy.addons.dumper import Dumper
from mitmproxy.flowfilter import parse


class Filtered(Dumper):
    def __init__(self, number, expression):
        super().__init__(io.StringIO())
        self.name = f"filter-{{number}}"
        self.filter = parse(expression)

    def load(self, loader):
        pass

    def configure(self, updated):
        pass

    def done(self):
        for line in self.outfp.getvalue().splitlines():
            print(self.name, line, flush=True)


addons = [Filtered(*one) for one in enumerate({list(FILTERS)!r})]
"""


def filtered(printed: str, mark: str = "") -> set[str]:
    """The paths of the requests in lines that begin with this."""
    return set(re.findall(rf"^{mark}.*GET http://[^/]+(/\S+)", printed, re.MULTILINE))


@WITH_AND_WITHOUT
def test_filters(folder: Path, tmp_path: Path, scripts: tuple[str, ...]) -> None:
    dumpers = tmp_path / "dumpers.py"
    dumpers.write_text(DUMPERS)
    arguments = [*scripts, "-s", str(dumpers), "--set", "flow_detail=1"]
    out = run_mitmdump(["-n", "-r", str(folder / "flows"), *arguments], tmp_path)
    found = {one: filtered(out, f"filter-{number} ") for number, one in enumerate(FILTERS)}
    assert found == FILTERS


@WITH_AND_WITHOUT
def test_a_filter_on_the_command_line(
    folder: Path, tmp_path: Path, scripts: tuple[str, ...]
) -> None:
    expression = "~meta \"'verdict': 'verified'\""
    arguments = [*scripts, "--set", "flow_detail=1", expression]
    out = run_mitmdump(["-n", "-r", str(folder / "flows"), *arguments], tmp_path)
    assert filtered(out) == FILTERS[expression]


def test_the_report_is_shown_from_a_file(folder: Path, tmp_path: Path) -> None:
    out = run_mitmdump(
        ["-n", "-r", str(folder / "flows"), "-s", str(ADDON), "--set", "flow_detail=4"], tmp_path
    )
    assert out.count("digest verified") == 4  # with two sessions, with request and with response
    assert "÷" in out
    assert "digest-wrong" in out


def test_without_the_addon_the_bytes_are_shown(folder: Path, tmp_path: Path) -> None:
    out = run_mitmdump(["-n", "-r", str(folder / "flows"), "--set", "flow_detail=4"], tmp_path)
    assert "hello" in out
    assert "digest verified" not in out
