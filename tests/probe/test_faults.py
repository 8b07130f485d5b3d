"""Each fault of a server is named by the cases that are about it, and by no others."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from ws76proxy.probe.cases import CASES
from ws76proxy.probe.model import Requirement, Verdict
from ws76proxy.probe.witness import Outcome
from ws76proxy.wire.dialect import Dialect

from . import faulty, faulty_frames
from .playing import TARGET, judged, play
from .strict import StrictServer

NAMES = [case.name for case in CASES]
OPENED_76 = {
    case.name
    for case in CASES
    if case.dialect is Dialect.HIXIE_76
    and play(case.script(TARGET), StrictServer()).outcome is Outcome.RIGHT
}
TALKS = {case.name for case in CASES if case.script(TARGET).talk} & OPENED_76
ANSWERS = {name for name in OPENED_76 if name.startswith("76.answer.")}
# Every case that looks at the digest of an answer which must come.
DIGEST = OPENED_76 - TALKS - ANSWERS
SHOULD = {case.name for case in CASES if case.requirement is Requirement.SHOULD}
MAY = {case.name for case in CASES if case.requirement is Requirement.MAY}
OPENINGS_76 = {case.name for case in CASES if not case.script(TARGET).talk} - ANSWERS
OPENINGS_76 = {name for name in OPENINGS_76 if name.startswith("76.")}

RANDOM = ("76.handshake.draft-*", "76.handshake.random-*")
DISCARD_LENGTHS = (
    "7?.discard.80*",
    "76.discard.81",
    "76.discard.ff-length",
    "76.discard.b*",
)

# The server, the patterns of all cases that fail, and of all that are non-strict.
FAULTS: list[tuple[type[StrictServer], Iterable[str], Iterable[str]]] = [
    (
        faulty.TrimsKey3,
        [
            "76.key3.*-cr",
            "76.key3.*-lf",
            "76.key3.*-crlf",
            "76.key3.*-space",
            "76.key3.leading-tab",
            "76.key3.spaces",
        ],
        (),
    ),
    (faulty.CutsKey3AtNul, ["76.key3.*-nul", "76.key3.zeros", "76.key3.text-frame"], ()),
    (
        faulty.HashesText,
        [
            *RANDOM,
            "76.key.31-bits",
            "76.key.greatest",
            "76.key.greatest-2",
            "76.key.high-bytes",
            "76.key.not-in-a-float",
            "76.key3.*-ff",
            "76.key3.b*",
            "76.key3.high-bytes",
            "76.key3.ones",
            "76.key3.text-frame",
        ],
        (),
    ),
    (faulty.LittleEndian, DIGEST, ()),
    (
        faulty.SignedNumbers,
        [
            "76.handshake.draft-overview",
            "76.handshake.random-*",
            "76.key.31-bits",
            "76.key.greatest*",
            "76.key.high-bytes",
            "76.key.not-in-a-float",
        ],
        (),
    ),
    (
        faulty.SignedParts,
        [
            "76.key.31-bits",
            "76.key.greatest",
            "76.key.greatest-2",
            "76.key.high-bytes",
        ],
        (),
    ),
    (faulty.CollapsesSpaces, [*RANDOM, "76.key.run-of-spaces"], ()),
    (faulty.CountsWhiteSpace, (), ["76.key.tab"]),
    (
        faulty.Floors,
        [
            "76.key.above-*",
            "76.key.empty",
            "76.key.missing-*",
            "76.key.no-digits",
            "76.key.no-spaces*",
            "76.key.not-divisible*",
        ],
        (),
    ),
    (faulty.StripsKeys, (), ["76.key.leading-space", "76.key.trailing-space"]),
    (faulty.LooksAtCase, ["7?.fields.lower-case", "76.fields.upper-case"], ()),
    (faulty.WantsItsOrder, ["76.fields.keys-first", "76.fields.reversed"], ()),
    (
        faulty.NeedsOneSegment,
        [*(name for name in NAMES if ".segments." in name and not name.endswith("-frame"))],
        (),
    ),
    (faulty.CountsWhatCameWithKey3, ["76.segments.with-frame"], ["76.frames.early"]),
    (faulty.DropsEarlyFrames, (), ["76.frames.early"]),
    (
        faulty.AnswersWithoutKey3,
        [
            "76.key3.never",
            "76.key3.seven-bytes",
            "76.segments.key3-*",
            "76.segments.byte-by-byte",
            "76.segments.line-by-line",
        ],
        (),
    ),
    (faulty.TakesBareLineFeeds, (), ["76.fields.bare-line-feeds"]),
    (
        faulty.TakesEverybody,
        (),
        ["76.host.absent", "76.host.foreign", "76.host.port-80", "76.origin.[af]*"],
    ),
    (faulty.LosesTheQuery, ["7?.answer.location", "76.resource.[!a]*"], ()),
    (faulty.WrongScheme, ["7?.answer.location", "76.resource.[!a]*"], ()),
    (faulty.NamesItsOwnOrigin, ["7?.answer.origin"], ()),
    (faulty.LowerCaseUpgrade, ["7?.answer.upgrade"], ()),
    (faulty.NamesOfTheOtherDialect, ["7?.answer.location", "7?.answer.origin"], ()),
    (faulty.UnaskedProtocol, (), ["7?.answer.protocol"]),
    (faulty.BareLineFeeds, ["7?.answer.lines", "75.answer.upgrade"], ()),
    (faulty.OldStatusLine, (), ["7?.answer.status-line"]),
    (faulty.AnotherProtocol, ["75.protocol.one", "76.protocol.*"], ()),
    (faulty.SendsALength, (), ["76.answer.length"]),
    (faulty.LineEndBehindDigest, TALKS, ()),
    (
        faulty.HexDigest,
        {
            name
            for name in DIGEST | TALKS
            if name != "76.frames.early" and not name.startswith("76.utf8.")
        },
        ["76.frames.early", "76.utf8.*"],
    ),
    (
        faulty.RefusesEverybody,
        OPENED_76 - (DIGEST & (SHOULD | MAY)) | {one for one in NAMES if one[:3] == "75."} - MAY,
        DIGEST & SHOULD,
    ),
    (
        faulty.OpensForEverybody,
        OPENINGS_76 | {"7?.answer.location", "7?.answer.origin"},
        ["75.protocol.one", "76.frames.early"],
    ),
    (faulty.NoDigest, OPENED_76 - {"76.fields.content-length"}, ["76.fields.content-length"]),
    (faulty.StatusTextOf76, (), ["75.answer.status-line"]),
    (
        faulty.DigestIn75,
        [
            "75.answer.nothing-behind",
            *("75.frames.*", "75.discard.*", "75.closing.*", "75.end.*"),
        ],
        (),
    ),
    (
        faulty_frames.DropsEmptyMessages,
        ["7?.frames.empty", "76.frames.*-empty", "76.frames.empty-*", "76.closing.behind-empty"],
        (),
    ),
    (faulty_frames.CutsTextAtNul, ["76.frames.nul"], ()),
    (
        faulty_frames.Latin1Text,
        [
            "75.frames.text",
            "76.frames.byte-*",
            "76.frames.*-bytes",
            "76.frames.planes",
            "76.frames.noncharacters",
            "76.frames.inside-character",
            "76.frames.size-non-ascii",
        ],
        ["76.utf8.*"],
    ),
    (faulty_frames.TrimsText, ["76.frames.ascii", "76.frames.spaces"], ()),
    (faulty_frames.SmallMessages, ["76.frames.size-1048576", "76.frames.size-non-ascii"], ()),
    (
        faulty_frames.WholeFramesOnly,
        [
            "75.frames.cut",
            "76.frames.byte-by-byte",
            "76.frames.*-apart",
            "76.frames.inside-character",
            "76.frames.empty-in-two",
            "76.frames.cut-between",
            "76.closing.in-two",
        ],
        (),
    ),
    (
        faulty_frames.OneFrameARead,
        [
            "7?.frames.many*",
            "76.frames.cut-between",
            "76.discard.between",
            "76.closing.after-text",
            "76.closing.behind-empty",
        ],
        (),
    ),
    (faulty_frames.EchoesLengthFrames, DISCARD_LENGTHS, ["75.closing.ff-00"]),
    (faulty_frames.EchoesEveryType, ["7?.discard.type-*"], ()),
    (
        faulty_frames.IgnoresLengths,
        [
            *(name for name in NAMES if any(fnmatchcase(name, one) for one in DISCARD_LENGTHS)),
            "76.closing.leading-zeros",
        ],
        (),
    ),
    (faulty_frames.ClosesOnBadText, (), ["76.utf8.*"]),
    (faulty_frames.EchoesBytes, (), ["76.utf8.*"]),
    (faulty_frames.AnswersHttp, ["7?.discard.*", "75.closing.ff-00"], ()),
    (faulty_frames.ClosesWithoutAnswer, (), ["76.closing.*"]),
    (
        faulty_frames.IgnoresClosing,
        [
            "76.closing.a*",
            "76.closing.in-two",
            "76.closing.behind-empty",
            "76.closing.leading-zeros",
            "76.closing.twice",
        ],
        ["76.closing.text-*", "76.closing.then-end"],
    ),
    (faulty_frames.ClosesBackwards, ["76.closing.*"], ()),
    (faulty_frames.TalksAfterClosing, ["76.closing.text-*"], ()),
    (
        faulty_frames.LingersAfterEnd,
        (),
        ["75.end.tcp", "76.end.*", "76.key3.seven-bytes"],
    ),
    (
        faulty_frames.EchoesUnfinished,
        [
            "75.frames.cut",
            "76.frames.byte-by-byte",
            "76.frames.*-apart",
            "76.frames.inside-character",
            "76.frames.empty-in-two",
            "76.frames.cut-between",
            "76.end.inside-text",
        ],
        (),
    ),
]


@pytest.mark.parametrize(
    ("server", "failed", "non_strict"), FAULTS, ids=[row[0].__name__ for row in FAULTS]
)
def test_a_fault_is_named(
    server: type[StrictServer], failed: Iterable[str], non_strict: Iterable[str]
) -> None:
    verdicts = {case.name: judged(case, server).verdict for case in CASES}
    for verdict, patterns in ((Verdict.FAILED, failed), (Verdict.NON_STRICT, non_strict)):
        expected = {name for one in patterns for name in NAMES if fnmatchcase(name, one)}
        assert {name for name, found in verdicts.items() if found is verdict} == expected


def test_every_faulty_server_is_tried() -> None:
    servers = {
        one
        for one in (*vars(faulty).values(), *vars(faulty_frames).values())
        if isinstance(one, type) and issubclass(one, StrictServer) and one is not StrictServer
    }
    assert servers == {row[0] for row in FAULTS}


def test_every_case_is_named_by_some_fault() -> None:
    """A case that no server fails may be one that none can fail."""
    patterns = [one for _, failed, non_strict in FAULTS for one in (*failed, *non_strict)]
    named = {name for name in NAMES if any(fnmatchcase(name, one) for one in patterns)}
    assert set(NAMES) - named == set()
