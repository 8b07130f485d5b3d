"""The suite's cases through a relay that speaks hixie on the other side; the table says which."""

from __future__ import annotations

import asyncio
import os

import pytest

from .cases import missing
from .relayed import EXPLAINED, Outcome, outcomes, representative, select


@pytest.fixture(scope="module")
def played() -> list[Outcome]:
    """What came of all that is played in a run of the tests, in both roles."""
    why = missing()
    if why is not None:
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    return asyncio.run(outcomes(representative()))


def test_each_outcome_is_what_the_page_says(played: list[Outcome]) -> None:
    assert [outcome for outcome in played if not outcome.is_as_expected] == []
    assert {role for role, _ in played} == {"server", "client"}
    assert len(played) > 550


def test_all_that_the_page_explains_was_played(played: list[Outcome]) -> None:
    assert EXPLAINED.keys() <= {outcome.verdict.case for outcome in played}


def test_a_relay_that_does_otherwise_is_found_out() -> None:
    if missing() is not None:
        pytest.skip("no cases")
    found = asyncio.run(outcomes(select(["1.2.2"]), ["server"], binary="refuse"))
    assert [outcome.is_as_expected for outcome in found] == [False]
