"""The JSON Schema of rule files, for editors that complete and check while somebody writes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec

from ws76proxy.rules.language.base import Table
from ws76proxy.rules.language.file import RuleFile

__all__ = ["json_schema"]


def json_schema() -> dict[str, Any]:
    """The schema. It says all that the types say; what is not said in it only the reader checks:
    expressions, names that are taken, ranges that are upside down."""
    schema = msgspec.json.schema(RuleFile)
    tables = {table.__name__: table for table in _below(Table)}
    for name, definition in schema["$defs"].items():
        table = tables[name]
        # Python 3.13 takes the indentation away itself: the schema must not depend on that.
        definition["description"] = inspect.cleandoc(definition["description"]).replace("\n", " ")
        if table.exactly_one:
            definition["oneOf"] = [{"required": [key]} for key in table.exactly_one]
        if table.at_least_one:
            definition["anyOf"] = [{"required": [key]} for key in table.at_least_one]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = "urn:ws76proxy:rules:1"
    schema["title"] = "ws76proxy rules"
    return schema


def _below(table: type[Table]) -> Iterator[type[Table]]:
    for one in table.__subclasses__():
        yield one
        yield from _below(one)
