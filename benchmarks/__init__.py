"""Measures the relay beside other relays, with a load generator that verifies every byte."""
