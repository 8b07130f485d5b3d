"""What an editor makes of a message, and what it can do wrong."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from tests.relay.harness import turn_until
from ws76proxy.control.editor import EditorError, edit


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    return Editor(tmp_path, monkeypatch)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


class Editor:
    """A script as the user's editor."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.seen = folder / "seen"
        self._monkeypatch = monkeypatch

    def does(self, script: str) -> None:
        """The editor runs this; `$1` is the file, `$SEEN` one for the test."""
        path = self.folder / "an editor"
        path.write_text(f"#!/bin/sh\nSEEN='{self.seen}'\n{script}\n")
        path.chmod(0o755)
        self._monkeypatch.setenv("EDITOR", f"'{path}'")

    @property
    def left(self) -> list[Path]:
        """What is left in the folder for temporary files."""
        return [*(self.folder / "temporary").iterdir()]


async def test_the_file_becomes_the_content(editor: Editor) -> None:
    editor.does('cp "$1" "$SEEN"; printf changed > "$1"')
    content = bytes(range(256))
    assert await edit(content, "1.1") == b"changed"
    assert editor.seen.read_bytes() == content
    assert editor.left == []


async def test_nobody_else_can_read_it(editor: Editor) -> None:
    editor.does('echo "$1" > "$SEEN"; while test -e "$SEEN"; do sleep 0.01; done')
    before = os.umask(0)
    try:
        task = asyncio.create_task(edit(b"secret", "3.17"))
        await turn_until(lambda: editor.seen.exists() and editor.seen.read_text().endswith("\n"))
        path = Path(editor.seen.read_text().rstrip("\n"))
        assert path.name == "3.17.txt"
        assert mode(path) == 0o600
        assert mode(path.parent) == 0o700
        editor.seen.unlink()
        assert await task == b"secret"
    finally:
        os.umask(before)
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b'{"a": 1}', b"[1]"])
async def test_json_is_named_so(editor: Editor, content: bytes) -> None:
    editor.does('echo "$1" > "$SEEN"')
    await edit(content, "1.1")
    assert editor.seen.read_text().rstrip("\n").endswith("/1.1.json")


@pytest.mark.parametrize(
    ("content", "left", "edited"),
    [
        (b"one", b"two\n", b"two"),
        (b"one", b"two", b"two"),
        (b"one", b"two\n\n", b"two\n"),
        (b"one\n", b"two\n", b"two\n"),
        (b"one\n", b"two", b"two"),
        (b"", b"two\n", b"two"),
        (b"one\r\nand", b"two\r\nand\r\n", b"two\r\nand"),
        (b"one", b"two\r\n", b"two\r"),
        (b"one", b"\n", b""),
    ],
)
async def test_the_newline_that_editors_add(
    editor: Editor, content: bytes, left: bytes, edited: bytes
) -> None:
    editor.seen.write_bytes(left)
    editor.does('cp "$SEEN" "$1"')
    assert await edit(content, "1.1") == edited


async def test_an_editor_that_replaces_the_file_and_leaves_others(editor: Editor) -> None:
    editor.does('cd "$(dirname "$1")"; echo new > new; cp "$1" "$1~"; touch .swap; mv new "$1"')
    assert await edit(b"old", "1.1") == b"new"
    assert editor.left == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (': > "$1"', "empty"),
        ('rm "$1"', "no file"),
        ('rm "$1"; mkdir "$1"', "no file"),
        ('echo new > "$1"; exit 3', "exit status 3"),
        ('echo new > "$1"; kill -9 $$', "signal 9"),
    ],
)
async def test_what_goes_wrong(editor: Editor, script: str, why: str) -> None:
    editor.does(script)
    with pytest.raises(EditorError, match=why):
        await edit(b"old", "1.1")
    assert editor.left == []


@pytest.mark.parametrize(
    ("variable", "why"), [("/no/such/editor", "cannot run"), ("'", "expected a command")]
)
async def test_no_editor(
    editor: Editor, monkeypatch: pytest.MonkeyPatch, variable: str, why: str
) -> None:
    monkeypatch.setenv("EDITOR", variable)
    with pytest.raises(EditorError, match=why):
        await edit(b"old", "1.1")
    assert editor.left == []


async def test_what_is_too_large(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ws76proxy.control.editor.MOST_EDITED", 3)
    editor.does('printf four > "$1"')
    with pytest.raises(EditorError, match="more than 3"):
        await edit(b"old", "1.1")


async def test_visual_comes_first(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    editor.does("exit 1")
    monkeypatch.setenv("VISUAL", "sh -c 'printf visual > \"$1\"' sh")
    assert await edit(b"old", "1.1") == b"visual"


@pytest.mark.parametrize("trap", ["", "trap '' TERM"])
async def test_the_end_of_the_relay_ends_the_editor(
    editor: Editor, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr("ws76proxy.control.editor._PATIENCE", 0.1)
    editor.does(f'{trap}\necho $$ > "$SEEN"; while :; do sleep 0.01; done')
    task = asyncio.create_task(edit(b"old", "1.1"))
    await turn_until(lambda: editor.seen.exists() and editor.seen.read_text().endswith("\n"))
    process = int(editor.seen.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert editor.left == []
