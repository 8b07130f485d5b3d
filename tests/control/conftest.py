"""Asynchronous tests run as those of the relay do."""

from __future__ import annotations

from tests.relay.conftest import pytest_generate_tests, pytest_pyfunc_call

__all__ = ["pytest_generate_tests", "pytest_pyfunc_call"]
