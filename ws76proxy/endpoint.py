"""Where a WebSocket is: scheme, host and port, read from what a user types."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ws76proxy.errors import UsageError

__all__ = ["Endpoint", "in_text", "parse_address", "parse_upstream", "parse_url"]


class Endpoint(NamedTuple):
    """A host and port, and whether TLS is spoken there. An IPv6 host is without brackets."""

    secure: bool
    host: str
    port: int

    @property
    def scheme(self) -> str:
        """``ws`` or ``wss``."""
        return "wss" if self.secure else "ws"

    @property
    def authority(self) -> str:
        """What a Host field says: the port is left out where it is the scheme's default."""
        if self.port == (443 if self.secure else 80):
            return _bracketed(self.host)
        return in_text(self.host, self.port)

    @property
    def web_origin(self) -> str:
        """The origin of a page that is served there."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"

    def __str__(self) -> str:
        return f"{self.scheme}://{in_text(self.host, self.port)}"


def in_text(host: str, port: int) -> str:
    """``host:port``, where an IPv6 host stands in brackets: what `parse_address` reads."""
    return f"{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def parse_upstream(text: str) -> Endpoint:
    """Read ``ws://host[:port][/]`` or ``wss://…``; raises UsageError."""
    expected = "expected ws://HOST[:PORT] or wss://HOST[:PORT]"
    endpoint, url = _parse(text, expected)
    if url.path not in ("", "/") or url.query or url.fragment:
        path = text.split("://", 1)[1].removeprefix(url.netloc)
        raise UsageError(f"{text!r}: found the path {path!r}, but the client's is used; {expected}")
    return endpoint


def parse_url(text: str) -> tuple[Endpoint, str]:
    """Read ``ws://host[:port][/path][?query]`` or ``wss://…``: where it is, and the resource name.

    The resource name is path and query as they are written. Raises UsageError.
    """
    expected = "expected ws://HOST[:PORT][/PATH] or wss://HOST[:PORT][/PATH]"
    endpoint, url = _parse(text, expected)
    if "#" in text:
        raise UsageError(f"{text!r}: found a fragment, which a WebSocket cannot have; {expected}")
    path = text.split("://", 1)[1].removeprefix(url.netloc)
    if not (path.isascii() and path.isprintable()):
        raise UsageError(
            f"{text!r}: found characters outside printable ASCII; {expected}, percent-encoded"
        )
    return endpoint, path if path.startswith("/") else f"/{path}"


def _parse(text: str, expected: str) -> tuple[Endpoint, SplitResult]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}; {expected}") from None
    if url.scheme not in ("ws", "wss"):
        found = f"the scheme {url.scheme!r}" if "://" in text else "no scheme"
        raise UsageError(f"{text!r}: found {found}; {expected}")
    if any(character.isspace() for character in text):
        raise UsageError(f"{text!r}: found a space; {expected}")
    if not url.hostname:
        raise UsageError(f"{text!r}: found no host; {expected}")
    if url.username is not None or url.password is not None:
        raise UsageError(f"{text!r}: found user information; {expected}")
    if port == 0:
        raise UsageError(f"{text!r}: found port 0; {expected}")
    secure = url.scheme == "wss"
    return Endpoint(secure, url.hostname, port or (443 if secure else 80)), url


def parse_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` (``[::1]:8076`` for IPv6; an empty host is every address).

    Raises UsageError.
    """
    host, colon, port = text.rpartition(":")
    expected = "expected HOST:PORT, such as 127.0.0.1:8076 or [::1]:8076"
    if not colon or text.endswith("]"):
        raise UsageError(f"{text!r}: found no port; {expected}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise UsageError(f"{text!r}: an IPv6 address needs brackets; {expected}")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(f"{text!r}: found the port {port!r}; {expected}, port 0 to 65535")
    return host, int(port)
