"""Samples made ready for a browser: what they turn into, without one; and the page about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.diagnosis.driver import codes_of
from tests.diagnosis.samples import load_samples
from ws76proxy.diagnosis.browsers import OPENING

from .browser_page import page
from .foretelling import matches, read, refusal
from .stage import NEXT
from .staging import PLAIN, Act, Scene, scenes

PAGE = Path(__file__).parents[2] / "docs" / "browser.md"
STAGED = scenes()
SCENES = [one for one in STAGED.values() if isinstance(one, Scene)]
SAMPLES = {sample.name: sample for sample in load_samples()}


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_every_sample_is_shown_or_has_a_reason() -> None:
    assert STAGED.keys() == SAMPLES.keys()
    assert all(STAGED.values())


def test_a_fault_in_the_answer_is_no_reason_not_to_show_it() -> None:
    assert {"answer-chunked", "location-ws-for-wss", "digest-two-bugs", "frames-http-500"} <= {
        scene.name for scene in SCENES
    }


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_live_answer_has_the_faults_of_its_sample(scene: Scene) -> None:
    """With the sample's own keys, so that the bug of a digest shows."""
    key3 = scene.sample.client[len(scene.request.raw) :][:8] or b"^n:ds[4U"
    live = scene.imagined(key3)
    ends = [step for step in scene.sample.steps if step == "timeout" or step.endswith(" eof")]
    answered = scene.head(live) + scene.behind(live)
    codes = codes_of(
        replace(
            scene.sample,
            client=live.request.raw + key3,
            server=answered,
            secure=False,
            steps=("client", *(["server"] if answered else []), *ends),
        )
    )
    expected = codes_of(scene.sample)
    if scene.name == "location-default-port":
        # Spelled out where another port is right: that takes a browser at port 80.
        expected = expected - {"location-default-port"} | {"location-port-differs"}
    assert codes & OPENING.keys() == expected & OPENING.keys()


def test_a_live_answer_has_the_digest_of_the_live_keys() -> None:
    scene = STAGED[PLAIN]
    assert isinstance(scene, Scene)
    live = scene.imagined(b"12345678")
    assert scene.behind(live) == live.digest
    assert scene.acts() == [Act("key3"), Act("send", 16)]


def test_pieces_are_sent_as_in_the_sample() -> None:
    scene = Scene(SAMPLES["sound-76-in-pieces"])
    sizes = [act.behind for act in scene.acts() if act.what == "send"]
    assert sizes == [0, 1, 16]
    assert Scene(SAMPLES["sound-76-head-before-key3"]).acts()[:2] == [Act("send"), Act("key3")]


def test_a_browser_stops_at_the_first_refusal() -> None:
    stop = refusal({"location-port-differs", "upgrade-not-exact", "origin-differs", "digest-wrong"})
    assert stop == ("origin-differs", OPENING["origin-differs"])
    assert refusal({"upgrade-not-exact", "text-not-utf8"}) is None


def test_frames_as_this_browser_reads_them() -> None:
    seen = read(b"\x00a\xff\xff\x00\x00\xe9\xff\x80\x01x" + NEXT)
    assert (seen.texts, seen.errors, seen.emptied) == (["a", "", "the next message"], 2, True)


def test_console_texts_are_compared_with_their_values() -> None:
    template = "origin mismatch: {origin} != {answered_origin}"
    values = {"origin": "http://a", "answered_origin": "null"}
    assert matches("origin mismatch: http://a != null", template, values)
    assert not matches("origin mismatch: http://a != nul", template, values)
    assert not matches("origin mismatch: http://b != null", template, values)
