"""A Unix socket that only its owner can open, at a path that nobody else serves."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from ws76proxy.errors import UsageError
from ws76proxy.words import in_words

__all__ = ["private_socket"]

_MODE = 0o600
_BACKLOG = 64
# For another process that is about to do the same.
_PATIENCE = 5.0


@contextlib.contextmanager
def private_socket(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at a path, with mode 0600 from its first moment; removed at the end.

    What a process that is gone has left there is replaced. Raises UsageError where a living one
    serves it, where something else than a socket is, or where no socket can be made.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # The mode that a socket has before it gets its name is the one that Linux gives the name,
        # less the umask, which belongs to all threads of the process and is left alone.
        os.fchmod(listener.fileno(), _MODE)
        with _alone(path.parent):
            _bind(listener, path)
            listener.listen(_BACKLOG)
        ours = _identity(path)
        try:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if mode != _MODE:
                raise UsageError(
                    f"{path}: found a system that makes sockets with mode {mode:04o};"
                    f" expected {_MODE:04o}"
                )
            listener.setblocking(False)
            yield listener
        finally:
            # Whoever has put something else there keeps it.
            if ours is not None and _identity(path) == ours:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other relay makes a socket in this folder meanwhile.

    What is bound and does not listen yet looks like what a dead process has left.
    """
    try:
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"{folder}: {in_words(error)}; expected a folder in which a socket can be made"
        ) from None
    try:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise UsageError(
                        f"{folder}: found a folder that another process has locked for"
                        f" {_PATIENCE:g} s; expected one in which a socket can be made"
                    ) from None
                time.sleep(0.01)
            except OSError:
                # A file system that knows no locks.
                break
        yield
    finally:
        os.close(number)


def _bind(listener: socket.socket, path: Path) -> None:
    try:
        try:
            listener.bind(os.fspath(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _clear(path)
            listener.bind(os.fspath(path))
    except OSError as error:
        raise UsageError(
            f"{path}: {in_words(error)}; expected a path at which a socket can be made"
        ) from None


def _clear(path: Path) -> None:
    """Remove a socket that nobody serves any more."""
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        raise UsageError(f"{path}: found something that is no socket; expected a free path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except BlockingIOError:
            # There is somebody who has too much to do.
            pass
    raise UsageError(
        f"{path}: found a process that serves it already; expected a path of its own for each"
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
