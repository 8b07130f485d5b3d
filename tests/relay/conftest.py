"""Asynchronous tests: each runs on every event loop that there is, and within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest

from .certificates import Authority

LOOPS = [
    "asyncio",
    pytest.param(
        "uvloop",
        marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed"),
    ),
]
# Long enough for a busy machine: nothing that works ever waits for it.
PATIENCE = 60


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from . import talking

    if talking.OUTCOMES:
        terminalreporter.write_sep("-", "all pairs of dialects through a relay: client → server")
        for line in talking.table():
            terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not iscoroutinefunction(metafunc.function):
        return
    if "loop_name" not in metafunc.fixturenames:
        metafunc.fixturenames.append("loop_name")
    marks = metafunc.definition.iter_markers("parametrize")
    if not any(mark.args[0] == "loop_name" for mark in marks):
        metafunc.parametrize("loop_name", LOOPS)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not iscoroutinefunction(pyfuncitem.obj):
        return None
    given = pyfuncitem.funcargs
    work = pyfuncitem.obj(**{name: given[name] for name in pyfuncitem._fixtureinfo.argnames})
    faults: list[dict[str, Any]] = []

    async def bounded() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with asyncio.timeout(PATIENCE):
            await work

    loop_name = str(pyfuncitem.callspec.params["loop_name"])
    with asyncio.Runner(loop_factory=_factory(loop_name)) as runner:
        runner.run(bounded())
    # What a loop would only have logged: an exception in a callback, or in a task left alone.
    assert not faults
    return True


def _factory(name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if name == "asyncio":
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Authority(folder)
