"""Scripts of users: Python files whose functions sessions call."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import itertools
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from ws76proxy.errors import UsageError
from ws76proxy.scripting import FUNCTIONS, Running, Script, ScriptLimits, Scripts

__all__ = ["load_script", "scripts_of"]

_names = itertools.count(1)


def load_script(path: Path) -> Script:
    """Run a script's file and take its functions.

    Raises UsageError, with file and line, where there is no such file, where it is no Python or
    fails while it is run, and where it has none of the functions or one with other parameters.
    """
    file = str(path.absolute())
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    module = ModuleType(f"ws76proxy_script_{next(_names)}")
    module.__file__ = file
    # Classes of the script, such as dataclasses, look for their module there.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, file, "exec"), vars(module))  # noqa: S102 - what the user asked for
    except SyntaxError as error:
        place = f"{path}:{error.lineno or 1}"
        raise UsageError(f"{place}: expected Python, found: {error.msg}") from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        line = _line_in(error, file)
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        raise UsageError(f"{path}:{line}: failed while it was loaded: {text}") from None
    functions = {name: _function(path, module, name) for name in FUNCTIONS}
    if not any(functions.values()):
        raise UsageError(f"{path}: {_none_of_them(module)}")
    return Script(str(path), file, **functions)


def scripts_of(
    scripts: Sequence[Script],
    *,
    on_error: Literal["pass", "close"] = "pass",
    seconds: float = 30.0,
) -> Scripts:
    """Scripts that are called in this order, their asynchronous functions on asyncio's loop.

    `seconds`: how long one of those may take; 0: as long as it likes.
    """
    running = Running(
        time_limit=asyncio.timeout,
        is_cancellation=lambda error: isinstance(error, asyncio.CancelledError),
    )
    return Scripts(tuple(scripts), running, on_error, ScriptLimits(seconds=seconds))


def _function(path: Path, module: ModuleType, name: str) -> Callable[[Any], object] | None:
    function = getattr(module, name, None)
    if function is None:
        return None
    subject = name.removeprefix("on_")
    expected = f"expected a function of one parameter, {name}({subject})"
    if not callable(function):
        raise UsageError(f"{path}: {expected}; found {name} = {function!r:.60}")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
        found = f"{name}{inspect.signature(function)}"
        raise UsageError(f"{path}:{line}: {expected}; found {found}") from None
    except ValueError:
        # Something built in, which does not tell.
        pass
    taken: Callable[[Any], object] = function
    return taken


def _none_of_them(module: ModuleType) -> str:
    text = f"expected one of the functions {', '.join(FUNCTIONS)}"
    own = [name for name, value in vars(module).items() if inspect.isfunction(value)]
    for name in own:
        near = difflib.get_close_matches(name, FUNCTIONS, 1)
        if near:
            return f"{text}; found {name} (did you mean {near[0]}?)"
    return f"{text}; found none of them"


def _line_in(error: BaseException, file: str) -> int:
    """The last line of the file that an exception went through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file and frame.lineno is not None
    ]
    return lines[-1] if lines else 1
