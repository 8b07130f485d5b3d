"""What users write to choose texts: regular expressions that cannot hang, and `*` and `?`."""

from __future__ import annotations

import fnmatch
import re

import re2

from ws76proxy.errors import UsageError

__all__ = ["Glob", "Regex"]


class Regex:
    """A regular expression of RE2: its time grows with the text, whatever the expression.

    That costs look-around and back-references, which RE2 does not have. `^` and `$` are the ends of
    the text, `.` is anything but a line end, unless flags such as ``(?ims)`` say otherwise.
    """

    def __init__(self, text: str) -> None:
        """Raises UsageError for what is no such expression; it says what and where."""
        self.text = text
        options = re2.Options()
        # RE2 would write to standard error by itself.
        options.log_errors = False
        options.never_capture = True
        try:
            self._compiled = re2.compile(text.encode("utf-8"), options)
        except UnicodeEncodeError:
            raise UsageError(f"{text!r}: expected a regular expression in Unicode") from None
        except re2.error as error:
            why = error.args[0] if error.args else ""
            said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
            raise UsageError(
                f"{text!r}: expected a regular expression as RE2 reads it, found {said}"
            ) from None

    def is_in(self, text: str) -> bool:
        """Whether some of the text matches."""
        # In bytes: for a text RE2's binding would also count where its characters stand.
        return self._compiled.search(text.encode("utf-8", "replace")) is not None


class Glob:
    """A pattern for a whole text, in which `*` is any characters and `?` is one."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        self.text = text
        # Brackets are ordinary here: they stand in the queries of resources and in IPv6 addresses.
        pattern = fnmatch.translate(text.replace("[", "[[]"))
        self._match = re.compile(pattern, re.IGNORECASE if ignore_case else 0).match

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._match(text) is not None
