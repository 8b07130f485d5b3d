"""Tests of the control API, the editor and the terminal, with a relay that only pretends."""
