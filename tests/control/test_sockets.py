"""The control socket's path: private, never another's, clean afterwards."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ws76proxy.control.sockets import private_socket
from ws76proxy.errors import UsageError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_only_the_owner_may_connect(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "control"
    with private_socket(path):
        assert mode(path) == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        assert os.umask(umask) == umask
    assert not path.exists()


def test_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control"
    modes = []
    bind = socket.socket.bind

    class Looking(socket.socket):
        def bind(self, address: str) -> None:  # type: ignore[override]
            bind(self, address)
            modes.append(mode(path))

    monkeypatch.setattr(socket, "socket", Looking)
    before = os.umask(0)
    try:
        with private_socket(path):
            assert modes == [0o600]
    finally:
        os.umask(before)


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control"
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.is_socket()
    with private_socket(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert mode(path) == 0o600
    assert not path.exists()


def test_what_a_living_process_serves_is_not(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with private_socket(path) as living:
        with pytest.raises(UsageError, match="already"), private_socket(path):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            connection, _ = living.accept()
            connection.close()


def test_nor_one_that_has_too_much_to_do(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(UsageError, match="already"), private_socket(path):
            pass
    assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
def test_nothing_else_is_removed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "control"
    target = tmp_path / "target"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(target)
        if kind == "link":
            target.write_text("precious")
    with pytest.raises(UsageError, match="no socket"), private_socket(path):
        pass
    assert path.is_symlink() or path.exists()
    assert kind != "link" or target.read_text() == "precious"


def test_what_was_put_in_its_place_stays(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with private_socket(path):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


def test_somebody_has_removed_it(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with private_socket(path):
        path.unlink()


def test_it_is_removed_after_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "control"
    with pytest.raises(ZeroDivisionError), private_socket(path):
        raise ZeroDivisionError
    assert not path.exists()


@pytest.mark.parametrize("name", ["missing/control", "x" * 200])
def test_where_no_socket_can_be(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(UsageError, match=r"expected a (path|folder)"),
        private_socket(tmp_path / name),
    ):
        pass


def test_a_folder_that_somebody_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws76proxy.control.sockets._PATIENCE", 0.05)
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match="locked"), private_socket(tmp_path / "control"):
        pass
    os.close(folder)
    with private_socket(tmp_path / "control"):
        pass


def test_one_of_many_that_begin_at_once(tmp_path: Path) -> None:
    path = tmp_path / "control"
    done, go = threading.Event(), threading.Barrier(8)
    served: list[bool] = []

    def begin() -> None:
        go.wait()
        try:
            with private_socket(path):
                served.append(True)
                done.wait(30)
        except UsageError:
            served.append(False)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads[:]:
        thread.join(0.5)
    done.set()
    for thread in threads:
        thread.join()
    assert sorted(served) == [False] * 7 + [True]
