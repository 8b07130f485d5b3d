"""``mitmdump -s addons/ws76.py`` from a checkout; ``ws76proxy addon`` prints the installed one."""

import sys
from pathlib import Path

# mitmproxy puts this folder into the path, and not the one above it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ws76proxy.mitm.script import addons

__all__ = ["addons"]
