"""Every sample handshake, driven through a session: the same findings as from the checks alone."""

from __future__ import annotations

import pytest

from tests.diagnosis.samples import Sample, load_samples, play
from tests.diagnosis.test_samples import SESSION_CODES
from ws76proxy.diagnosis import CATALOGUE, Severity
from ws76proxy.endpoint import Endpoint

from .playbook import Play

SAMPLES = load_samples()
FAULTS = {Severity.ERROR, Severity.WARNING}


def codes_of(sample: Sample) -> set[str]:
    """The findings that a session tells about a sample."""
    endpoint = Endpoint(sample.secure, "sample.test", 443 if sample.secure else 80)
    conversation = Play(
        host="keep",
        listener=sample.listener or endpoint,
        upstream=endpoint,
        good_findings=True,
    )
    for peer, data in play(sample):
        if peer == "timeout":
            conversation.times_out()
        elif data is None:
            getattr(conversation, f"{peer}_ends")()
        else:
            getattr(conversation, peer)(data)
    return set(conversation.codes)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_gives_its_findings(sample: Sample) -> None:
    codes = codes_of(sample)
    assert sample.expect <= codes
    severities = {CATALOGUE[code].severity.value for code in codes}
    assert not sample.forbid & (codes | severities)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_gives_no_other_fault(sample: Sample) -> None:
    codes = codes_of(sample)
    faults = {code for code in codes if CATALOGUE[code].severity in FAULTS}
    assert faults <= sample.expect | SESSION_CODES
