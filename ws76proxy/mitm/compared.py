"""How a replay differed from its recording: for the log, and in the flow."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mitmproxy import http

from ws76proxy.mitm.told import Told
from ws76proxy.record import Peer
from ws76proxy.replay import EXACT, Difference, Plan, as_text

__all__ = ["tell_comparison"]

_MOST_KEPT = 20


def tell_comparison(
    plan: Plan,
    played: Peer,
    differences: Sequence[Difference],
    flow: http.HTTPFlow | None,
    told: Told | None,
    notes: Sequence[str] = (),
) -> list[tuple[int, str]]:
    """Keep how the other peer did, whose part nobody played; return it as lines for the log, with
    their levels. `flow` and `told` None: no flow came of it.

    The flow gets `metadata["ws76"]["replay"]`, a comment, and a mark where there are differences.
    """
    texts = [as_text([one], EXACT) for one in differences[:_MOST_KEPT]]
    what = f"ws76: {plan.name}, played as the {played}"
    lines = [(logging.INFO, f"ws76: replay: {note}") for note in notes]
    if differences:
        lines.append((logging.WARNING, f"{what}: {_summary(differences)}"))
        lines += [(logging.WARNING, f"ws76: {text}") for text in texts]
    else:
        lines.append((logging.INFO, f"{what}: as recorded"))
    if flow is None or told is None:
        return lines
    told.values["replay"] = {
        "of": plan.name,
        "played": played,
        "equal": not differences,
        "differences": texts,
        "differences_left_out": len(differences) - len(texts),
        "notes": list(notes),
    }
    told.put(flow)
    if differences:
        first = texts[0].splitlines()[0]
        told.comment(flow, "replay", f"replay of {plan.name}: {_summary(differences)}: {first}")
        told.mark(flow, ":warning:")
    else:
        told.comment(flow, "replay", f"replay of {plan.name}: as recorded")
    return lines


def _summary(differences: Sequence[Difference]) -> str:
    count = len(differences)
    return "1 difference" if count == 1 else f"{count} differences"
