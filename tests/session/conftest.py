"""Failing assertions of the helpers say what they compared, too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.session.owner", "tests.session.playbook")
