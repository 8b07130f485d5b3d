"""Files of scripts: what is taken from them, and what is said of those that cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ws76proxy.editing import load_script, scripts_of
from ws76proxy.errors import UsageError
from ws76proxy.scripting import Message, ScriptFault
from ws76proxy.wire.head import RequestHead

HEAD = RequestHead(b"GET / HTTP/1.1\r\n\r\n")


def write(folder: Path, text: str | bytes, name: str = "script.py") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def shown(path: Path, content: bytes) -> tuple[bytes, list[ScriptFault]]:
    """A message that the script has been shown."""
    faults: list[ScriptFault] = []
    scripts = scripts_of([load_script(path)]).for_session(
        1, "hixie-76", "", HEAD, report=faults.append, wake=lambda: None
    )
    message = Message(scripts.session, "client", 1, content)
    assert scripts.message(message) is None
    return message.content, faults


def test_a_script_s_functions_are_called(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "def on_message(message):\n    message.text = message.text.upper()\n"
        "async def on_close(close):\n    pass\n",
    )
    assert shown(path, b"hello") == (b"HELLO", [])
    script = load_script(path)
    assert script.name == str(path)
    assert (script.on_request, script.on_response) == (None, None)
    assert script.on_close is not None


def test_faults_name_the_file_and_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, "def helper():\n    1 / 0\n\ndef on_message(message):\n    helper()\n")
    content, (fault,) = shown(path, b"x")
    assert content == b"x"
    assert str(fault) == f"{path}:2: on_message: ZeroDivisionError: division by zero"


def test_what_stands_beside_it_can_be_imported_and_nothing_is_left(tmp_path: Path) -> None:
    write(tmp_path, "WORD = b'!'\n", "ws76_helper_beside.py")
    path = write(
        tmp_path,
        "import dataclasses\nimport ws76_helper_beside as h\n"
        "@dataclasses.dataclass\nclass Kept:\n    a: 'int' = 1\n"
        "def on_message(message):\n    message.content += h.WORD\n",
    )
    before = list(sys.path)
    try:
        assert shown(path, b"x") == (b"x!", [])
    finally:
        sys.modules.pop("ws76_helper_beside", None)
    assert sys.path == before
    assert not [one.name for one in (tmp_path / "__pycache__").glob("script*")]


def test_two_scripts_of_the_same_name_are_two(tmp_path: Path) -> None:
    text = "seen = []\ndef on_message(message):\n    seen.append(1)\n"
    one, again = [load_script(write(tmp_path, text)) for _ in range(2)]
    (tmp_path / "other").mkdir()
    other = load_script(write(tmp_path / "other", text))
    assert one.on_message is not None
    assert again.on_message is not None
    assert other.on_message is not None
    assert one.on_message.__globals__ is not other.on_message.__globals__
    assert one.on_message.__globals__ is not again.on_message.__globals__


def test_a_declared_encoding_holds(tmp_path: Path) -> None:
    text = "# coding: latin-1\ndef on_message(message):\n    message.text = 'é'\n"
    assert shown(write(tmp_path, text.encode("latin-1")), b"")[0] == "é".encode()


def test_an_object_that_can_be_called_is_a_function(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "class Adds:\n    def __call__(self, message):\n        message.text += '!'\n"
        "on_message = Adds()\n",
    )
    assert shown(path, b"x") == (b"x!", [])


def test_names_near_one_that_is_there_are_helpers(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "def on_messages(m): pass\ndef on_message(message):\n    on_messages(message)\n",
    )
    assert shown(path, b"x") == (b"x", [])


FAULTS: dict[str, tuple[str | bytes, str, str]] = {
    "syntax": ("x = 1\ndef on_message(m)\n    pass\n", ":2: ", "expected Python"),
    "end": ("def on_message(m):\n    return (\n", ":2: ", "expected Python"),
    "indentation": ("def on_message(m):\nreturn\n", ":2: ", "expected Python"),
    "null": (b"def on_message(m):\n    pass\n\0", "", "null"),
    "encoding": (b"def on_message(m):\n    '\xe9'\n", "", "expected Python"),
    "raises": ("import os\n\nraise ValueError('no\\nway')\n", ":3: ", "ValueError: no way"),
    "raises below": ("def f():\n    1 / 0\nf()\n", ":2: ", "ZeroDivisionError"),
    "raises what has no text": (
        "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Mute\n",
        ":4: ",
        "Mute: (its text cannot be had)",
    ),
    "exits": ("import sys\nsys.exit('bye')\n", ":2: ", "SystemExit: bye"),
    "module": ("import nothing_of_that_name\n", ":1: ", "ModuleNotFoundError"),
    "empty": (
        "",
        ": ",
        "expected one of the functions on_request, on_response, on_message, on_close",
    ),
    "misspelt": ("\ndef on_mesage(m): pass\n", ":2: ", "did you mean on_message?"),
    "misspelt too": (
        "def on_message(m): pass\ndef on_closed(c): pass\n",
        ":2: ",
        "did you mean on_close?",
    ),
    "camel": ("def onMessage(m): pass\n", ":1: ", "did you mean on_message?"),
    "async misspelt": ("async def onrequest(m): pass\n", ":1: ", "did you mean on_request?"),
    "none of them": ("def helper(m): pass\n", ": ", "found none of them"),
    "no arguments": ("\n\ndef on_close(): pass\n", ":3: ", "on_close(close)"),
    "two arguments": ("async def on_request(a, b): pass\n", ":1: ", "found on_request(a, b)"),
    "keyword": ("def on_message(*, message): pass\n", ":1: ", "one argument"),
    "no function": ("on_message = 'text'\n", ": ", "found on_message = 'text'"),
    "generator": ("def on_message(m):\n    yield\n", ":1: ", "without yield"),
    "asynchronous generator": ("async def on_message(m):\n    yield\n", ":1: ", "without yield"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_used_is_said_in_one_line_with_its_place(tmp_path: Path, name: str) -> None:
    text, place, said = FAULTS[name]
    path = write(tmp_path, text)
    modules = set(sys.modules)
    with pytest.raises(UsageError) as raised:
        load_script(path)
    error = str(raised.value)
    assert error.startswith(f"{path}{place}")
    assert said in error
    assert "\n" not in error
    assert not {one for one in set(sys.modules) - modules if one.startswith("_ws76proxy")}


def test_a_helper_that_is_no_python(tmp_path: Path) -> None:
    helper = write(tmp_path, "x =\n", "ws76_helper_broken.py")
    path = write(tmp_path, "\nimport ws76_helper_broken\ndef on_message(m): pass\n")
    with pytest.raises(UsageError) as raised:
        load_script(path)
    assert str(raised.value).startswith(f"{path}:2: ")
    assert f"{helper}:1" in str(raised.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    whys = {"none.py": "No such file", "": "Is a directory", "a\0b": "embedded null"}
    for name, why in whys.items():
        with pytest.raises(UsageError, match=f"cannot be read: {why}"):
            load_script(tmp_path / name)
