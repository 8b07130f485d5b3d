"""Handshakes that somebody has pasted, captured or recorded, explained."""

from ws76proxy.explain.challenge import explain_challenge
from ws76proxy.explain.explained import RANKS, Explained
from ws76proxy.explain.inputs import STANDARD_INPUT, Input, explain_inputs, inputs_of
from ws76proxy.explain.looking import look_at
from ws76proxy.explain.machine import JsonReport
from ws76proxy.explain.markdown import MarkdownReport
from ws76proxy.explain.model import Pasted, PastedError, Piece
from ws76proxy.explain.pasted import take_apart, take_pair_apart
from ws76proxy.explain.report import Report
from ws76proxy.explain.tally import CodeCount, ServerVerdict, Tally
from ws76proxy.explain.text import TextReport

__all__ = [
    "RANKS",
    "STANDARD_INPUT",
    "CodeCount",
    "Explained",
    "Input",
    "JsonReport",
    "MarkdownReport",
    "Pasted",
    "PastedError",
    "Piece",
    "Report",
    "ServerVerdict",
    "Tally",
    "TextReport",
    "explain_challenge",
    "explain_inputs",
    "inputs_of",
    "look_at",
    "take_apart",
    "take_pair_apart",
]
