"""Imports go down only, and what is pure stays pure: read from the source, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "ws76proxy"

# Each part, and the parts that it may import; a part may always import itself.
_BASE = {"errors", "endpoint", "patterns"}
_WIRE = _BASE | {"wire"}
_JUDGING = _WIRE | {"diagnosis"}
_RECORD = _JUDGING | {"record", "redaction"}
_SESSION = _RECORD | {"bridge", "rules", "scripting", "session"}
_CLI = _SESSION | {
    "console",
    "control",
    "demo",
    "editing",
    "explain",
    "fleet",
    "inspector",
    "probe",
    "recording",
    "relay",
    "replay",
    "words",
    "cli",
}
MAY_IMPORT = {
    "errors": set[str](),
    "endpoint": {"errors"},
    "patterns": {"errors"},
    "words": set[str](),
    "wire": {"errors"},
    "diagnosis": _WIRE,
    "rules": _JUDGING,
    "scripting": _WIRE,
    "editing": _SESSION,
    "bridge": _JUDGING,
    "record": _JUDGING,
    "redaction": _JUDGING | {"record"},
    "session": _SESSION,
    "console": _RECORD,
    "control": _SESSION | {"console", "relay", "words"},
    "demo": _SESSION,
    "probe": _SESSION | {"console", "relay", "words"},
    "relay": _SESSION | {"editing", "words"},
    "fleet": _SESSION,
    "recording": _SESSION,
    "replay": _SESSION | {"recording"},
    "inspector": _SESSION | {"recording"},
    "explain": _SESSION | {"console", "recording"},
    "pytest_plugin": _SESSION | {"recording", "replay"},
    "mitm": _SESSION | {"console", "editing", "recording", "replay"},
    "cli": _CLI,
    "__main__": _CLI,
}
PURE = {
    "errors",
    "endpoint",
    "patterns",
    "wire",
    "diagnosis",
    "rules",
    "scripting",
    "bridge",
    "record",
    "redaction",
    "session",
}
# Pure places in parts that are not, and what has effects there.
PURE_PLACES = (
    *(
        f"{PACKAGE}.replay.{name}"
        for name in ("compare", "dry_run", "expect", "heads", "plan", "player", "trial")
    ),
    *(
        f"{PACKAGE}.probe.{name}"
        for name in (
            "cases",
            "judges",
            "keys",
            "model",
            "opening",
            "pace",
            "redaction",
            "scouting",
            "script",
            "target",
            "witness",
        )
    ),
)
IMPURE_PLACES = (
    f"{PACKAGE}.probe.connection",
    f"{PACKAGE}.probe.runner",
    f"{PACKAGE}.relay",
    f"{PACKAGE}.replay.background",
    f"{PACKAGE}.replay.client",
    f"{PACKAGE}.replay.junit",
    f"{PACKAGE}.replay.server",
    f"{PACKAGE}.replay.soak",
    f"{PACKAGE}.replay.stage",
)
EFFECTS = {
    "asyncio",
    "concurrent",
    "datetime",
    "importlib",
    "logging",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}
# Libraries that one place alone may use.
ONLY_IN = {
    "mitmproxy": ("mitm", "recording.mitm"),
    "prompt_toolkit": ("control",),
    "prometheus_client": ("fleet", "cli.workers"),
    "proxyprotocol": ("relay.proxy_header",),
    "websockets": ("wire.rfc6455",),
    "wsproto": ("recording.rfc6455",),
}


class Import(NamedTuple):
    """One imported name, absolute: `from a import b` is ``a.b``."""

    name: str
    line: int


class Module(NamedTuple):
    """A module of the package, and all that it imports, anywhere in it."""

    name: str
    imports: list[Import]

    @property
    def part(self) -> str:
        """The folder or module right below the package; empty for the package itself."""
        return part_of(self.name)


def part_of(name: str) -> str:
    """The part of the package that a dotted name is in."""
    return name.partition(".")[2].partition(".")[0]


def is_in(name: str, place: str) -> bool:
    """Whether a dotted name is a place, or below it."""
    return f"{name}.".startswith(f"{place}.")


def imports_of(source: str, package: str) -> Iterator[Import]:
    """Every import of a source text, those in functions and for type checking included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            for alias in node.names:
                yield Import(".".join([*base, alias.name]), node.lineno)


def modules(root: Path = ROOT) -> list[Module]:
    """Every module of the package."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        package = parts[:-1]
        name = ".".join(package if parts[-1] == "__init__" else parts)
        found.append(Module(name, list(imports_of(path.read_text(), ".".join(package)))))
    return found


def upward(module: Module) -> Iterator[str]:
    """Imports of parts that this module's part may not know."""
    allowed = MAY_IMPORT.get(module.part, set()) | {module.part, "", "__version__"}
    for name, line in module.imports:
        if is_in(name, PACKAGE) and part_of(name) not in allowed:
            yield f"{module.name}, line {line}, imports {name}"


def effects(module: Module) -> Iterator[str]:
    """Imports of I/O, clock or entropy in a module that must be pure."""
    is_pure_place = any(is_in(module.name, place) for place in PURE_PLACES)
    if module.part in PURE or is_pure_place:
        for name, line in module.imports:
            beside = is_pure_place and any(is_in(name, place) for place in IMPURE_PLACES)
            if name.split(".")[0] in EFFECTS or beside:
                yield f"{module.name}, line {line}, imports {name}"


def misplaced(module: Module) -> Iterator[str]:
    """Imports of a library that another place has to itself."""
    for name, line in module.imports:
        places = ONLY_IN.get(name.split(".")[0])
        here = module.name.partition(".")[2]
        if places is not None and not any(is_in(here, place) for place in places):
            yield f"{module.name}, line {line}, imports {name}"


def test_every_part_has_its_place() -> None:
    unknown = {module.part for module in modules()} - MAY_IMPORT.keys() - {""}
    assert not unknown, f"say in MAY_IMPORT what these may import: {sorted(unknown)}"


def test_imports_go_down_only() -> None:
    assert [fault for module in modules() for fault in upward(module)] == []


def test_no_effects_in_what_is_pure() -> None:
    assert [fault for module in modules() for fault in effects(module)] == []


def test_libraries_with_one_user() -> None:
    assert [fault for module in modules() for fault in misplaced(module)] == []


def test_the_table_goes_down() -> None:
    """Whoever may be imported may not import back; so there are no circles between parts."""
    for part, allowed in MAY_IMPORT.items():
        for other in allowed - {part}:
            assert part not in MAY_IMPORT[other], f"{part} and {other} may import each other"
            assert part not in PURE or other in PURE


@pytest.mark.parametrize(
    ("module", "source", "faults"),
    [
        ("wire.frames", "from ws76proxy.errors import LocalProtocolError\nimport re", ""),
        ("wire.frames", "from ws76proxy import __version__, errors", ""),
        ("wire.frames", "from .head import Head", ""),
        ("wire.frames", "from ws76proxy import session", "up"),
        ("wire.frames", "from .. import session", "up"),
        ("wire.frames", "from ..session.core import Session", "up"),
        ("wire.frames", "def later():\n    import ws76proxy.cli", "up"),
        ("wire.frames", "import asyncio.events", "effects"),
        ("wire.frames", "from os import path", "effects"),
        ("wire.frames", "import wsproto", "misplaced"),
        ("wire.frames", "import websockets", "misplaced"),
        ("wire.rfc6455.decoding", "from websockets.frames import Frame", ""),
        ("wire.rfc6455.decoding", "import wsproto", "misplaced"),
        ("recording.rfc6455", "import wsproto", ""),
        ("record", "from ws76proxy.diagnosis.model import Severity", ""),
        ("record", "from ws76proxy.session import Session", "up"),
        ("record", "import time", "effects"),
        ("session.core", "from ws76proxy.record import Messages", ""),
        ("relay.pumps", "import asyncio\nfrom ws76proxy.session import Session", ""),
        ("relay.pumps", "from ws76proxy.cli.run import run", "up"),
        ("relay.pumps", "import mitmproxy.http", "misplaced"),
        ("recording.mitm", "import mitmproxy.http", ""),
        ("recording.writer", "import mitmproxy.http", "misplaced"),
        ("mitm.layer", "import mitmproxy.http\nfrom ws76proxy.session import Session", ""),
        ("mitm.layer", "from ws76proxy.relay import Relay", "up"),
        ("replay.client", "import asyncio", ""),
        ("replay.plan", "import asyncio", "effects"),
        ("replay.plan", "from ws76proxy.replay.client import play", "effects"),
        ("probe.runner", "import asyncio\nfrom ws76proxy.relay.tls import upstream_context", ""),
        ("probe.runner", "from ws76proxy.cli.probe import command", "up"),
        ("probe.cases.keys", "import random", "effects"),
        ("probe.judges.talk", "from ws76proxy.probe.runner import probe", "effects"),
        ("cli.run", "import asyncio\nfrom ws76proxy import relay, recording", ""),
    ],
)
def test_these_tests_can_fail(tmp_path: Path, module: str, source: str, faults: str) -> None:
    path = (tmp_path / PACKAGE).joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (read,) = modules(tmp_path)
    found = {
        "up": list(upward(read)),
        "effects": list(effects(read)),
        "misplaced": list(misplaced(read)),
    }
    assert [name for name, listed in found.items() if listed] == ([faults] if faults else [])
