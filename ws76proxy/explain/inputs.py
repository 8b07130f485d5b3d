"""Files to be explained: recordings and captures session by session, the rest as pasted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, groupby
from pathlib import Path
from typing import NamedTuple

from ws76proxy.errors import RecordingError, UsageError
from ws76proxy.explain.explained import Explained, gather
from ws76proxy.explain.looking import look_at
from ws76proxy.explain.model import Pasted, PastedError
from ws76proxy.explain.pasted import take_apart, take_pair_apart
from ws76proxy.recording import Complain, format_of
from ws76proxy.recording.sources import files_of, read_all

__all__ = ["LARGEST_PASTED", "STANDARD_INPUT", "Input", "explain_inputs", "inputs_of"]

LARGEST_PASTED = 16 << 20
"""How many bytes may have been pasted; recordings and captures have no limit."""
STANDARD_INPUT = Path("-")


class Input(NamedTuple):
    """A file, and whether it is a recording of any format."""

    path: Path
    is_recording: bool

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "standard input" if self.path == STANDARD_INPUT else str(self.path)


def inputs_of(paths: Sequence[Path], complain: Complain) -> list[Input]:
    """The files to read, those in folders of recordings among them."""
    inputs: list[Input] = []
    for path in paths:
        # A pipe, as a shell puts in place of <(xxd FILE), can be read only once.
        if path == STANDARD_INPUT or path.is_fifo():
            inputs.append(Input(path, is_recording=False))
            continue
        for file in files_of([path], complain):
            try:
                format_of(file)
            except RecordingError:
                inputs.append(Input(file, is_recording=False))
            else:
                inputs.append(Input(file, is_recording=True))
    return inputs


def explain_inputs(
    inputs: Sequence[Input],
    complain: Complain,
    progress: Callable[[Path, int], None],
    *,
    secure: bool = False,
    ignored: Collection[str] = (),
) -> Iterator[Explained | str]:
    """The sessions in the files, in order; a text between them is what a recording says of itself.

    Of two pasted files that follow each other, one may have what the client sent, and the other
    what the server sent. `secure`: what was pasted went over TLS. `ignored` are codes of findings
    that are left out. What cannot be read is complained about, and the next file follows.
    """
    numbers = count(1)
    for is_recording, group in groupby(inputs, key=lambda one: one.is_recording):
        if is_recording:
            told = read_all([one.path for one in group], complain, progress)
            yield from gather(told, ignored)
            continue
        for source, pasted in _pasted([*group], complain):
            yield look_at(pasted, source, next(numbers), secure=secure, ignored=ignored)


def _pasted(inputs: list[Input], complain: Complain) -> Iterator[tuple[str, Pasted]]:
    """What was pasted, each handshake with the names of its files."""
    contents: list[tuple[str, bytes]] = []
    for one in inputs:
        try:
            contents.append((one.name, _read(one)))
        except UsageError as error:
            complain(str(error))
    are_two = len(contents) == 2
    while contents:
        name, data = contents.pop(0)
        try:
            if contents:
                other, second = contents[0]
                pair = take_pair_apart(data, second, (name, other), are_all=are_two)
                if pair is not None:
                    del contents[0]
                    yield f"{name} and {other}", pair
                    continue
            yield name, take_apart(data, name)
        except PastedError as error:
            complain(str(error))


def _read(source: Input) -> bytes:
    try:
        if source.path == STANDARD_INPUT:
            data = sys.stdin.buffer.read(LARGEST_PASTED + 1)
        else:
            with source.path.open("rb") as file:
                data = file.read(LARGEST_PASTED + 1)
    except OSError as error:
        raise PastedError(f"{source.name}: {error.strerror}") from None
    if len(data) > LARGEST_PASTED:
        raise PastedError(
            f"{source.name}: expected a recording, a capture, or at most"
            f" {LARGEST_PASTED >> 20} MiB of a pasted handshake, found more of none"
        )
    return data
