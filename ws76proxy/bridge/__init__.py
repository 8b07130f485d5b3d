"""Handshakes, messages and closings of one dialect as those of another, for all pairs; pure."""

from ws76proxy.bridge.closing import Ended, Farewell, farewell
from ws76proxy.bridge.messages import Carried, Carrier
from ws76proxy.bridge.model import DIALECTS, Binary, BridgeOptions, Change
from ws76proxy.bridge.refusals import (
    Refusal,
    lacks_dialect,
    refuse_client,
    refuse_dialect,
    speaks_another,
)
from ws76proxy.bridge.requests import BridgedRequest, translate_request
from ws76proxy.bridge.responses import BridgedResponse, translate_response

__all__ = [
    "DIALECTS",
    "Binary",
    "BridgeOptions",
    "BridgedRequest",
    "BridgedResponse",
    "Carried",
    "Carrier",
    "Change",
    "Ended",
    "Farewell",
    "Refusal",
    "farewell",
    "lacks_dialect",
    "refuse_client",
    "refuse_dialect",
    "speaks_another",
    "translate_request",
    "translate_response",
]
