"""Which hosts belong together, and which addresses are nobody's but one's own."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire.head import Head

__all__ = ["host_in", "is_known_to_all", "is_loopback", "is_private", "passed_through", "same_site"]

# Names that no registry gives to anybody (RFC 2606, RFC 6761, RFC 6762, RFC 8375, ICANN 2024).
_NOBODYS = frozenset({"test", "example", "invalid", "localhost", "local", "internal", "arpa"})
# The usual second levels below a country, under which the names are the third.
_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "ne", "net", "or", "org"})
_LONGEST_ADDRESS = 64
_FORWARDERS = (b"via", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")


def host_in(address: bytes) -> str:
    """The host of ``host``, ``host:port`` or ``scheme://host:port``, in lower case.

    An IPv6 address is without brackets; empty where there is no host.
    """
    _, separator, rest = address.partition(b"://")
    authority = (rest if separator else address).split(b"/", 1)[0].strip(b" \t")
    if authority.startswith(b"["):
        host = authority[1:].partition(b"]")[0]
    else:
        host = authority.partition(b":")[0]
    return host.decode("latin-1").lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_private(host: str) -> bool:
    """Whether a host is an address of a network of one's own, or of this machine itself."""
    address = _address(host)
    return address is not None and address.is_private and not address.is_unspecified


def is_known_to_all(host: str) -> bool:
    """Whether a host is a name that a registry may have given to somebody."""
    labels = host.split(".")
    is_name = _address(host) is None and len(labels) > 1
    return is_name and labels[-1] not in _NOBODYS and labels[-2] != "example"


def same_site(one: str, other: str) -> bool:
    """Whether two hosts are likely to be in one hand: they have their registered name in common.

    What a registry counts as a name is guessed at from its usual forms.
    """
    if one == other or (is_loopback(one) and is_loopback(other)):
        return True
    if _address(one) is not None or _address(other) is not None:
        return False
    return _registered(one) == _registered(other)


def passed_through(head: Head) -> str:
    """A clause that names a proxy by the field that it has left in a head; empty without one."""
    for name in _FORWARDERS:
        field = head.get(name)
        if field is not None:
            return f" ({quoted(field.raw.strip())} is in the head: a proxy was on the way)"
    return ""


def _registered(host: str) -> str:
    labels = host.split(".")
    below_country = len(labels[-1]) == 2 and labels[-2:-1] and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3 if below_country else -2 :])


def _address(host: str) -> IPv4Address | IPv6Address | None:
    return _read_address(host) if len(host) <= _LONGEST_ADDRESS else None


# The same few hosts come in each handshake.
@lru_cache(maxsize=256)
def _read_address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
