"""What went wrong, in the words of a person, for whoever may have no need of the relay."""

from __future__ import annotations

__all__ = ["in_words"]


def in_words(error: OSError) -> str:
    """What the system says of an error."""
    # Not above: it brings the whole relay with it, which most have no use for.
    from ws76proxy.relay import words

    return words.in_words(error)
