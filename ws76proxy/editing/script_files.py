"""A script's file becomes functions that can be called, or one message that says where it fails."""

from __future__ import annotations

import asyncio
import difflib
import importlib.abc
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ws76proxy.errors import UsageError
from ws76proxy.scripting import FUNCTIONS, Running, Script, ScriptLimits, Scripts
from ws76proxy.scripting.script import in_words, line_of

__all__ = ["load_script", "scripts_of"]

_MAX_SIZE = 16 * 1024 * 1024
_EXPECTED = f"expected one of the functions {', '.join(FUNCTIONS)}"
_NUMBERS = count(1)


def load_script(path: Path) -> Script:
    """Run a script's file and take its functions.

    Each load is a module of its own, under a name that nobody else has; while it runs, the modules
    in its folder can be imported. Nothing is written beside it; later changes of the file are not
    seen. Raises UsageError, ``FILE:LINE: …``, for a file that cannot be read, that is no Python,
    that raises, or that has no function of the right name or one that cannot be called with one
    argument.
    """
    source = _read(path)
    name = f"_ws76proxy_script_{next(_NUMBERS)}"
    file = str(path.absolute())
    loader = _Loader(file, source)
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    if spec is None:
        raise UsageError(f"{path}: expected a file of Python")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickle look a module up by its name.
    sys.modules[name] = module
    try:
        _run(path, file, loader, module)
        functions = _functions(path, file, module)
    except BaseException:
        del sys.modules[name]
        raise
    return Script(str(path), file, **functions)


def scripts_of(
    scripts: Sequence[Script],
    *,
    on_error: Literal["pass", "close"] = "pass",
    seconds: float = 30.0,
) -> Scripts:
    """Scripts, in order, to be run on asyncio; an asynchronous function may take so many seconds,
    with 0 as long as it likes."""
    limits = ScriptLimits(seconds=seconds)
    return Scripts(scripts, Running(asyncio.timeout, _is_cancellation), on_error, limits)


class _Loader(importlib.abc.SourceLoader):
    """Compiles what has been read: it neither looks for a file of bytecode nor makes one."""

    def __init__(self, path: str, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        if path != self._path:
            raise OSError(f"not a file of this script: {path!r}")
        return self._source


def _is_cancellation(error: BaseException) -> bool:
    """Whether the task that runs a script is being cancelled, not something that it waits for."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            source = file.read(_MAX_SIZE + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read: {why}") from None
    if len(source) > _MAX_SIZE:
        raise UsageError(f"{path}: expected a script of at most {_MAX_SIZE:,} bytes")
    return source


def _run(path: Path, file: str, loader: _Loader, module: ModuleType) -> None:
    folder = str(path.absolute().parent)
    sys.path.insert(0, folder)
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        if error.filename in (file, None):
            line = _place(error.lineno or 0)
            raise UsageError(f"{path}{line}: expected Python, found: {error.msg}") from None
        line = _place(line_of(error, file))
        place = f"{error.filename}:{error.lineno}: {error.msg}"
        raise UsageError(f"{path}{line}: it imports what is no Python: {place}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it does when it is loaded
        line = _place(line_of(error, file))
        raise UsageError(f"{path}{line}: it cannot be loaded: {in_words(error)}") from None
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _place(line: int) -> str:
    return f":{line}" if line else ""


def _functions(path: Path, file: str, module: ModuleType) -> dict[str, Callable[[Any], object]]:
    names = vars(module)
    found: dict[str, Any] = {name: names[name] for name in FUNCTIONS if names.get(name) is not None}
    for name, value in names.items():
        if name in FUNCTIONS or not callable(value):
            continue
        near = difflib.get_close_matches(name, FUNCTIONS, 1, cutoff=0.75)
        # A helper may be called nearly as a function that the script has anyway.
        if near and near[0] not in found and _is_of(value, module):
            line = _line_of(value, file)
            raise UsageError(f"{path}{line}: {_EXPECTED}, found {name} (did you mean {near[0]}?)")
    if not found:
        raise UsageError(f"{path}: {_EXPECTED}, found none of them")
    for name, function in found.items():
        _check(path, file, name, function)
    return found


def _check(path: Path, file: str, name: str, function: object) -> None:
    if not callable(function):
        raise UsageError(f"{path}: expected a function, found {name} = {function!r:.60}")
    line = _line_of(function, file)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"{path}{line}: {name}: expected a function without yield, found one")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError:
        one = name.removeprefix("on_")
        raise UsageError(
            f"{path}{line}: expected {name}({one}), a function of one argument,"
            f" found {name}{signature}"
        ) from None


def _is_of(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _line_of(function: object, file: str) -> str:
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if code is None or code.co_filename != file:
        return ""
    return f":{code.co_firstlineno}"
