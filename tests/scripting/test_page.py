"""The examples of the page on scripts do what they say."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.scripting.stage import REQUEST
from ws76proxy.editing import load_script, scripts_of
from ws76proxy.errors import UsageError
from ws76proxy.scripting import Close, Message, Request, ScriptFault, SessionScripts
from ws76proxy.scripting.deeds import Side
from ws76proxy.wire.head import RequestHead

PAGE = (Path(__file__).parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n(?=# (\w+\.py))(.*?)```", PAGE, re.DOTALL))


class Example:
    """A session with one script of the page."""

    def __init__(self, name: str, folder: Path) -> None:
        path = folder / name
        path.write_text(EXAMPLES[name], encoding="utf-8")
        self.faults: list[ScriptFault] = []
        self.woken = asyncio.Event()
        self.scripts: SessionScripts = scripts_of([load_script(path)]).for_session(
            1, "hixie-76", "", REQUEST, report=self.faults.append, wake=self.woken.set
        )

    def message(self, side: Side, text: str) -> Message:
        message = Message(self.scripts.session, side, 1, text.encode())
        assert self.scripts.message(message) is None
        return message


def test_prices(tmp_path: Path) -> None:
    example = Example("prices.py", tmp_path)
    assert (
        example.message("server", '{"name":"tea","price":30}').text == '{"name":"tea","price":3.0}'
    )
    assert example.message("server", '{ "name": "tea" }').text == '{ "name": "tea" }'
    assert example.message("client", "ping").dropped
    assert not example.message("client", "buy").dropped
    assert example.faults == []


def test_what_goes_wrong_in_prices_is_told_as_the_page_says(tmp_path: Path) -> None:
    example = Example("prices.py", tmp_path)
    assert example.message("server", '{"price":"30"}').text == '{"price":"30"}'
    (fault,) = example.faults
    misspelt = tmp_path / "misspelt" / "prices.py"
    misspelt.parent.mkdir()
    misspelt.write_text(EXAMPLES["prices.py"].replace("on_message", "on_mesage"))
    with pytest.raises(UsageError) as caught:
        load_script(misspelt)
    for text, path in ((f"script {fault}", tmp_path), (str(caught.value), misspelt.parent)):
        assert f"\n```\n{text.replace(f'{path}/', '')}\n```\n" in PAGE


def test_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", quick)

    async def run() -> None:
        example = Example("slowly.py", tmp_path)
        scripts = example.scripts
        for side in ("client", "client", "server"):
            waiting = scripts.message(Message(scripts.session, side, 1, b"x"))
            assert waiting is not None
            await waiting
        await example.woken.wait()
        assert [deed[:3] for deed in scripts.take_deeds()] == [
            (str(tmp_path / "slowly.py"), "client", b"still there?")
        ]
        assert sorted(waited)[:2] == [0.5, 2]
        assert example.faults == []

    asyncio.run(run())


def test_doorkeeper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = Example("doorkeeper.py", tmp_path)
    scripts = example.scripts
    shop = Request(scripts.session, RequestHead(b"GET /shop/1 HTTP/1.1\r\n\r\n"))
    assert scripts.request(shop) is None
    assert shop.answered is not None
    assert b"\r\nRetry-After: 3600\r\n" in shop.answered.data
    chat = Request(scripts.session, REQUEST)
    assert scripts.request(chat) is None
    assert chat.headers["origin"] == "http://shop.example"
    assert "cookie" not in chat.headers
    example.message("client", "one")
    example.message("server", "two")
    assert scripts.close(Close(scripts.session, "server", "reset")) is None
    assert capsys.readouterr().out == "session 1: 2 messages, ended by the server\n"
    assert example.faults == []


def test_every_example_is_tried() -> None:
    tried = {name.removeprefix("test_") + ".py" for name in globals() if name.startswith("test_")}
    assert set(EXAMPLES) <= tried
    assert len(EXAMPLES) == 3
