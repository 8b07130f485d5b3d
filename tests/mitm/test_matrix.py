"""The matrix of cases against a running mitmdump; the run prints it as a table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mitm.matrix import CASES, OUTCOMES, Case
from tests.mitm.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """What all cases share."""
    with World(tmp_path_factory.mktemp("mitm")) as one:
        yield one


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(world: World, case: Case) -> None:
    OUTCOMES[case.name] = "FAILED"
    case.deed(world, case.mode, f"{case.mode}-{CASES.index(case)}.")
    assert world.plain.faults == []
    assert world.secure.faults == []
    world.mitm(case.mode).check_log()
    OUTCOMES[case.name] = "pass" if case.expected == "pass" else "refused"
