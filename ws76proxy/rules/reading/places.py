"""From a path into a file's data to line and column of its text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Language, Node, Parser
from tree_sitter_toml import language

from ws76proxy.rules.errors import Path

__all__ = ["Place", "place_of", "place_of_byte"]


class Place(NamedTuple):
    """Line and column of a text, in characters, each counted from 1."""

    line: int
    column: int


def place_of_byte(data: bytes, offset: int) -> Place:
    """Where a byte of a text in UTF-8 is."""
    start = data.rfind(b"\n", 0, offset) + 1
    column = len(data[start:offset].decode("utf-8", "replace"))
    return Place(data.count(b"\n", 0, offset) + 1, column + 1)


def place_of(text: str, path: Path, *, at_key: bool) -> Place:
    """Where the value at a path begins, or its key; the nearest thing around it that is written.

    `text` is TOML that tomllib has read, `path` leads to something in its data, or to a key that is
    missing there.
    """
    data = text.encode()
    tree = Parser(Language(language())).parse(data)
    best = _Best(path, at_key)
    counts: dict[Path, int] = {}
    for child in tree.root_node.children:
        if child.type == "pair":
            best.look_at_pair(child, ())
        elif child.type in ("table", "table_array_element"):
            keys = [*_keys(child)]
            names = [name for name, _ in keys]
            if child.type == "table_array_element":
                array = (*_within(names[:-1], counts), names[-1])
                counts[array] = counts.get(array, -1) + 1
                base: Path = (*array, counts[array])
            else:
                base = _within(names, counts)
            if best.is_on_the_way(base):
                best.take(base, child, keys[-1][1])
                for inner in child.children:
                    if inner.type == "pair":
                        best.look_at_pair(inner, base)
    return place_of_byte(data, best.offset)


class _Best:
    """The innermost thing on a path that has been seen so far."""

    def __init__(self, path: Path, at_key: bool) -> None:
        self.path = path
        self.at_key = at_key
        self.offset = 0
        self._depth = -1

    def is_on_the_way(self, base: Path) -> bool:
        return self.path[: len(base)] == base

    def take(self, path: Path, node: Node, key: Node) -> None:
        """Remember what stands for `path`, where it is the innermost."""
        if len(path) > self._depth:
            self._depth = len(path)
            is_key = self.at_key and path == self.path
            self.offset = (key if is_key else node).start_byte

    def look_at_pair(self, pair: Node, base: Path) -> None:
        waiting: list[tuple[Node, Path]] = [(pair, base)]
        while waiting:
            node, base = waiting.pop()
            path = base
            for name, key in _keys(node):
                path = (*path, name)
                if not self.is_on_the_way(path):
                    break
                self.take(path, key, key)
            else:
                waiting += self._look_at_value(node.children[-1], key, path)

    def _look_at_value(self, node: Node, key: Node, path: Path) -> Iterator[tuple[Node, Path]]:
        """Follow the path into a value; return the pairs of inline tables on it."""
        while True:
            self.offset, self._depth = node.start_byte, len(path)
            if self.at_key and path == self.path:
                self.offset = key.start_byte
            if node.type == "inline_table":
                yield from ((one, path) for one in node.children if one.type == "pair")
                return
            index = self.path[len(path)] if len(path) < len(self.path) else None
            if node.type != "array" or not isinstance(index, int):
                return
            elements = [one for one in node.named_children if one.type != "comment"]
            if index >= len(elements):
                return
            node, path = elements[index], (*path, index)
            key = node


def _within(names: list[str], counts: dict[Path, int]) -> Path:
    """The path of a table, given the keys of its header: in arrays it is the last element."""
    path: Path = ()
    for name in names:
        path = (*path, name)
        if path in counts:
            path = (*path, counts[path])
    return path


def _keys(node: Node) -> Iterator[tuple[str, Node]]:
    """The key of a pair, or of a table's header, in its parts."""
    # A key with many dots is nested as deep: the first part innermost.
    waiting = node.children[::-1]
    while waiting:
        child = waiting.pop()
        if child.type == "dotted_key":
            waiting += child.children[::-1]
        elif child.type in ("bare_key", "quoted_key"):
            text = (child.text or b"").decode()
            if child.type == "quoted_key":
                (text,) = tomllib.loads(f"{text} = 0")
            yield text, child
        elif child.type in ("=", "]", "]]"):
            return
