"""A rule on the command line: ``/server/regex/replacement``."""

from __future__ import annotations

import pytest

from ws76proxy.rules import RuleError, RuleSet, parse_rewrite
from ws76proxy.rules.decisions import Side

from .made import REQUEST

BOTH: tuple[Side, ...] = ("client", "server")


def rewritten(text: str, content: bytes, side: Side = "server") -> bytes:
    decision = (
        parse_rewrite(text).for_session(1, "hixie-76", REQUEST).message(side, content, 1, 0.0)
    )
    return content if decision is None else decision.content


@pytest.mark.parametrize(
    ("text", "before", "after", "sides"),
    [
        ("/a/b", b"aa", b"bb", BOTH),
        ("/a/", b"abc", b"bc", BOTH),
        ("/server/a/b", b"aa", b"bb", ("server",)),
        ("/client/a/b", b"aa", b"bb", ("client",)),
        ("|server|a/b|c", b"a/b", b"c", ("server",)),
        (":a:b", b"a", b"b", BOTH),
        ("☃client☃a☃ü", b"a", "ü".encode(), ("client",)),
        ("/server/a/b/c/", b"a", b"b/c/", ("server",)),
        (r"/server/(\d+) EUR/EUR \1", b"12 EUR", b"EUR 12", ("server",)),
        (r"/(?P<n>\d)/<\g<n>>", b"1", b"<1>", BOTH),
        # A side alone, with one more part, is a regular expression.
        ("/server/x", b"a server", b"a x", BOTH),
        ("/servers/x", b"servers", b"x", BOTH),
    ],
)
def test_rewrite(text: str, before: bytes, after: bytes, sides: tuple[Side, ...]) -> None:
    for side in BOTH:
        assert rewritten(text, before, side) == (after if side in sides else before)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found nothing"),
        ("/", "found 1 part"),
        ("/a", "found 1 part"),
        ("//b", "empty REGEX"),
        ("/server//b", "empty REGEX"),
        ("/servr/a/b", "'servr' and two more parts"),
        ("/a/b/", "'a' and two more parts"),
        ("abc", "another separator"),
        (" a b", "another separator"),
        ("\\a\\b", "another separator"),
        ("/(/b", "missing )"),
        ("/server/[/b", "missing ]"),
        (r"/a/\1", "REPLACEMENT: expected a group"),
        (r"/a/\q", "REPLACEMENT: expected"),
        ("/\udc80/b", "UTF-8"),
        ("/" + "a" * 10_001 + "/b", "10001 characters"),
    ],
)
def test_what_is_no_rewrite(text: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rewrite(text)
    assert words in str(caught.value)
    assert "expected" in str(caught.value)


def test_a_rewrite_is_called_what_was_written() -> None:
    (rule,) = parse_rewrite("/server/a\n/b").messages
    assert rule.name == r"rewrite /server/a\n/b"
    (rule,) = parse_rewrite("/" + "a" * 300 + "/b").messages
    assert len(rule.name) < 200


def test_rewrites_together() -> None:
    made = RuleSet.merged([parse_rewrite("/a/b"), parse_rewrite("/b/c")])
    decision = made.for_session(1, "hixie-76", REQUEST).message("client", b"a", 1, 0.0)
    assert decision is not None
    assert decision.content == b"c"
    with pytest.raises(RuleError, match="no other rule has"):
        RuleSet.merged([parse_rewrite("/a/b"), parse_rewrite("/a/b")])
