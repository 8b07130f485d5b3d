"""The published JSON Schema: fresh, a schema, and enough for an editor to complete from."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema

from ws76proxy.rules import json_schema, read_rules

from .made import no_file

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rules.schema.json"
COMMAND = "python -m ws76proxy.rules docs/rules.schema.json ws76proxy/rules.schema.json"


def test_the_published_schema_is_not_stale(tmp_path: Path) -> None:
    fresh = tmp_path / "schema.json"
    made = subprocess.run(
        [sys.executable, "-m", "ws76proxy.rules", str(fresh)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert made.stdout == b""
    assert PAGE.read_bytes() == fresh.read_bytes(), f"run: {COMMAND}"
    packaged = ROOT / "ws76proxy" / "rules.schema.json"
    assert packaged.read_bytes() == fresh.read_bytes(), f"run: {COMMAND}"
    assert json.loads(fresh.read_text(encoding="utf-8")) == json_schema()


def test_the_schema_is_a_schema_and_describes_all_that_can_be_written() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        for key, found in definition["properties"].items():
            assert key == "action" or found.get("description"), f"{name}.{key}"


def test_the_examples_of_the_page_are_rules() -> None:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) > 3
    validator = jsonschema.Draft202012Validator(json_schema())
    for example in examples:
        read_rules(example, "docs/rules.md", read_file=no_file)
        validator.validate(tomllib.loads(example))


def test_the_page_names_all_that_can_be_written() -> None:
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    said = set(re.findall(r"`([a-z0-9-]+)`", text))
    for name, definition in json_schema()["$defs"].items():
        missing = set(definition["properties"]) - said
        assert not missing, f"{name}: {missing}"
        action: dict[str, Any] = definition["properties"].get("action", {})
        assert set(action.get("enum", [])) <= said, name
