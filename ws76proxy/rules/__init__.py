"""Rules that rewrite what passes: their language, and what they decide; pure."""

from ws76proxy.rules.errors import RuleError
from ws76proxy.rules.inputs import MAX_FILES
from ws76proxy.rules.language.schema import json_schema
from ws76proxy.rules.reading.reader import MAX_SIZE, read_rules
from ws76proxy.rules.reading.rewrite import parse_rewrite
from ws76proxy.rules.ruleset import Counts, RuleSet
from ws76proxy.rules.session import SessionRules

__all__ = [
    "MAX_FILES",
    "MAX_SIZE",
    "Counts",
    "RuleError",
    "RuleSet",
    "SessionRules",
    "json_schema",
    "parse_rewrite",
    "read_rules",
]
