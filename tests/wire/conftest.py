"""What all of these tests share: the ways to cut what a peer sends."""

from __future__ import annotations

import pytest
from hypothesis import settings

from .transcript import CUTS, Cut

# No example fails for being slow: a busy machine is no fault.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(params=list(CUTS.values()), ids=list(CUTS))
def cut(request: pytest.FixtureRequest) -> Cut:
    """How the peer's bytes are cut."""
    chosen: Cut = request.param
    return chosen
