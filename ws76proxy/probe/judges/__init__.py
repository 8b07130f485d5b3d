"""From what came on a connection to a verdict: a few judges that all cases share."""

from ws76proxy.probe.judges.opening import Expect, Readings, answers, opens, withholds
from ws76proxy.probe.judges.talk import closes, ends, only_frames, replaces, texts

__all__ = [
    "Expect",
    "Readings",
    "answers",
    "closes",
    "ends",
    "only_frames",
    "opens",
    "replaces",
    "texts",
    "withholds",
]
