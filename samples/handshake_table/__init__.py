"""The sample handshakes as a table: each is a correct one with something changed."""

from __future__ import annotations

from handshake_table.answers import ANSWERS, STATUS
from handshake_table.base import Sample
from handshake_table.browsers import IN_BROWSERS
from handshake_table.digest_bytes import WRONG_BYTES
from handshake_table.digest_parts import WRONG_PARTS
from handshake_table.echoes import ECHOES
from handshake_table.framing import AROUND, UNFINISHED
from handshake_table.requests import KEYS, REQUESTS
from handshake_table.safety import SAFETY
from handshake_table.sessions import FRAMES
from handshake_table.sound import SOUND

__all__ = ["SAMPLES", "Sample"]

SAMPLES: dict[str, Sample] = {
    **SOUND,
    **REQUESTS,
    **KEYS,
    **WRONG_PARTS,
    **WRONG_BYTES,
    **AROUND,
    **STATUS,
    **ANSWERS,
    **IN_BROWSERS,
    **ECHOES,
    **UNFINISHED,
    **FRAMES,
    **SAFETY,
}
