"""HAR (HTTP Archive 1.2): as browsers and mitmproxy write it, and with all that is ours in it."""

from ws76proxy.recording.har.reading import MAX_FILE, read, recognises
from ws76proxy.recording.har.writing import write

__all__ = ["MAX_FILE", "read", "recognises", "write"]
