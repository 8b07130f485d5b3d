"""Hixie sessions inside mitmproxy: the only part that imports it, beside the recordings."""
