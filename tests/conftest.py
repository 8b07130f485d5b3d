"""Options of the whole suite, and how it looks for counterexamples."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Here, and not in their own folder: other folders' tests use them, and come first.
pytest.register_assert_rewrite("tests.session.owner", "tests.session.playbook")

# No example fails for being slow: a busy machine is no fault. In CI the same examples each time: a
# red run there says something about the change, and not about luck. New counterexamples are looked
# for everywhere else.
settings.register_profile("everywhere", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "everywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-peers",
        action="store_true",
        help="fail, instead of skipping, where a program that a test talks to is missing",
    )
