"""Fixtures of the interop tests, and the rule for a peer that is not installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import serving_pages
from .peer import Server, missing, serving
from .tls import Certificate, make_certificate


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "peer(*names): needs these implementations from outside of the project; skipped when "
        "one is not installed, unless CI is set or --require-peers is given: then an error",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = bool(os.environ.get("CI")) or bool(
        item.config.getoption("--require-peers", default=False)
    )
    for mark in item.iter_markers("peer"):
        for name in mark.args:
            reason = missing(name)
            if reason is None:
                continue
            if required:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


@pytest.fixture(scope="session")
def pages() -> Iterator[str]:
    """The origin of the pages that the browser opens."""
    with serving_pages() as origin:
        yield origin


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The echo server of the peer that the test is parametrized with."""
    with serving(request.param) as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1 that nobody else trusts."""
    folder: Path = tmp_path_factory.mktemp("tls")
    return make_certificate(folder)
