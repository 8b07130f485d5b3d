"""Rules for the transcripts, in a line each."""

from __future__ import annotations

__all__ = ["message", "request_rule", "response_rule"]


def message(*do: str, when: str = "", name: str = "r", more: str = "") -> str:
    """A rule for messages: each of `do` is what stands between the braces of an action."""
    return _rule("message", do, when, name, more)


def request_rule(*do: str, when: str = "", name: str = "r", more: str = "") -> str:
    """A rule for requests."""
    return _rule("request", do, when, name, more)


def response_rule(*do: str, when: str = "", name: str = "r", more: str = "") -> str:
    """A rule for answers."""
    return _rule("response", do, when, name, more)


def _rule(kind: str, do: tuple[str, ...], when: str, name: str, more: str) -> str:
    actions = ", ".join(f"{{ {one} }}" for one in do)
    lines = [f"[[{kind}]]", f'name = "{name}"', f"when = {{ {when} }}", f"do = [{actions}]", more]
    return "\n".join(lines) + "\n"
