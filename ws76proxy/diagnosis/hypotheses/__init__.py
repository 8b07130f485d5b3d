"""Every wrong way to answer a challenge that is known: data, each with a server that does it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ws76proxy.diagnosis.hypotheses import digesting, key3, parts, sending
from ws76proxy.diagnosis.hypotheses.model import Asked, Hypothesis, Server, Steps

__all__ = ["HYPOTHESES", "Asked", "Hypothesis", "Server", "Steps"]

HYPOTHESES: Mapping[str, Hypothesis] = MappingProxyType(
    {
        hypothesis.code: hypothesis
        for subject in (parts, key3, digesting, sending)
        for hypothesis in subject.HYPOTHESES
    }
)
"""Code to hypothesis, in the order in which a server works. A code is never reused."""
