"""The table of what was tried between peers of both times, printed at the end of a run."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from tests.interop.bridging import table

    if table.OUTCOMES:
        terminalreporter.write_sep("-", "bridged sessions of real peers")
        for line in table.lines():
            terminalreporter.write_line(line)
