"""What all of these tests share: the ways to cut what a peer sends."""

from __future__ import annotations

import pytest

from .transcript import CUTS, Cut


@pytest.fixture(params=list(CUTS.values()), ids=list(CUTS))
def cut(request: pytest.FixtureRequest) -> Cut:
    """How the peer's bytes are cut."""
    chosen: Cut = request.param
    return chosen
