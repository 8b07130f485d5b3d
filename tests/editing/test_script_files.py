"""Scripts of users: loaded, or refused with the line that is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from ws76proxy.editing import load_script
from ws76proxy.errors import UsageError


def write(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(text)
    return path


def test_the_functions_of_a_script(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "import dataclasses\n"
        "@dataclasses.dataclass\n"
        "class Seen:\n    count: int = 0\n"
        "seen = Seen()\n"
        "def on_message(message):\n    seen.count += 1\n    return seen.count\n"
        "async def on_close(close):\n    pass\n",
    )
    first, second = load_script(path), load_script(path)
    assert first.name == str(path)
    assert first.on_request is first.on_response is None
    assert first.on_close is not None
    assert first.on_message is not None
    assert second.on_message is not None
    # Each has a module of its own.
    assert [first.on_message(None), first.on_message(None), second.on_message(None)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("def on_message(message):\n    return (\n", 2, "expected Python"),
        ("x = 1\nraise ValueError('not today')\n", 2, "ValueError: not today"),
        ("import no_such_module\n", 1, "ModuleNotFoundError"),
        ("def helper():\n    exit(3)\nhelper()\n", 2, "SystemExit"),
        ("x = 1\ndef on_message():\n    pass\n", 2, "on_message(message)"),
        ("def on_close(close, why):\n    pass\n", 1, "on_close(close)"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, expected: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_script(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def on_mesage(message):\n    pass\n", "did you mean on_message?"),
        ("x = 1\n", "expected one of the functions on_request"),
        ("on_message = 7\n", "found on_message = 7"),
    ],
)
def test_a_script_without_a_function_of_ours(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageError, match=r"script\.py:") as caught:
        load_script(write(tmp_path, text))
    assert expected in str(caught.value)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_script(tmp_path / "none.py")
