"""Writes the JSON Schema of rule files: `python -m ws76proxy.rules FILE...`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ws76proxy.rules.language.schema import json_schema

__all__: list[str] = []

if __name__ == "__main__":
    # python -m ws76proxy.rules docs/rules.schema.json ws76proxy/rules.schema.json
    text = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    for name in sys.argv[1:]:
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    if len(sys.argv) == 1:
        sys.stdout.write(text)
