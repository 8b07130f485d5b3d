"""The mitmproxy addon: its layers in memory, and mitmdump as a process."""
