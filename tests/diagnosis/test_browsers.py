"""What is said of browsers, as data; tests/interop compares it with a real one."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import CATALOGUE, HYPOTHESES, Outcome, Reaction, Severity, Side
from ws76proxy.diagnosis.browsers import (
    NOT_IN_A_BROWSER,
    REACTIONS,
    console_in_words,
    reaction_in_words,
)
from ws76proxy.diagnosis.report import catalogue_markdown

EVERY = [one for reaction in REACTIONS.values() for one in (reaction, *reaction.otherwise)]


def test_it_is_about_findings() -> None:
    assert REACTIONS.keys() <= CATALOGUE.keys()
    assert NOT_IN_A_BROWSER.keys() <= CATALOGUE.keys()
    assert REACTIONS.keys().isdisjoint(NOT_IN_A_BROWSER)


def test_every_fault_of_what_a_server_sends_has_a_reaction_or_a_reason() -> None:
    faults = {
        code
        for code, finding in CATALOGUE.items()
        if finding.side in (Side.SERVER, Side.SENDER)
        and finding.severity in (Severity.ERROR, Severity.WARNING)
    }
    assert faults <= REACTIONS.keys() | NOT_IN_A_BROWSER.keys()


def test_a_request_is_not_shown_to_a_browser() -> None:
    assert not {code for code in REACTIONS if CATALOGUE[code].side is Side.CLIENT}


def test_findings_know_their_reactions() -> None:
    for code, finding in CATALOGUE.items():
        assert finding.reaction == REACTIONS.get(code)


def test_a_wrong_digest_is_silent_whatever_the_bug() -> None:
    reactions = {REACTIONS[code] for code in HYPOTHESES if code in REACTIONS}
    assert reactions == {REACTIONS["digest-wrong"]}
    (silent,) = reactions
    assert (silent.webkit, silent.console) == (Outcome.REFUSES, "")


@pytest.mark.parametrize("reaction", EVERY, ids=str)
def test_reaction_is_plain(reaction: Reaction) -> None:
    assert bool(reaction.when) is (reaction not in REACTIONS.values())
    assert not reaction.console or reaction.webkit is Outcome.REFUSES
    # A name that has no words is an error.
    assert "{" not in console_in_words(reaction)
    words = reaction_in_words(reaction)
    assert words.isascii()
    assert words.endswith(".")
    assert "  " not in words


def test_words_name_both_clients_and_the_step() -> None:
    words = reaction_in_words(REACTIONS["upgrade-not-exact"])
    assert "QtWebKit 534.34 accepts" in words
    assert "draft's client closes (4.1, step 41)" in words
    assert "without a word" in reaction_in_words(REACTIONS["digest-wrong"])
    assert '"Unexpected response code: [the code]"' in reaction_in_words(
        REACTIONS["answered-forbidden"]
    )


def test_words_tell_on_what_it_depends() -> None:
    reaction = REACTIONS["response-bare-line-feed"]
    assert "In the blank line only, it waits" in reaction_in_words(reaction)


def test_the_page_of_findings_tells_it() -> None:
    assert catalogue_markdown().count("\n- In the browser: ") == len(REACTIONS)
