"""What users write to choose texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.errors import UsageError
from ws76proxy.patterns import Glob, Regex


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
