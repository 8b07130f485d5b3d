"""The command line: what it accepts, refuses and prints."""
