"""Every sample handshake gives the findings that it is there for, and no others that matter."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ws76proxy.diagnosis import CATALOGUE, Severity

from .driver import codes_of
from .samples import ROOT, Sample, load_samples

SAMPLES = load_samples()
SESSION_CODES = frozenset(
    {
        "client-dialect-refused",
        "close-unanswered",
        "closed-without-handshake",
        "connection-reset",
        "digests-together",
        "early-client-frames",
        "edit-not-framable",
        "flash-policy-request",
        "head-refused",
        "host-refused",
        "hybi-draft-client",
        "idle-timeout",
        "message-too-large",
        "origin-refused",
        "pipelined-upgrade",
        "plain-on-tls-port",
        "proxy-header-malformed",
        "proxy-header-missing",
        "proxy-header-untrusted",
        "response-of-hixie",
        "rfc6455-client",
        "tls-handshake-failed",
        "tls-on-plain-port",
        "too-many-connections",
        "unknown-protocol",
        "upstream-tls-failed",
        "upstream-unreachable",
    }
)
"""What only a session can find: covered by its tests. (message-too-large: by a smaller limit.)"""
RECORDING_CODES = frozenset({"recording-limit", "recording-stopped"})
"""What only the recorder can say: covered by its tests."""

BRIDGE_CODES = frozenset(
    {
        "bridge-binary-dropped",
        "bridge-binary-refused",
        "bridge-close-reduced",
        "bridge-frame-left-out",
        "bridge-message-too-large",
        "bridge-not-base64",
        "bridge-subprotocol-chosen",
        "bridge-subprotocol-unanswered",
        "bridge-subprotocol-unoffered",
        "bridge-subprotocol-untranslatable",
        "bridge-subprotocol-unwanted",
        "bridge-text-replaced",
        "bridge-too-late",
        "challenge-unanswerable",
        "rfc6455-accept-wrong",
        "rfc6455-answer-unusable",
        "rfc6455-frame-fault",
        "rfc6455-message-too-large",
        "rfc6455-request-faulty",
        "rfc6455-text-not-utf8",
        "server-lacks-dialect",
        "version-not-supported",
    }
)
"""What only a bridge can find: covered by tests/bridge."""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_gives_its_findings(sample: Sample) -> None:
    codes = codes_of(sample)
    assert sample.expect <= codes
    severities = {CATALOGUE[code].severity.value for code in codes}
    assert not sample.forbid & (codes | severities)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_gives_no_other_fault(sample: Sample) -> None:
    faults = {
        code
        for code in codes_of(sample)
        if CATALOGUE[code].severity in (Severity.ERROR, Severity.WARNING)
    }
    assert faults <= sample.expect


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_names_known_codes_and_its_source(sample: Sample) -> None:
    assert sample.expect <= CATALOGUE.keys()
    assert sample.forbid <= CATALOGUE.keys() | {severity.value for severity in Severity}
    assert sample.title
    assert sample.source


def test_every_code_has_a_sample_or_belongs_to_the_session() -> None:
    covered = frozenset[str]().union(*(sample.expect for sample in SAMPLES))
    assert covered | SESSION_CODES | RECORDING_CODES | BRIDGE_CODES == CATALOGUE.keys()
    assert not covered & SESSION_CODES


def test_samples_are_what_their_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT.parent / "make_handshakes.py"))
    script["write"](tmp_path)
    assert _tree(tmp_path) == {
        name: content for name, content in _tree(ROOT).items() if name != "README.md"
    }


def _tree(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
