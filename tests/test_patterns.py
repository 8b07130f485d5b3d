"""What users write to choose texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.errors import UsageError
from ws76proxy.patterns import (
    MAX_REPLACEMENTS,
    Glob,
    Regex,
    RegexIndex,
    Template,
    escaped,
    glob_expression,
)


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("price", '{"price": 3}', True),
        ("PRICE", '{"price": 3}', False),
        ("(?i)GRÜSSE", "viele Grüße, viele grüsse", True),
        ("^b", "a\nb", False),
        ("(?m)^b", "a\nb", True),
        ("a.b", "a\nb", False),
        ("a.b", "a世b", True),
        ("", "", True),
        (r"\d+$", "no 12", True),
    ],
)
def test_regex(expression: str, text: str, found: bool) -> None:
    assert Regex(expression).is_in(text) is found


@pytest.mark.parametrize("expression", ["(a+)+$", "^(a|a)*$", "(.*)*x{900}$"])
def test_no_regex_backtracks_for_ever(expression: str) -> None:
    assert not Regex(expression).is_in("a" * 1_000_000 + "b")


@pytest.mark.parametrize("expression", ["(", "[", r"(a)\1", "(?=a)", "a{100000}", "*", "\udc80"])
def test_what_is_no_regex_of_re2(expression: str) -> None:
    with pytest.raises(UsageError, match="expected a regular expression"):
        Regex(expression)


def test_a_bad_regex_says_nothing_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError):
        Regex("(")
    assert capfd.readouterr() == ("", "")


@given(st.text(st.characters()))
def test_every_text_can_be_searched(text: str) -> None:
    assert Regex("").is_in(text)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("/chat", "/chat", True),
        ("/chat", "/chat/1", False),
        ("/chat*", "/chat/1", True),
        ("/c?at", "/chat", True),
        ("/c?at", "/cat", False),
        ("ws://[::1]:*", "ws://[::1]:80", True),
        ("/a[b]", "/ab", False),
        ("/a[!b]", "/a[!b]", True),
        ("*", "", True),
        ("/a.b", "/axb", False),
        ("a*b", "a\nb", True),
    ],
)
def test_glob(pattern: str, text: str, found: bool) -> None:
    assert Glob(pattern).matches(text) is found


def test_glob_without_case() -> None:
    assert Glob("HTTP://Example.*", ignore_case=True).matches("http://eXample.com")
    assert not Glob("HTTP://Example.*").matches("http://example.com")


@given(st.text(st.characters(exclude_characters="*?")), st.text(), st.text())
def test_glob_finds_what_it_is_made_of(literal: str, before: str, after: str) -> None:
    assert Glob(literal).matches(literal)
    assert Glob(f"*{literal}*").matches(before + literal + after)


@given(st.text(), st.text(), st.text())
def test_an_escaped_text_finds_itself_and_nothing_else(text: str, before: str, other: str) -> None:
    regex = Regex(rf"\A{escaped(text)}\z")
    assert regex.is_in(text)
    assert regex.is_in(other) is (other == text)
    assert Regex(escaped(text)).is_in(before + text)


@given(st.text("ab*?[\n.", max_size=6), st.text("ab[\n.", max_size=6))
def test_a_glob_as_an_expression_matches_alike(glob: str, text: str) -> None:
    assert Regex(glob_expression(glob)).is_in(text) is Glob(glob).matches(text)


def test_a_glob_as_an_expression_matches_any_bytes() -> None:
    assert Regex(glob_expression("a*b?")).is_in_bytes(b"a\xfe\xffb\xc3\xbc")
    assert not Regex(glob_expression("a?")).is_in_bytes(b"a\xfe")


def test_an_expression_that_takes_too_much_memory() -> None:
    with pytest.raises(UsageError, match="8 MiB"):
        Regex(r"((\pL{100}){10}){1}")


@pytest.mark.parametrize(
    ("expression", "template", "text", "expected"),
    [
        ("b", "x", "abcb", "axcx"),
        ("(b)(c)?", r"[\2\1\0]", "abcb", "a[cbbc][bb]"),
        ("(?P<one>b)", r"\g<one>\g<1>\g<0>", "b", "bbb"),
        ("b", r"\\n\n", "b", "\\n\n"),
        ("^", "x", "ab", "xab"),
        ("$", "x", "ab", "abx"),
        ("", "-", "aü", "-a-ü-"),
        ("(((((((((((b)))))))))))", r"\11", "b", "b"),
    ],
)
def test_replace(expression: str, template: str, text: str, expected: str) -> None:
    regex = Regex(expression, captures=True)
    assert regex.replace(text.encode(), regex.template(template)) == expected.encode()


@given(st.sampled_from(["a*", "a|", "ü?", "b+|ü", "(?:)", "ba?", "."]), st.text("aübc", max_size=8))
def test_replace_as_python_does(expression: str, text: str) -> None:
    regex = Regex(expression)
    expected = re.sub(expression, "<>", text)
    assert regex.replace(text.encode(), Template((b"<>",))) == expected.encode()
    once = re.sub(expression, "<>", text, count=1)
    assert regex.replace(text.encode(), Template((b"<>",)), 1) == once.encode()


@given(st.binary(), st.binary(max_size=3))
def test_replacing_leaves_all_other_bytes(data: bytes, put: bytes) -> None:
    replaced = Regex("a+").replace(data, Template((put,)))
    assert replaced == re.sub(rb"a+", lambda match: put, data)


def test_replacing_stops_after_so_many() -> None:
    data = b"a" * (MAX_REPLACEMENTS + 2)
    replaced = Regex("a").replace(data, Template((b"",)))
    assert replaced == b"aa"


@pytest.mark.parametrize("template", ["\\", r"\q", r"\2", r"\g<2>", r"\g<x>", r"\g<", r"\99"])
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        Regex("(a)", captures=True).template(template)


def test_an_index_that_has_not_memory_for_all_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    # Too many for one filter, too large for one set, and one too large for any.
    literal = [f"word{number}of{number * 7919}" for number in range(6_000)]
    loose = [rf"\pL{{{number}}}\d" for number in range(1, 25)]
    index = RegexIndex([*literal, *loose, r"(?:\pL{50}\d){2}", "^first$"])
    text = b"a word5of39595 and abc1"

    def hits(data: bytes) -> set[int]:
        return index.hits(data, lambda: data)

    found = {number for number in hits(text) if number < 6_000 + 24}
    assert found == {5, 6_000, 6_001, 6_002, 6_003}
    assert 6_025 in hits(b"first")
    assert 6_025 in hits(b"a\nfirst\nb")
    assert 6_025 not in hits(b"first ")
    assert capfd.readouterr() == ("", "")


def test_an_empty_index() -> None:
    assert RegexIndex([]).hits(b"text", lambda: b"text") == set()
