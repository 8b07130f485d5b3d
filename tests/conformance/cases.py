"""The test cases of the Autobahn test suite, taken from its package though that is for Python 2.

`autobahntestsuite` 25.10.1 installs on Python 3 and does not run there: neither do its server and
client, nor the Autobahn library that they need. Its cases, 517 small classes, need only a few names
of Python 2, and say what they do in calls to a protocol object: `Fuzzer` is that object. Text in
them is bytes as Latin-1, as it was.
"""

from __future__ import annotations

import binascii
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

__all__ = ["VERSION", "DeflateAnswer", "DeflateOffer", "cases", "identifier", "missing"]

VERSION = "25.10.1"
_PACKAGE = "autobahntestsuite"
# Everything that Python 3 does not take as it is.
_CORRECTIONS = (
    ("(object, Case, )", "(Case,)"),
    ("/ self.p.autoFragmentSize", "// self.p.autoFragmentSize"),
    # It leaves the file open.
    ("open(fn, 'rb').read()", "read_file(fn)"),
    # The suite does not run it, and it needs Twisted.
    ("from case9_9_1 import *", ""),
)


@dataclass
class DeflateOffer:
    """What a client offers of permessage-deflate, in the words of Autobahn."""

    acceptNoContextTakeover: bool = True  # noqa: N815
    acceptMaxWindowBits: bool = True  # noqa: N815
    requestNoContextTakeover: bool = False  # noqa: N815
    requestMaxWindowBits: int = 0  # noqa: N815


@dataclass
class DeflateAnswer:
    """What a server makes of it."""

    offer: DeflateOffer
    requestNoContextTakeover: bool = False  # noqa: N815
    requestMaxWindowBits: int = 0  # noqa: N815


class _Response:
    """Of a server's answer; the cases only accept it."""


def missing() -> str | None:
    """Why there are no cases, or None."""
    if _folder() is None:
        return f"the Autobahn test suite is not installed: pip install {_PACKAGE}=={VERSION}"
    return None


@cache
def cases() -> tuple[type[Any], ...]:
    """Every case, in the suite's order."""
    folder = _folder()
    assert folder is not None, missing()
    with _python_2(folder):
        found: list[type[Any]] = importlib.import_module("__init__").Cases
    return tuple(found)


def identifier(case: type[Any]) -> str:
    """As the suite writes it: 1.1.1."""
    return case.__name__.removeprefix("Case").replace("_", ".")


def _folder() -> Path | None:
    # Found, and not imported.
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    return Path(places[0]) if places else None


class _Finder(MetaPathFinder):
    """The suite's modules, which import each other as those of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """A file of that name in the folder."""
        file = self._folder / f"{fullname}.py"
        if not file.exists():
            return None
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Loader(fullname, os.fspath(file))
        )


class _Loader(SourceFileLoader):
    """Corrects what is Python 2 in it."""

    def get_code(self, fullname: str) -> CodeType:
        """Never from a compiled file; text outside of ASCII is bytes."""
        source = Path(self.path).read_text(encoding="latin-1")
        source = re.sub(r"(?m)^(\s*)print\b.*$", r"\1pass", source)
        for wrong, right in _CORRECTIONS:
            source = source.replace(wrong, right)
        return compile(source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """With the names that are gone."""
        vars(module).update(xrange=range, unichr=chr, unicode=str, read_file=_read_file)
        super().exec_module(module)


@contextmanager
def _python_2(folder: Path) -> Iterator[None]:
    """What the cases import."""
    standing_in = {
        "autobahn": ModuleType("autobahn"),
        "autobahn.websocket": ModuleType("autobahn.websocket"),
        "autobahn.websocket.protocol": _module(WebSocketProtocol=_Protocol),
        "autobahn.websocket.utf8validator": _module(Utf8Validator=_Utf8Validator),
        "autobahn.websocket.compress": _module(
            PerMessageDeflateOffer=DeflateOffer,
            PerMessageDeflateOfferAccept=DeflateAnswer,
            PerMessageDeflateResponse=_Response,
            PerMessageDeflateResponseAccept=_Response,
        ),
        "binascii": _module(b2a_hex=_hex, hexlify=_hex),
        "pkg_resources": _module(resource_filename=lambda _, name: os.fspath(folder / name)),
    }
    finder = _Finder(folder / "case")
    before = dict(sys.modules)
    sys.modules.update(standing_in)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in sys.modules.keys() - before.keys():
            del sys.modules[name]
        sys.modules.update(before)


def _module(**names: object) -> ModuleType:
    module = ModuleType("standing_in")
    vars(module).update(names)
    return module


class _Protocol:
    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2


class _Utf8Validator:
    """Only asked whether a whole text is valid, or could become so."""

    def reset(self) -> None:
        """Nothing is kept."""

    def validate(self, text: str) -> tuple[bool, bool]:
        """Valid so far, and at the end of a character."""
        try:
            text.encode("latin-1").decode()
        except UnicodeDecodeError as error:
            return error.reason == "unexpected end of data", False
        return True, True


def _read_file(name: str) -> bytes:
    return Path(name).read_bytes()


def _hex(data: str | bytes) -> str:
    raw = data.encode("latin-1") if isinstance(data, str) else data
    return binascii.hexlify(raw).decode()
