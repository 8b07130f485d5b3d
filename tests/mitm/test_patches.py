"""What is changed in mitmproxy is checked first, and put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.net.http import http1
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers import websocket
from mitmproxy.tools.web import app

from tests.mitm.memory import stock_options
from ws76proxy.mitm import patches, selftest
from ws76proxy.mitm.patches import PATCHES, UnknownMitmproxyError
from ws76proxy.mitm.web import with_replay_button


def _now() -> list[Any]:
    return [vars(patch.owner)[patch.name] for patch in PATCHES]


def test_everything_is_put_back() -> None:
    before = _now()
    patches.install()
    assert all(one is not other for one, other in zip(before, _now(), strict=True))
    patches.install()
    patches.uninstall()
    assert all(one is other for one, other in zip(before, _now(), strict=True))
    patches.uninstall()


def test_the_session_in_memory(patched: None) -> None:
    selftest.run(stock_options())


def test_the_session_in_memory_fails_without_the_changes() -> None:
    with pytest.raises(UnknownMitmproxyError, match="in a handshake in memory"):
        selftest.run(stock_options())


@pytest.mark.parametrize("patch", PATCHES, ids=str)
def test_each_change_is_needed_or_at_least_checked(
    patch: patches.Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(patch.owner, patch.name)
    before = [vars(one.owner).get(one.name) for one in PATCHES]
    with pytest.raises(UnknownMitmproxyError, match=f"there is no .*{patch.name}"):
        patches.install()
    assert [vars(one.owner).get(one.name) for one in PATCHES] == before


def test_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def send(self: object, event: object, more: object) -> None: ...

    monkeypatch.setattr("mitmproxy.proxy.layers.http._http1.Http1Client.send", send)
    with pytest.raises(UnknownMitmproxyError, match=r"takes \(self, event, more\) instead of"):
        patches.check()


@pytest.mark.parametrize(
    ("owner", "name", "stand_in"),
    [
        (http1, "expected_http_body_size", lambda request, response=None: 0),
        (http_layers.HttpStream, "flow_done", lambda self: iter(())),
    ],
)
def test_another_behaviour_is_refused(
    owner: Any,
    name: str,
    stand_in: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    patched: None,
) -> None:
    monkeypatch.setattr(owner, name, stand_in)
    with pytest.raises(UnknownMitmproxyError, match=r"mitmproxy \d+\.\d+"):
        selftest.run(stock_options())


def test_the_layer_still_looks_like_its_own_kind(patched: None) -> None:
    stock: Any = next(
        value for patch, value in patches._stock.items() if patch.name == "WebsocketLayer"
    )
    now: Any = websocket.WebsocketLayer
    assert now is not stock
    assert now.__name__ == "WebsocketLayer"
    assert issubclass(stock, now)
    assert isinstance(stock.__new__(stock), now)


def test_the_page_of_mitmweb_has_one_replay_button() -> None:
    folder = Path(app.__file__).parent / "static"
    scripts = [path.read_text(encoding="utf-8") for path in folder.glob("*.js")]
    changed = [text for text in map(with_replay_button, scripts) if text is not None]
    assert len(changed) == 1
    assert with_replay_button(changed[0]) is None
