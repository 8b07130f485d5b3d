"""Asynchronous tests here run as those of the relay: on every event loop, and within a bound."""

from __future__ import annotations

from tests.relay.conftest import authority, pytest_generate_tests, pytest_pyfunc_call

__all__ = ["authority", "pytest_generate_tests", "pytest_pyfunc_call"]
