"""The wire alone: every parser whole, byte by byte, cut anywhere, and with data behind it."""
