"""One port for several processes: found out, checked, and kept until they all have gone."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

__all__ = ["reserve_port"]

_ATTEMPTS = 20


def reserve_port(host: str, port: int) -> list[socket.socket]:
    """Sockets that hold a port on each address of a host, without listening; 0: any free one.

    Processes of the same user may listen there with SO_REUSEPORT. An empty host is every address.
    Raises OSError, also where somebody listens on the port already: SO_REUSEPORT alone would share
    it with another relay.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _reserve(host, port)
        except OSError as error:
            # Of port 0, what is free on one address need not be on the next.
            if port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _reserve(host: str, port: int) -> list[socket.socket]:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as stack:
        held: list[socket.socket] = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                probe = socket.socket(family, kind, protocol)
            except OSError:
                # As asyncio does: a system without IPv6 may still have names with such addresses.
                continue
            with probe:
                where = (address[0], port, *address[2:])
                _bind(probe, where)
                where = probe.getsockname()
            port = where[1]
            one = stack.enter_context(socket.socket(family, kind, protocol))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _bind(one, where)
            held.append(one)
        if not held:
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        stack.pop_all()
        return held


def _bind(one: socket.socket, where: tuple[object, ...]) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if one.family is socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind(where)
