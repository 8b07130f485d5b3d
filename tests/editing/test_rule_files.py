"""Rule files, put together and read anew: new rules or the old ones, and never anything else."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ws76proxy.editing import RuleFiles
from ws76proxy.errors import UsageError
from ws76proxy.rules import RuleSet, parse_rewrite
from ws76proxy.rules.decisions import MessageDecision
from ws76proxy.wire import RequestHead

REQUEST = RequestHead(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")


def rules(*names: str) -> str:
    return "".join(
        f'[[message]]\nname = "{name}"\ndo = [{{ action = "mark", text = "{name}" }}]\n'
        for name in names
    )


def names(of: RuleSet) -> list[str]:
    return [rule.name for rule in of.messages]


def decided(files: RuleFiles) -> MessageDecision:
    """What the rules in force make of a message."""
    decision = files.current.for_session(1, "hixie-76", REQUEST).message("client", b"said", 1, 0.0)
    assert decision is not None
    return decision


def replace(path: Path, text: str | bytes) -> None:
    """As an editor saves: another file takes its place."""
    beside = path.with_name(path.name + "~")
    beside.write_bytes(text if isinstance(text, bytes) else text.encode())
    beside.replace(path)


class Told(NamedTuple):
    """A line of what was told."""

    text: str
    is_fault: bool


def look(files: RuleFiles) -> list[Told]:
    """Look once; what was told."""
    told: list[Told] = []
    files.look(lambda text, *, is_fault: told.append(Told(text, is_fault)))
    return told


def settle(files: RuleFiles) -> list[Told]:
    """Look twice: there is nothing to tell the second time."""
    told = look(files)
    assert look(files) == []
    return told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(rules("a", "b"))
    return path


def test_the_rules_of_files_in_their_order(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(rules("c"))
    files = RuleFiles([path, other], behind=[parse_rewrite("/x/y")])
    assert names(files.current)[:3] == ["a", "b", "c"]
    assert len(names(files.current)) == 4
    assert RuleFiles([]).current.messages == ()


def test_rules_of_several_files_act_as_if_they_stood_in_one(tmp_path: Path) -> None:
    paths = [tmp_path / "first.toml", tmp_path / "second.toml"]
    for path, text in zip(paths, ("one", "two"), strict=True):
        action = f'{{ action = "set-text", text = "{text}" }}'
        path.write_text(f'[[message]]\nname = "{text}"\ndo = [{action}]\n')
    assert decided(RuleFiles(paths, behind=[parse_rewrite("/w/W")])).content == b"tWo"


def test_a_changed_file_is_read_anew(path: Path) -> None:
    files = RuleFiles([path])
    before = files.current
    assert settle(files) == []
    assert files.current is before
    replace(path, rules("c"))
    assert settle(files) == [Told(f"{path}: 1 rule in force", is_fault=False)]
    assert names(files.current) == ["c"]
    assert names(before) == ["a", "b"]
    path.write_text("")
    assert settle(files) == [Told(f"{path}: no rules in force", is_fault=False)]


def test_a_file_that_is_only_touched_changes_nothing(path: Path) -> None:
    files = RuleFiles([path])
    before = files.current
    os.utime(path, ns=(1, 1))
    replace(path, path.read_bytes())
    assert settle(files) == []
    assert files.current is before


def test_rules_that_are_not_enabled_are_not_in_force(path: Path) -> None:
    files = RuleFiles([path])
    replace(path, rules("a", "b", "c") + "enabled = false\n")
    assert [told.text for told in settle(files)] == [f"{path}: 2 rules in force"]


def test_a_bad_edit_keeps_the_old_rules_and_says_where(path: Path) -> None:
    files = RuleFiles([path])
    before = files.current
    replace(path, rules("a") + "whn = 3\n")
    (told,) = settle(files)
    assert told.is_fault
    assert told.text.startswith(f"{path}:4:")
    assert "\n" not in told.text
    assert files.current is before
    assert settle(files) == []
    replace(path, rules("a") + "[[\n")
    (told,) = settle(files)
    assert told.text.startswith(f"{path}:4:")
    replace(path, rules("a", "b"))
    assert settle(files) == [Told(f"{path}: 2 rules in force", is_fault=False)]
    assert names(files.current) == ["a", "b"]


def test_a_file_that_vanishes_keeps_the_old_rules(path: Path) -> None:
    files = RuleFiles([path])
    before = files.current
    text = path.read_bytes()
    path.unlink()
    (told,) = settle(files)
    assert told.is_fault
    assert told.text.startswith(f"{path}: ")
    assert "earlier rules" in told.text
    assert settle(files) == []
    assert files.current is before
    path.write_bytes(text)
    assert settle(files) == [Told(f"{path}: 2 rules in force", is_fault=False)]
    path.unlink()
    assert [told.is_fault for told in settle(files)] == [True]
    replace(path, rules("c"))
    assert settle(files) == [Told(f"{path}: 1 rule in force", is_fault=False)]
    assert names(files.current) == ["c"]


def test_what_takes_a_file_s_place_is_not_waited_for(path: Path) -> None:
    files = RuleFiles([path])
    path.unlink()
    os.mkfifo(path)
    (told,) = settle(files)
    assert "not a regular file" in told.text
    path.unlink()
    path.mkdir()
    assert settle(files) == []
    assert names(files.current) == ["a", "b"]


class Watch:
    """Looks of the watcher, one at a time."""

    def __init__(self, files: RuleFiles) -> None:
        self._files = files

    def look(self) -> list[str]:
        return [told.text for told in self._files._look(patiently=True)]


def test_a_file_that_is_still_written_is_not_read(path: Path) -> None:
    files = RuleFiles([path])
    watch = Watch(files)
    path.write_text("")
    assert watch.look() == []
    path.write_text(rules("c"))
    assert watch.look() == []
    assert names(files.current) == ["a", "b"]
    assert watch.look() == [f"{path}: 1 rule in force"]
    assert names(files.current) == ["c"]


def test_a_file_that_changes_all_the_time_is_read_at_last(path: Path) -> None:
    watch = Watch(RuleFiles([path]))
    told: list[str] = []
    for number in range(12):
        replace(path, rules(f"n{number}"))
        told += watch.look()
    assert len(told) == 1


def test_a_link_that_points_elsewhere(tmp_path: Path) -> None:
    """As a ConfigMap changes: the link to the folder is replaced, the file's own link stays."""
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.toml").write_text(rules(f"of-{name}"))
    (tmp_path / "data").symlink_to("1")
    path = tmp_path / "rules.toml"
    path.symlink_to("data/rules.toml")
    files = RuleFiles([path])
    assert names(files.current) == ["of-1"]
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(tmp_path / "data")
    assert len(settle(files)) == 1
    assert names(files.current) == ["of-2"]


def test_a_change_that_bears_the_same_time_is_seen(path: Path) -> None:
    files = RuleFiles([path])
    then = path.stat()
    with path.open("r+b") as file:
        file.write(rules("c", "d").encode())
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert len(settle(files)) == 1
    assert names(files.current) == ["c", "d"]


INJECTS = """
[[message]]
name = "a"
do = [{ action = "inject", to = "client", file = "said.txt" }]
"""


def test_files_that_rules_inject_are_parts_of_theirs(tmp_path: Path) -> None:
    path, said = tmp_path / "rules.toml", tmp_path / "said.txt"
    path.write_text(INJECTS)
    said.write_text("hello")
    files = RuleFiles([path])
    before = files.current
    assert [one.content for one in decided(files).injections] == [b"hello"]
    replace(said, "other")
    assert settle(files) == [Told(f"{path}: 1 rule in force", is_fault=False)]
    assert files.current is not before
    assert [one.content for one in decided(files).injections] == [b"other"]
    said.unlink()
    (told,) = settle(files)
    assert told.is_fault
    assert "said.txt" in told.text
    said.write_text("back")
    assert [told.is_fault for told in settle(files)] == [False]


def test_a_name_in_two_files_is_told_and_mended_in_either(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(rules("a"))
    with pytest.raises(UsageError, match=r"other\.toml.*'a'.*rules\.toml"):
        RuleFiles([path, other])
    other.write_text(rules("c"))
    files = RuleFiles([path, other])
    replace(other, rules("a"))
    (told,) = settle(files)
    assert told.is_fault
    assert "'a'" in told.text
    assert names(files.current) == ["a", "b", "c"]
    replace(path, rules("b"))
    assert [told.text for told in settle(files)] == [f"{path}: 1 rule in force"]
    assert names(files.current) == ["b", "a"]


def test_one_file_s_fault_does_not_stop_another(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(rules("c"))
    files = RuleFiles([path, other])
    replace(path, "[[")
    replace(other, rules("d"))
    assert [told.is_fault for told in settle(files)] == [True, False]
    assert names(files.current) == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
        (lambda path: path.write_text("[["), ":1:"),
        (lambda path: path.write_bytes(b"\xff"), ":1:1: expected UTF-8"),
        (lambda path: path.write_bytes(b"#" * (2 << 20)), "at most"),
    ],
)
def test_at_the_beginning_a_fault_is_an_error(
    path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(path)
    with pytest.raises(UsageError) as raised:
        RuleFiles([path])
    assert str(raised.value).startswith(f"{path}:")
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(rules("a"),))
    writer.start()
    files = RuleFiles([path])
    writer.join()
    assert names(files.current) == ["a"]
    assert settle(files) == []
    # Nothing can change: nobody need look.
    asyncio.run(files.watch(lambda text, *, is_fault: None))


@pytest.fixture
def _quick_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_quick_threads")
def test_a_thousand_reloads_under_a_reader_tear_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"

    def point(number: int) -> None:
        # A file system writes to its disk before a file takes another's place; a link is quick.
        made = tmp_path / f"{number}.toml"
        made.write_text(rules(f"{number}-a", f"{number}-b"))
        link = tmp_path / "link"
        link.symlink_to(made)
        link.replace(path)

    point(0)
    files = RuleFiles([path])
    done = threading.Event()
    torn: list[list[str]] = []
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            first, *others = names(files.current)
            generation = first.partition("-")[0]
            seen.add(generation)
            if others != [f"{generation}-b"]:
                torn.append([first, *others])

    reader = threading.Thread(target=read)
    reader.start()
    told = 0
    try:
        for number in range(1, 1001):
            point(number)
            told += len(look(files))
            assert names(files.current)[0] == f"{number}-a"
    finally:
        done.set()
        reader.join()
    assert (told, torn) == (1000, [])
    assert len(seen) > 1


def test_watching_tells_what_changes(path: Path) -> None:
    async def run() -> None:
        files = RuleFiles([path])
        told: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

        def tell(text: str, *, is_fault: bool) -> None:
            told.put_nowait((text, is_fault))

        watching = asyncio.create_task(files.watch(tell, 0.001))
        replace(path, rules("c"))
        assert await told.get() == (f"{path}: 1 rule in force", False)
        assert names(files.current) == ["c"]
        replace(path, "[[")
        assert (await told.get())[1]
        path.unlink()  # noqa: ASYNC240 - nobody else runs on this loop
        assert (await told.get())[1]
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    asyncio.run(run())
