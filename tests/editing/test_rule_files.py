"""Rule files: put together, read anew when they change, kept where they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from ws76proxy.editing import RuleFiles
from ws76proxy.errors import UsageError
from ws76proxy.rules import parse_rewrite
from ws76proxy.wire import RequestHead

REQUEST = RequestHead(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")


class Heard:
    """What was said of changes."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bool]] = []

    def __call__(self, text: str, *, is_fault: bool) -> None:
        self.said.append((text, is_fault))


def puts(text: str, name: str = "a rule") -> str:
    return f'[[message]]\nname = "{name}"\ndo = [{{ action = "set-text", text = "{text}" }}]\n'


def said(files: RuleFiles) -> bytes:
    """What the rules in force make of a message."""
    rules = files.current.for_session(1, "hixie-76", REQUEST)
    decision = rules.message("client", b"said", 1, 0.0)
    return b"said" if decision is None else decision.content


def test_a_change_is_read_and_told(tmp_path: Path) -> None:
    path, heard = tmp_path / "rules.toml", Heard()
    path.write_text(puts("one"))
    files = RuleFiles([path])
    assert said(files) == b"one"
    files.look(heard)
    assert heard.said == []
    # As many bytes, and perhaps at the same time by the file system's clock.
    path.write_text(puts("two"))
    files.look(heard)
    assert said(files) == b"two"
    assert heard.said == [(f"{path}: 1 rule in force", False)]


def test_a_bad_change_keeps_the_rules_and_names_the_place(tmp_path: Path) -> None:
    path, heard = tmp_path / "rules.toml", Heard()
    path.write_text(puts("one"))
    files = RuleFiles([path])
    before = files.current
    path.write_text(puts("two").replace("set-text", "set-txet"))
    files.look(heard)
    files.look(heard)
    ((text, is_fault),) = heard.said
    assert is_fault
    assert text.startswith(f"{path}:3:")
    assert "set-text" in text
    assert files.current is before
    path.write_text(puts("three"))
    files.look(heard)
    assert said(files) == b"three"


def test_a_file_that_is_gone_keeps_its_rules_until_it_is_back(tmp_path: Path) -> None:
    path, heard = tmp_path / "rules.toml", Heard()
    path.write_text(puts("one"))
    files = RuleFiles([path])
    path.unlink()
    files.look(heard)
    assert said(files) == b"one"
    assert [is_fault for _, is_fault in heard.said] == [True]
    # As editors do: beside it first, then in its place.
    (tmp_path / "new").write_text(puts("two"))
    (tmp_path / "new").replace(path)
    files.look(heard)
    assert said(files) == b"two"


def test_several_files_and_what_stands_behind_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(puts("one", "first"))
    second.write_text(puts("two", "second"))
    files = RuleFiles([first, second], behind=[parse_rewrite("/w/W")])
    assert said(files) == b"tWo"


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(puts("one"))
    second.write_text(puts("two"))
    with pytest.raises(UsageError, match=r"second\.toml.*first\.toml"):
        RuleFiles([first, second])


def test_files_that_rules_name_are_beside_them(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("from a file")
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[message]]\nname = "says"\ndo = [{ action = "inject", to = "client", file = "said.txt" }]'
    )
    rules = RuleFiles([path]).current.for_session(1, "hixie-76", REQUEST)
    decision = rules.message("client", b"said", 1, 0.0)
    assert decision is not None
    assert [one.content for one in decision.injections] == [b"from a file"]


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "rules.toml"
    if kind == "folder":
        path.mkdir()
    with pytest.raises(UsageError, match=r"rules\.toml: cannot be read: "):
        RuleFiles([path])
