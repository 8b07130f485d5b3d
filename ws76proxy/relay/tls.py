"""TLS contexts for both legs, and what went wrong with TLS in words."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

from ws76proxy.errors import UsageError

__all__ = ["explain_listener_failure", "listener_context", "upstream_context"]


def listener_context(certificate: Path, key: Path | None, *, legacy: bool) -> ssl.SSLContext:
    """A context to serve wss; `key` None: it is in the certificate's file. Raises UsageError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename or certificate}: no such file") from None
    except ssl.SSLError as error:
        files = f"{certificate}" if key is None else f"{certificate}, {key}"
        expected = "expected a PEM certificate and its unencrypted PEM key"
        raise UsageError(f"{files}: {expected}; OpenSSL says {_reason(error)}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{certificate}: {error}") from None
    if legacy:
        _allow_old(context)
    return context


def upstream_context(ca_file: Path | None, *, insecure: bool, legacy: bool) -> ssl.SSLContext:
    """A context to speak wss to the server. Raises UsageError."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except FileNotFoundError:
            raise UsageError(f"{ca_file}: no such file") from None
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"{ca_file}: expected PEM certificates of authorities; OpenSSL says {error}"
            ) from None
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if legacy:
        _allow_old(context)
    return context


def explain_listener_failure(error: OSError, seconds: float) -> tuple[str, str]:
    """The finding's code, and what happened, when a client's TLS handshake failed.

    `seconds` is how long it could take.
    """
    reason = getattr(error, "reason", None) or ""
    if reason in ("HTTP_REQUEST", "HTTPS_PROXY_REQUEST"):
        return "plain-on-tls-port", "the client sent an HTTP request without TLS"
    if reason in ("UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW", "NO_SHARED_CIPHER"):
        advice = "an old device: --legacy-tls serves TLS 1.0 and 1.1 and old ciphers"
        return "tls-handshake-failed", f"{_reason(error)}: {advice}"
    if reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "UNEXPECTED_MESSAGE"):
        return "plain-on-tls-port", "the client's first bytes are no TLS record"
    if isinstance(error, ConnectionAbortedError):
        # What both event loops raise when it takes too long.
        detail = f"the client did not finish its TLS handshake within {seconds:g} s"
        return "tls-handshake-failed", detail
    if isinstance(error, ConnectionError):
        return "tls-handshake-failed", "the client closed the connection during the TLS handshake"
    return "tls-handshake-failed", _reason(error)


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).replace("_", " ").lower() if reason else str(error) or repr(error)


def _no_password() -> str:
    # Without this, OpenSSL asks on the terminal, and a service would wait for ever.
    raise ValueError("the key is encrypted; expected one without a password")


def _allow_old(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        # Python deprecates what the user has just asked for.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    # Old, but never anonymous: a cipher without a certificate would defeat every verification.
    context.set_ciphers("ALL:!aNULL:@SECLEVEL=0")
