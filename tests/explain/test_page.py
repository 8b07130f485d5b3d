"""The examples on the page about `explain` are what it prints."""

from __future__ import annotations

from .page import PAGE, with_examples


def test_the_examples_are_fresh() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```sh\nws76proxy explain ") >= 3
    assert page == with_examples(page), "run: make docs"
