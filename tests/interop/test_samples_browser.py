"""Every sample that a browser can be shown, shown to QtWebKit: it does what the catalogue says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pytest

from tests.diagnosis.driver import codes_of
from tests.diagnosis.samples import Sample
from ws76proxy.diagnosis import Outcome, Reaction
from ws76proxy.diagnosis.browsers import OPENING, REACTIONS
from ws76proxy.wire.challenge import DIGEST_SIZE

from .cases import BROWSER
from .foretelling import Read, matches, outcomes_after_opening, read, refusal, seen, values
from .stage import OPENED, Performance, perform
from .staging import Scene, scenes

SCENES = {name: scene for name, scene in scenes().items() if isinstance(scene, Scene)}
AT_PORT_80 = {"location-default-port"}
"""Wrong only where the client uses the scheme's default port."""


@dataclass(frozen=True)
class Shown:
    """A performance, and what the checks say about the bytes that were really sent."""

    performance: Performance

    @cached_property
    def codes(self) -> set[str]:
        return codes_of(self._as_sample(self.performance.answered))

    @cached_property
    def codes_with_more(self) -> set[str]:
        """Of all that the browser was sent: the message that tries whether the session goes on can
        itself be one too many, behind FF 00."""
        if not self.performance.more:
            return self.codes
        return codes_of(self._as_sample(self.performance.answered + self.performance.more))

    @property
    def refusal(self) -> tuple[str, Reaction] | None:
        return refusal(self.codes)

    @property
    def reaction(self) -> Reaction | None:
        """Which of the reactions that a refusal can have was seen; None for none of them."""
        if self.refusal is None:
            return None
        _, reaction = self.refusal
        return next(filter(self._is_seen, (reaction, *reaction.otherwise)), None)

    def proven(self) -> set[str]:
        """The findings whose reactions were seen."""
        stop, bug = self.refusal, self.performance.scene.cause
        proven = seen(self.codes | self.codes_with_more)
        if bug is not None and stop is not None and stop[1] == OPENING["digest-wrong"]:
            # It has made the digest, whatever the checks took it for.
            proven |= {one.code for one in bug.bugs}
        return proven

    def read(self) -> Read:
        """What the page must have seen of the frames."""
        sent = self.performance.answered + self.performance.more
        head = self.performance.scene.head(self.performance.live)
        return read(sent[len(head) + DIGEST_SIZE :])

    def _is_seen(self, reaction: Reaction) -> bool:
        if self.performance.opening is not reaction.webkit:
            return False
        console = self.performance.console
        if not reaction.console:
            return not console
        known = values(self.performance.live, self.performance.answered)
        return len(console) == 1 and matches(console[0], reaction.console, known)

    def _as_sample(self, server: bytes) -> Sample:
        sample, live = self.performance.scene.sample, self.performance.live
        ends = [step for step in sample.steps if step == "timeout" or step.endswith(" eof")]
        return replace(
            sample,
            client=live.request.raw + live.key3,
            server=server,
            secure=False,
            steps=("client", *(["server"] if server else []), *ends),
        )


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Sequence[Shown]]:
    """All attempts, in order, by the sample's name."""
    return _by_name(perform([one for one in SCENES.values() if one.name not in AT_PORT_80]))


def _by_name(performances: Iterable[Performance]) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for performance in performances:
        found.setdefault(performance.scene.name, []).append(Shown(performance))
    return found


def assert_as_foretold(one: Shown) -> None:
    performance = one.performance
    # It knows no closing handshake, and speaks only as the page does.
    assert not performance.was_clean
    assert performance.heard == (OPENED if performance.opening is Outcome.ACCEPTS else b"")
    if one.refusal is not None:
        assert one.reaction is not None, (one.refusal, performance)
        return
    assert performance.opening is Outcome.ACCEPTS, (one.codes, performance)
    assert performance.console == []
    expected = one.read()
    assert (performance.texts, performance.errors) == (expected.texts, expected.errors)
    outcomes = outcomes_after_opening(one.codes_with_more)
    assert performance.ended is (Outcome.ENDS in outcomes)
    assert (performance.errors > 0) is not outcomes.isdisjoint({Outcome.SKIPS, Outcome.ENDS})
    assert expected.emptied is (Outcome.EMPTIES in outcomes)


def assert_at_fault_in_the_same_way(scene: Scene, one: Shown) -> None:
    """What was right in the sample was right, and what was wrong was wrong in the same way."""
    codes = codes_of(scene.sample)
    stop = refusal(codes)
    assert (stop and stop[1]) == (one.refusal and one.refusal[1])
    # What is said of a wrong digest depends on the keys too, and a browser that closes sees no
    # frames.
    looked_at = OPENING if one.refusal else REACTIONS
    compared = {code for code, reaction in looked_at.items() if reaction != OPENING["digest-wrong"]}
    assert one.codes & compared == codes & compared


@BROWSER
@pytest.mark.parametrize("name", sorted(SCENES.keys() - AT_PORT_80))
def test_browser_does_what_the_catalogue_says(
    name: str, shown: Mapping[str, Sequence[Shown]]
) -> None:
    *others, last = shown[name]
    for one in (*others, last):
        assert_as_foretold(one)
    # The bug of a digest does not show with all keys, and in the end it has.
    assert_at_fault_in_the_same_way(SCENES[name], last)


@BROWSER
@pytest.mark.parametrize("name", sorted(AT_PORT_80))
def test_at_the_default_port(name: str) -> None:
    try:
        (performance,) = perform([SCENES[name]], port=80)
    except OSError as error:
        pytest.skip(f"port 80 cannot be had here: {error}")
    assert_as_foretold(Shown(performance))
    assert_at_fault_in_the_same_way(SCENES[name], Shown(performance))


@BROWSER
def test_first_cookie_of_an_answer_is_kept(shown: Mapping[str, Sequence[Shown]]) -> None:
    names = list(shown)
    setting = names.index("sound-76-cookies")
    cookies = [shown[name][0].performance.live.request.value(b"cookie") for name in names]
    assert set(cookies[: setting + 1]) == {None}
    # The answer sets two, a and c.
    assert set(cookies[setting + 1 :]) == {b"a=b"}


@BROWSER
def test_every_reaction_has_been_seen(shown: Mapping[str, Sequence[Shown]]) -> None:
    proven = set().union(*(one.proven() for attempts in shown.values() for one in attempts))
    assert REACTIONS.keys() - proven == AT_PORT_80


@BROWSER
def test_every_other_reaction_has_been_seen(shown: Mapping[str, Sequence[Shown]]) -> None:
    found = {one.reaction for attempts in shown.values() for one in attempts}
    for code, reaction in REACTIONS.items():
        assert set(reaction.otherwise) <= found, code
