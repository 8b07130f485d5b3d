"""Rules for the relay of which none matches: what does it cost that there are rules at all?"""

from __future__ import annotations

# What people look for: words and patterns in either direction, values of JSON, sizes, numbers of
# messages. The load generator's messages have none of it, but each is to be looked at.
_CONDITIONS = (
    """from = "server", text = {{ contains = "order-{number}" }}""",
    """from = "client", text = {{ regex = '"sku":\\s*"X-{number}\\d+"' }}""",
    """text = {{ regex = '\\bsession[_-]?id={number}[0-9a-f]{{8}}\\b', ignore-case = true }}""",
    """from = "server", json = {{ path = "$.price", at-least = {number}000 }}""",
    """from = "client", json = {{ path = "$.user.name", equals = "user-{number}" }}""",
    """json = {{ path = "$.items[0].state", matches = {{ contains = "sold-{number}" }} }}""",
    """from = "client", number = {{ from = 40{number}00000000, to = 40{number}00000099 }}""",
    """text = {{ contains = "ERROR {number}", ignore-case = true }}""",
    """from = "server", text = {{ regex = '^(tick|tock) {number}$' }}""",
    """from = "server", size = {{ at-least = 1{number}000000 }}""",
)
_ACTIONS = (
    """{{ action = "replace", text = "order", with = "ORDER" }}""",
    """{{ action = "json-set", path = "$.sku", value = "X-0" }}""",
    """{{ action = "drop" }}""",
    """{{ action = "delay", seconds = 1 }}""",
    """{{ action = "mark", text = "seen by rule {number}" }}""",
    """{{ action = "duplicate" }}""",
    """{{ action = "truncate", characters = 10 }}""",
)


def none_matches(count: int = 100) -> str:
    """So many message rules, as TOML."""
    return "\n".join(
        f'[[message]]\nname = "rule {number}"\n'
        f"when = {{ {_CONDITIONS[number % len(_CONDITIONS)].format(number=number)} }}\n"
        f"do = [{_ACTIONS[number % len(_ACTIONS)].format(number=number)}]\n"
        for number in range(100, 100 + count)
    )
