"""The prompt of `relay --interactive`: a person decides where the relay prints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import rich.console
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.shortcuts import CompleteStyle

from ws76proxy.console.ink import Ink
from ws76proxy.console.text import cut
from ws76proxy.control.breakpoints import Breakpoints
from ws76proxy.control.editor import EditorError, edit
from ws76proxy.control.lines import gone_line, held_lines, session_lines, shown_lines
from ws76proxy.control.messages import GoneEvent, HeldMessage, RefusedError
from ws76proxy.control.screen import Screen

__all__ = ["Prompt"]

_ALL = "all"
_MOST_LISTED = 50

_HELP = {
    "list": ("", "the messages that wait"),
    "show": ("NAME", "all of a message"),
    "edit": ("NAME", "change it in $EDITOR; then it goes on"),
    "release": ("NAME... | all", "it goes on as it is"),
    "drop": ("NAME... | all", "it does not go on"),
    "sessions": ("", "the sessions that are open"),
    "help": ("", "this"),
    "quit": ("", "stop the relay, as Ctrl-C and Ctrl-D do"),
}


class Prompt:
    """Reads commands and carries them out, until it is cancelled or the user quits.

    `announce`: say what begins to wait and what has gone, because nobody else does. `quit` is
    called when the user wants to stop the relay.
    """

    wants_records = False

    def __init__(
        self, breakpoints: Breakpoints, screen: Screen, *, announce: bool, quit: Callable[[], None]
    ) -> None:
        self._breakpoints = breakpoints
        self._screen = screen
        self._announce = announce
        self._quit = quit
        self._ink = Ink.of(rich.console.Console(highlight=False))
        self._waiting: set[str] = set()
        self._session: PromptSession[str] = PromptSession(
            self._message,
            completer=_Names(self),
            complete_style=CompleteStyle.READLINE_LIKE,
            complete_while_typing=False,
            reserve_space_for_menu=0,
            interrupt_exception=EOFError,
            input=screen.input,
            output=screen.output,
        )
        self._actions: dict[str, Callable[[list[str]], Awaitable[None] | None]] = {
            "list": self._list,
            "show": self._show,
            "edit": self._edit,
            "release": lambda names: self._decide(names, breakpoints.release),
            "drop": lambda names: self._decide(names, breakpoints.drop),
            "sessions": self._sessions,
            "help": self._help,
        }

    async def run(self) -> None:
        """Ask, and do, until the user quits."""
        screen = self._screen
        self._waiting = {message.name for message in self._breakpoints.watch(self)}
        try:
            with screen.instead_of_standard_output():
                screen.application = self._session.app
                self._say("messages that a rule pauses wait here; help says what to do\n")
                while True:
                    try:
                        line = await self._session.prompt_async(
                            handle_sigint=False, set_exception_handler=False
                        )
                    except EOFError:
                        break
                    if not await self._obey(line):
                        break
        finally:
            screen.application = None
            self._breakpoints.unwatch(self)
        self._quit()

    @property
    def names(self) -> list[str]:
        """What waits, in order."""
        return sorted(self._waiting, key=lambda name: [int(part) for part in name.split(".")])

    # A watcher

    def waits(self, message: HeldMessage) -> None:
        self._waiting.add(message.name)
        if self._announce:
            self._say(held_lines(self._ink, self._screen.columns, message))
        self._session.app.invalidate()

    def gone(self, event: GoneEvent) -> None:
        self._waiting.discard(event.name)
        if self._announce:
            self._say(gone_line(self._ink, event))
        self._session.app.invalidate()

    def told(self, lines: list[bytes]) -> None:
        """Not asked for."""

    # Commands

    def _message(self) -> StyleAndTextTuples:
        count = len(self._waiting)
        if not count:
            return [("", "ws76proxy> ")]
        return [("", "ws76proxy "), ("bold", f"({count:,} waiting)"), ("", "> ")]

    async def _obey(self, line: str) -> bool:
        """Carry out a command; whether to go on."""
        verb, *names = line.split() or [""]
        if not verb:
            return True
        meant = [verb] if verb in _HELP else [name for name in _HELP if name.startswith(verb)]
        if len(meant) != 1:
            found = cut(verb, 40, self._ink.ellipsis)
            self._say(f"found {found!r}; expected one of {', '.join(meant or _HELP)}\n")
            return True
        if meant == ["quit"]:
            return False
        try:
            done = self._actions[meant[0]](names)
            if done is not None:
                await done
        except (RefusedError, EditorError) as error:
            self._say(f"{error}\n")
        return True

    def _list(self, _: list[str]) -> None:
        messages = self._breakpoints.held()
        for message in messages[:_MOST_LISTED]:
            self._say(held_lines(self._ink, self._screen.columns, message))
        if len(messages) > _MOST_LISTED:
            self._say(f"{self._ink.ellipsis} and {len(messages) - _MOST_LISTED:,} more\n")
        if not messages:
            self._say("nothing waits\n")

    def _show(self, names: list[str]) -> None:
        message = self._breakpoints.show(self._one(names))
        self._say("".join(shown_lines(self._ink, self._screen.columns, message)))

    def _sessions(self, _: list[str]) -> None:
        lines = session_lines(self._ink, self._screen.columns, self._breakpoints.sessions())
        self._say("".join(lines))

    def _help(self, _: list[str]) -> None:
        for name, (what, meaning) in _HELP.items():
            self._say(f"  {name:<9}{what:<15}{meaning}\n")
        self._say(
            "  A NAME is as in the list, such as 3.17; Tab completes; r is release, and so on.\n"
        )

    def _decide(self, names: list[str], decide: Callable[[str], None]) -> None:
        if names == [_ALL]:
            names = self.names
            if not names:
                self._say("nothing waits\n")
        elif not names:
            self._one(names)
        for name in names:
            try:
                decide(name)
            except RefusedError as refusal:
                self._say(f"{refusal}\n")

    async def _edit(self, names: list[str]) -> None:
        name = self._one(names)
        content = self._breakpoints.content(name)
        try:
            async with self._screen.lent():
                edited = await edit(content, name)
        except EditorError as error:
            self._say(f"{error}: nothing changes, and {name} waits as before\n")
            return
        if edited == content:
            self._say(f"{name} is unchanged, and waits as before: release {name} lets it go on\n")
            return
        try:
            self._breakpoints.edit(name, edited)
        except RefusedError as refusal:
            if refusal.code == "no-such-message":
                self._say(f"{name} has gone on while it was edited; the edit is not used\n")
            else:
                self._say(f"{refusal}: {name} waits as before\n")

    def _one(self, names: list[str]) -> str:
        if len(names) == 1:
            return names[0]
        found = f"{len(names)} names" if names else "no name"
        waiting = ", ".join(self.names[:5])
        raise RefusedError(
            "bad-name", found, f"one of {waiting}" if waiting else "one; but nothing waits"
        )

    def _say(self, text: str) -> None:
        self._screen.say(text)


class _Names(Completer):
    """Completes commands, and behind them what waits."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        *before, word = document.text_before_cursor.split(" ")
        if not before:
            choices = list(_HELP)
        else:
            choices = self._prompt.names
            if "all" in _HELP.get(before[0], ("",))[0]:
                choices = [*choices, _ALL]
        for choice in choices:
            if choice.startswith(word):
                yield Completion(f"{choice} " if not before else choice, -len(word))
