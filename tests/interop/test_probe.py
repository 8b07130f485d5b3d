"""The probe against the real servers: today's verdicts are those of the reports that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.probe.kept import kept_verdicts

from .cases import servers
from .peer import PeerName, Server
from .probing import SERVERS, probed, supervised


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The echo server of a peer, started again whenever it ends."""
    with supervised(cast("PeerName", request.param)) as running:
        yield running


@servers(*SERVERS)
def test_verdicts_are_those_of_the_kept_report(server: Server) -> None:
    report = probed(server)
    verdicts = {result.case.name: result.verdict for result in report.results}
    assert verdicts == kept_verdicts(server.name)
