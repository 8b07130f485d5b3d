"""Real captures of what is said on loopback, by the programs that people take them with."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ws76proxy.recording.capture.files import BrokenFileError, frames
from ws76proxy.recording.capture.packets import FIN, RST, Segment, segment_in

from .process import PATIENCE, STOP_PATIENCE, ProcessError

# What each writes to its standard output, packet by packet: tcpdump pcap, dumpcap pcapng. With the
# buffers that they have of themselves, both lose packets of a burst.
COMMANDS = {
    "tcpdump": ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-B", "65536", "-w", "-"],
    "dumpcap": ["dumpcap", "-i", "lo", "-q", "-B", "64", "-w", "-", "-f"],
}
PROBE_INTERVAL = 0.1


class Capture:
    """What one program has captured of one port so far."""

    def __init__(self, child: subprocess.Popen[bytes], port: int) -> None:
        self._child = child
        self._port = port
        self._content = bytearray()
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def content(self) -> bytes:
        """The capture file, as far as it has been written."""
        with self._changed:
            return bytes(self._content)

    def wait_until_it_runs(self) -> None:
        """Wait until anything at all has been captured."""
        self._probe_until(lambda: any(True for _ in self._frames()), "captures nothing")

    def wait_for_end(self) -> None:
        """Wait until the one connection to the port has been seen to end: FIN of both, or RST."""

        def ended() -> bool:
            segments = [*self._segments()]
            fins = {segment.key for segment in segments if segment.flags & FIN}
            return len(fins) == 2 or any(segment.flags & RST for segment in segments)

        self._probe_until(ended, "has not seen the connection end")

    def _probe_until(self, done: Callable[[], bool], fault: str) -> None:
        """Send datagrams to the port, which nobody reads: a capture shows its last packets only
        when more of them come."""
        deadline = time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, self._changed:
            while not self._changed.wait_for(done, PROBE_INTERVAL):
                if time.monotonic() > deadline or self._child.poll() is not None:
                    raise ProcessError(f"{self._child.args!r} {fault}")
                probe.sendto(b"probe", ("127.0.0.1", self._port))

    def stop(self) -> None:
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(STOP_PATIENCE)
        self._reader.join(STOP_PATIENCE)
        assert self._child.stdout is not None
        self._child.stdout.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        while data := os.read(self._child.stdout.fileno(), 1 << 16):
            with self._changed:
                self._content += data
                self._changed.notify_all()

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        if len(self._content) < 4:
            return
        try:
            for frame in frames(io.BytesIO(self._content), lambda _: None):
                yield frame.link_type, frame.data
        except BrokenFileError:
            # The rest of it is on its way.
            return

    def _segments(self) -> Iterator[Segment]:
        found = (segment_in(*frame) for frame in self._frames())
        return (segment for segment in found if isinstance(segment, Segment))


@contextmanager
def capturing(program: str, port: int) -> Iterator[Capture]:
    """Capture a port of loopback for as long as the context lasts."""
    child = subprocess.Popen(
        [*COMMANDS[program], f"port {port}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    capture = Capture(child, port)
    try:
        capture.wait_until_it_runs()
        yield capture
    finally:
        capture.stop()
