"""What mitmdump keeps of hixie sessions: found again by filters, and no more than was asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .cases import ORIGIN
from .client import DIGEST, connected
from .mitm import (
    assert_verified,
    filtered,
    mitmproxying,
    reversing,
    run_mitmdump,
    the_session,
    told,
)
from .peer import PeerName, serving

GUIDE = Path(__file__).parents[2] / "docs" / "mitmproxy.md"
WRONG, RIGHT = "/wrong", "/right"

# Each filter that the guide names, and what it finds of one failed and one verified handshake.
FILTERS = {
    "~websocket": {WRONG, RIGHT},
    "~marked": {WRONG},
    "~marker :x:": {WRONG},
    "~comment digest-wrong": {WRONG},
    "~meta \"'verdict': 'wrong'\"": {WRONG},
    "~meta \"'verdict': 'verified'\"": {RIGHT},
    "~meta \"'dialect': 'hixie-76'\"": {WRONG, RIGHT},
    "~meta protocol-unasked": {RIGHT},
    "~websocket & ~b hello": {RIGHT},
    "~websocket & !~marked": {RIGHT},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a session of each kind: files of flows can be joined."""
    parts: list[bytes] = []
    kinds: list[tuple[str, PeerName]] = [(WRONG, "ws-0.4"), (RIGHT, "eventlet")]
    for path, name in kinds:
        folder = tmp_path_factory.mktemp(name)
        with serving(name) as server, mitmproxying(folder, reversing(server.url)) as mitm:
            with connected(mitm.url) as client:
                answer = client.open(mitm.url + path, origin=ORIGIN)
                assert (answer.digest == DIGEST) is (path == RIGHT)
                client.send("hello" if path == RIGHT else "bye")
                client.receive()
                client.close()
            mitm.finish()
        parts.append((folder / "flows").read_bytes())
    file = tmp_path_factory.mktemp("saved") / "flows"
    file.write_bytes(b"".join(parts))
    return file


@pytest.mark.peer("eventlet", "ws-0.4")
@pytest.mark.parametrize("wanted", FILTERS)
def test_filter(wanted: str, saved: Path) -> None:
    assert {flow.request.path for flow in filtered(saved, wanted)} == FILTERS[wanted]


@pytest.mark.peer("eventlet", "ws-0.4")
def test_a_filter_on_the_command_line(saved: Path) -> None:
    wanted = "~meta \"'verdict': 'verified'\""
    printed = run_mitmdump(saved.parent, "-r", str(saved), wanted)
    assert {path for path in (WRONG, RIGHT) if path in printed} == {RIGHT}


def test_filters_of_the_guide() -> None:
    section = (
        GUIDE.read_text(encoding="utf-8").partition("## Find what failed")[2].partition("\n## ")
    )
    assert set(re.findall(r"^\| `([^`]+)`", section[0], re.MULTILINE)) == set(FILTERS)


@pytest.mark.peer("eventlet")
def test_memory_is_flat_where_few_messages_are_kept(tmp_path: Path) -> None:
    most, few, many, size = 10, 40, 400, 1 << 18
    option = f"ws76_max_messages={most}"
    with (
        serving("eventlet") as server,
        mitmproxying(tmp_path, reversing(server.url), "--set", option) as mitm,
    ):
        with connected(mitm.url) as client:
            client.open(mitm.url, origin=ORIGIN)
            before = 0.0
            for number in range(few + many):
                text = f"{number} ".ljust(size, "x")
                client.send(text)
                assert client.receive() == text
                if number + 1 == few:
                    before = mitm.memory_mib()
            grown = mitm.memory_mib() - before
            client.close()
        flow = the_session(mitm.finish())
    assert_verified(flow)
    assert flow.websocket is not None
    assert len(flow.websocket.messages) == most
    assert told(flow)["messages_let_go"] == 2 * (few + many) - most
    assert "messages were let go" in flow.comment
    kept_by_stock = 2 * many * size / (1 << 20)
    assert grown < kept_by_stock / 10, f"{grown:.0f} MiB more"
