"""Tests of replaying, as either side."""
