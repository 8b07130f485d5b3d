"""Tests: the folders mirror the package; interop has the real peers."""
