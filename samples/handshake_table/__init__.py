"""The sample handshakes as a table: each is a correct one with something changed."""

from __future__ import annotations

from handshake_table.answers import ANSWERS, STATUS
from handshake_table.base import Sample
from handshake_table.echoes import ECHOES
from handshake_table.requests import KEYS, REQUESTS
from handshake_table.sessions import FRAMES, UNFINISHED
from handshake_table.sound import SOUND

__all__ = ["SAMPLES", "Sample"]

SAMPLES: dict[str, Sample] = {
    **SOUND,
    **REQUESTS,
    **KEYS,
    **STATUS,
    **ANSWERS,
    **ECHOES,
    **UNFINISHED,
    **FRAMES,
}
