"""The standalone relay: the session's machine on real sockets."""

from ws76proxy.relay.options import RelayOptions
from ws76proxy.relay.relay import Relay

__all__ = ["Relay", "RelayOptions"]
