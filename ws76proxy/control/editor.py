"""A message in the user's own editor, in a file that is private and does not stay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import tempfile
from pathlib import Path

from ws76proxy.errors import Ws76Error
from ws76proxy.words import in_words

__all__ = ["MOST_EDITED", "EditorError", "edit"]

MOST_EDITED = 64 * 1024 * 1024
"""How large, in bytes, what an editor leaves may be."""

# For an editor that is told to end because the program ends.
_PATIENCE = 3.0
_PREFIX = "ws76proxy-edit-"


class EditorError(Ws76Error):
    """Nothing is to change, and the text says why."""


async def edit(content: bytes, name: str) -> bytes:
    """What the user makes of the content in `$VISUAL`, `$EDITOR` or vi, on this terminal.

    `name` is what the file is called, without its ending. Editors end a file with a newline: one is
    taken away where the content had none. Raises EditorError where the editor fails, or leaves
    nothing. When this is cancelled the editor is ended.
    """
    command = _command()
    ending = ".json" if content[:1] in (b"{", b"[") else ".txt"
    # A folder: what editors put beside a file (swap files, former versions) goes with it.
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
        path = Path(folder, f"{name}{ending}")
        await asyncio.to_thread(_write, path, content)
        await _run([*command, str(path)])
        edited = await asyncio.to_thread(_read, path)
    if not edited:
        raise EditorError("the editor left an empty file")
    if not content.endswith(b"\n") and edited.endswith(b"\n"):
        ends_like_dos = edited.endswith(b"\r\n") and b"\r\n" in content
        edited = edited[: -2 if ends_like_dos else -1]
    return edited


def _command() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        text = os.environ.get(variable, "").strip()
        if not text:
            continue
        try:
            return shlex.split(text)
        except ValueError as error:
            raise EditorError(f"{variable}: found {text!r} ({error}); expected a command") from None
    return ["vi"]


def _write(path: Path, content: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(content)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            edited = file.read(MOST_EDITED + 1)
    except OSError as error:
        raise EditorError(f"the editor left no file: {in_words(error)}") from None
    if len(edited) > MOST_EDITED:
        raise EditorError(f"the editor left more than {MOST_EDITED:,} bytes")
    return edited


async def _run(command: list[str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        raise EditorError(f"cannot run {command[0]!r}: {in_words(error)}") from None
    try:
        status = await process.wait()
    except asyncio.CancelledError:
        await _end(process)
        raise
    if status:
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise EditorError(f"the editor {command[0]!r} ended with {how}")


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
            return
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
