"""Each way to write a rule wrong: one message with its place, and what was expected and found."""

from __future__ import annotations

import pytest

from ws76proxy.errors import UsageError
from ws76proxy.rules import MAX_FILES, MAX_SIZE, RuleError, RuleSet, read_rules

from .made import no_file

# Where the fault must be reported is marked in the text, before its first character.
MARK = "‸"

HEAD = '[[message]]\nname = "a"\n'
DO = 'do = [{ action = "drop" }]\n'


def message(when: str = "", do: str = 'action = "drop"') -> str:
    """A rule for messages with one thing in it that is wrong."""
    return f"{HEAD}when = {{ {when} }}\ndo = [{{ {do} }}]\n"


def request(do: str, when: str = "") -> str:
    return f'[[request]]\nname = "a"\nwhen = {{ {when} }}\ndo = [{{ {do} }}]\n'


def response(do: str, when: str = "") -> str:
    return f'[[response]]\nname = "a"\nwhen = {{ {when} }}\ndo = [{{ {do} }}]\n'


SYNTAX = [
    ('seed = 1\nname = "a‸\n', "Illegal"),
    ("seed ‸\n", "TOML"),
    ("seed = ‸\n", "value"),
    ("[[message]\n", "TOML"),
    ("seed = 1\nseed = 2‸\n", "overwrite"),
    ("seed = 1 ‸x", "TOML"),
    ("a = " + "[" * 5_000, "nested"),
]

KEYS = [
    ("‸sead = 1", "did you mean 'seed'"),
    ("‸messages = []", "did you mean 'message'"),
    (f"{HEAD}‸wen = {{}}\n{DO}", "did you mean 'when'"),
    (f"{HEAD}{DO}‸stopp = true", "did you mean 'stop'"),
    (message("‸pth = 'x'"), "did you mean 'path'"),
    (message("path = 'x', ‸orgin = 'x'"), "did you mean 'origin'"),
    (message("‸fields = {}"), "did you mean 'field'"),
    (message("json = { ‸pat = '$', equals = 1 }"), "did you mean 'path'"),
    (message("json = [{ path = '$', equals = 1 }, { path = '$', ‸equal = 1 }]"), "'equals'"),
    (message("text = { ‸regexp = 'x' }"), "did you mean 'regex'"),
    (message("text = ['a', { ‸globb = 'x' }]"), "did you mean 'glob'"),
    (message("field = { Cookie = { ‸exakt = 'x' } }"), "did you mean 'exact'"),
    (message("number = { ‸form = 1 }"), "did you mean 'from'"),
    (message(do="action = 'delay', ‸second = 1"), "did you mean 'seconds'"),
    (message(do="action = 'hold', until = { ‸frm = 'client' }"), "did you mean 'from'"),
    (message(do="action = 'drop', ‸times = 2"), "'times'"),
    (f'{HEAD}when.‸pth = "x"\n{DO}', "did you mean 'path'"),
    (f'{HEAD}{DO}[message.when]\n"‸pth" = "x"\n'.replace('"‸', '‸"'), "did you mean 'path'"),
    (f'{HEAD}[[message.do]]\naction = "drop"\n[[message.do]]\naction = "mark"\n‸txt = "x"', "text"),
    (f"{message()}[[message]]\n‸nam = 'b'\n{DO}", "did you mean 'name'"),
    (request("action = 'drop'", "‸text = 'x'").replace("drop", "mark"), "[[message]]"),
    (message("‸status = 101"), "[[response]]"),
    (f"{HEAD}{DO}[message.‸wen]\npath = 'x'", "did you mean 'when'"),
    (f"{HEAD}{DO}[message.when.‸jsn]\npath = 'x'", "did you mean 'json'"),
]

MISSING = [
    (f"‸[[message]]\n{DO}", "'name'"),
    ("‸[[message]]\nname = 'a'", "'do'"),
    (f"{message()}‸[[message]]\n{DO}", "'name'"),
    (message("json = ‸{ equals = 1 }"), "'path'"),
    (message("json = ‸{ path = '$.a' }"), "exactly one of 'equals', 'not'"),
    (message("text = ‸{}"), "exactly one of 'exact', 'glob', 'regex', 'contains'; found none"),
    (message("text = ‸{ ignore-case = true }"), "exactly one of 'exact'"),
    (message("number = ‸{}"), "at least one of 'from', 'to'"),
    (message("size = ‸{}"), "at least one of 'at-least', 'at-most'"),
    (f"{HEAD}do = [‸{{ text = 'x' }}]", "'action'"),
    (f"{HEAD}do = [‸{{ action = 'delay' }}]", "'seconds'"),
    (f"{HEAD}do = [{{ action = 'drop' }},\n  ‸{{ action = 'inject', text = 'x' }}]", "'to'"),
    (f"{HEAD}do = [‸{{ action = 'inject', to = 'client' }}]", "'text', 'file', 'hex'"),
    (f"{HEAD}do = [‸{{ action = 'replace', with = '' }}]", "'text', 'regex'"),
    (f"{HEAD}do = [‸{{ action = 'truncate' }}]", "'characters', 'bytes'"),
    (f"{HEAD}do = [‸{{ action = 'json-set', path = '$' }}]", "'value', 'json'"),
    (message(do="action = 'hold', until = ‸{}"), "at least one of"),
    (f"{HEAD}do = ‸[]", "an empty list"),
    ("[[request]]\nname = 'a'\ndo = [‸{ action = 'set' }]", "at least one of 'path'"),
    ("[[response]]\nname = 'a'\ndo = [‸{ action = 'set' }]", "at least one of 'location'"),
]

WORDS = [
    (message(do="action = ‸'dorp'"), "did you mean 'drop'"),
    (message(do="action = ‸'jsonset', path = '$'"), "did you mean 'json-set'"),
    (message(do="action = ‸'cut-key3', bytes = 1"), "[[request]]"),
    (request("action = ‸'duplicate'"), "[[message]]"),
    (message(do="action = ‸'explode'"), "'explode'"),
    (message(do="action = ‸3"), "the number 3"),
    (message("from = ‸'cleint'"), "did you mean 'client'"),
    (message("dialect = ‸'hixie76'"), "did you mean 'hixie-76'"),
    (message("dialect = ['hixie-76', ‸'hixie75']"), "did you mean 'hixie-75'"),
    (message(do="action = 'close', how = ‸'rst'"), "'reset'"),
    (message(do="action = 'close', how = 'fin', to = ‸'clients'"), "did you mean 'client'"),
    (message(do="action = 'inject', to = 'client', text = '', place = ‸'befor'"), "'before'"),
    (response("action = 'corrupt-digest', bug = ‸'digest-number-claped'"), "digest-number-clamped"),
    (response("action = 'corrupt-digest', bug = ‸'nothing-like-it'"), "'nothing-like-it'"),
    (
        response("action = 'corrupt-digest', bug = ‸'digest-number-clamped+digest-number-wrapped'"),
        "combined",
    ),
]

TYPES = [
    ("seed = ‸'x'", "a whole number"),
    ("seed = ‸1.5", "a whole number"),
    ("message = ‸5", "a list"),
    ("message = [‸5]", "a table"),
    ("[‸message]\nname = 'a'".replace("[‸", "‸["), "a list"),
    (f"[[message]]\nname = ‸5\n{DO}", "a text"),
    (f"[[message]]\nname = ‸''\n{DO}", "1 to 200 characters"),
    (f"[[message]]\nname = ‸'{'x' * 201}'\n{DO}", "1 to 200 characters"),
    (f'[[message]]\nname = ‸"a\\nb"\n{DO}', "printable"),
    (f'[[message]]\nname = ‸"  "\n{DO}', "printable"),
    (f"{HEAD}{DO}stop = ‸1", "true or false"),
    (f"{HEAD}{DO}stop = ‸'yes'", "true or false"),
    (f"{HEAD}{DO}limit = ‸0", "1 or more"),
    (f"{HEAD}{DO}limit = ‸-1", "1 or more"),
    (f"{HEAD}when = ‸'x'\n{DO}", "a table"),
    (f"{HEAD}do = ‸'drop'", "a list"),
    (f"{HEAD}do = ‸{{ action = 'drop' }}", "a list"),
    (f"{HEAD}do = [‸'drop']", "a table"),
    (message("path = ‸7"), "a text or a table or a list"),
    (message("path = ['a', ‸7]"), "a text or a table"),
    (message("path = ‸[]"), "an empty list"),
    (message("path = { exact = ‸7 }"), "a text"),
    (message("text = { glob = 'x', ignore-case = ‸1 }"), "true or false"),
    (message("field = { ‸Cookie = 3 }".replace("‸Cookie = 3", "Cookie = ‸3")), "true or false"),
    (message("field = { A = true, 'B' = ‸3 }"), "true or false"),
    (message("field = { A = true, B = ['x', ‸3] }"), "a text or a table"),
    (message("session = ‸0"), "1 or more"),
    (message("session = [1, ‸-2]"), "1 or more"),
    (message("session = 1979-05-27").replace("1979", "‸1979"), "a date or time"),
    (message("number = { from = ‸0 }"), "1 or more"),
    (message("number = ‸1.5"), "the number 1.5"),
    (message("every = ‸0"), "1 or more"),
    (message("probability = ‸1.5"), "0 to 1"),
    (message("probability = ‸-0.1"), "0 to 1"),
    (message("probability = ‸nan"), "0 to 1"),
    (message("probability = ‸true"), "a number"),
    (message("after = ‸-1"), "0 to 86400"),
    (message("before = ‸inf"), "0 to 86400"),
    (message("size = ‸-1"), "0 or more"),
    (message("valid = ‸'yes'"), "true or false"),
    (message("json = { path = '$', less = ‸'x' }"), "a whole number or a number"),
    (message("json = { path = '$', equals = ‸nan }"), "JSON"),
    (message("json = { path = '$', equals = ‸1979-05-27 }"), "JSON"),
    (message("json = { path = '$', equals = ‸[1, inf] }"), "JSON"),
    (message("text = '" + "x" * 10_001 + "'").replace("text = ", "text = ‸"), "10001 characters"),
    (message("text = { regex = ‸'" + "x" * 10_001 + "' }"), "10001 characters"),
    (message(do="action = 'delay', seconds = ‸-1"), "0 to 86400"),
    (message(do="action = 'delay', seconds = ‸'1s'"), "a number"),
    (message(do="action = 'delay', seconds = [0, ‸-1]"), "0 to 86400"),
    (message(do="action = 'delay', seconds = ‸[1]"), "a list of 2, found a list of 1"),
    (message(do="action = 'delay', seconds = ‸[1, 2, 3]"), "a list of 2, found a list of 3"),
    (message(do="action = 'duplicate', times = ‸0"), "1 to 100"),
    (message(do="action = 'duplicate', times = ‸101"), "1 to 100"),
    (message(do="action = 'corrupt', bytes = ‸0"), "1 to 1000000"),
    (message(do="action = 'truncate', bytes = ‸-1"), "0 or more"),
    (message(do="action = 'throttle', bytes-per-second = ‸-1"), "0 to"),
    (message(do="action = 'replace', text = ‸'', with = 'x'"), "1 to 10000 characters"),
    (message(do="action = 'replace', text = 'a', with = 'x', count = ‸0"), "1 to 1000000"),
    (message(do="action = 'mark', text = ‸''"), "1 to 1000 characters"),
    (request("action = 'cut-key3', bytes = ‸8"), "0 to 7"),
    (request("action = 'split', at = ‸[]"), "an empty list"),
    (request("action = 'split', at = [‸0]"), "1 to"),
    (request("action = 'answer', status = ‸99"), "100 to 999"),
    (request("action = 'answer', status = ‸'200'"), "a whole number"),
    (request("action = 'answer', status = 200, fields = { A = ‸1 }"), "a text"),
    (response("action = 'mark', text = 'x'", "status = ‸99"), "100 to 999"),
    (response("action = 'mark', text = 'x'", "status = { from = ‸'a' }"), "a whole number"),
    (message("field = { ‸'' = true }"), "a name of 1 to 200 characters"),
]

CONFLICTS = [
    (f"{message()}[[message]]\nname = ‸'a'\n{DO}", "no other rule has"),
    (
        request("action = 'mark', text = 'x'") + message().replace('name = "a"', 'name = ‸"a"'),
        "[[request]] number 1",
    ),
    (message("text = { exact = 'a', ‸glob = 'b' }"), "'exact' and 'glob'"),
    (message("text = ['a', { regex = 'a', ‸contains = 'b' }]"), "exactly one"),
    (message("field = { A = { exact = 'a', ‸glob = 'b' } }"), "exactly one"),
    (message("json = { path = '$', equals = 1, ‸exists = true }"), "exactly one"),
    (message(do="action = 'replace', text = 'a', ‸regex = 'b', with = ''"), "exactly one"),
    (message(do="action = 'truncate', characters = 1, ‸bytes = 1"), "exactly one"),
    (message(do="action = 'inject', to = 'client', text = 'a', ‸hex = '00'"), "exactly one"),
    (message(do="action = 'hold', until = { text = { exact = 'a', ‸glob = 'b' } }"), "exactly"),
    (message("number = { from = 5, to = ‸4 }"), "5 or more"),
    (message("session = { from = 5, to = ‸4 }"), "5 or more"),
    (message("size = { at-least = 5, at-most = ‸4 }"), "5 or more"),
    (message("after = 5, before = ‸5"), "more than 5"),
    (response("action = 'mark', text = 'x'", "status = { from = 300, to = ‸200 }"), "300 or more"),
    (message(do="action = 'delay', seconds = [2, ‸1]"), "2 or more"),
    (request("action = 'delay', seconds = [2, ‸1]"), "2 or more"),
    (request("action = 'split', at = [5, ‸5]"), "above 5"),
    (request("action = 'split', at = [5, 9, ‸7]"), "above 9"),
]

CONTENT = [
    (message("text = { regex = ‸'(' }"), "missing )"),
    (message("path = { regex = ‸'[' }"), "missing ]"),
    (message("text = ['a', { regex = ‸'(?=a)' }]"), "RE2"),
    (message("field = { A = { regex = ‸'*' } }"), "no argument for repetition"),
    (message("json = { path = '$', matches = { regex = ‸'(' } }"), "missing )"),
    (message("text = { regex = ‸'((\\pL{100}){10}){1}' }"), "8 MiB"),
    (message("text = [" + "{ regex = '\\pL{30}' }, " * 55 + "{ regex = ‸'\\pL{30}' }]"), "2000000"),
    (message(do="action = 'replace', regex = ‸'a(', with = ''"), "missing )"),
    (message(do="action = 'replace', regex = 'a', with = ‸'\\1'"), "a group"),
    (message(do="action = 'replace', regex = '(?P<x>a)', with = ‸'\\g<y>'"), "1, x"),
    (message(do="action = 'replace', regex = '(a)', with = ‸'\\2'"), "found '2'"),
    (message(do="action = 'replace', regex = 'a', with = ‸'\\q'"), "\\q"),
    (message(do="action = 'replace', regex = 'a', with = ‸'x\\'"), "\\"),
    (message(do="action = 'hide', regex = ‸'('"), "missing )"),
    (message("json = { path = ‸'price', equals = 1 }"), "JSONPath"),
    (message("json = { path = ‸'$.a[', equals = 1 }"), "JSONPath"),
    (message("json = { path = ‸'$[?nope(@)]', exists = true }"), "nope"),
    (message("json = { path = ‸'$[?search(@.a, \"(\")]', exists = true }"), "missing )"),
    (message("json = { path = ‸'$.a | $.b', exists = true }"), "JSONPath"),
    (message("json = { path = ‸'" + "$" + "[?@" * 300 + "]" * 300 + "', exists = true }"), "1000"),
    (message("json = { path = ‸'$" + "[?@" * 200 + "]" * 200 + "', exists = true }"), "JSONPath"),
    (message(do="action = 'json-set', path = ‸'x', value = 1"), "JSONPath"),
    (message(do="action = 'json-set', path = '$.x', value = ‸nan"), "JSON"),
    (message(do="action = 'json-set', path = '$.x', json = ‸'{'"), "JSON"),
    (message(do="action = 'json-set', path = '$.x', json = ‸'NaN'"), "JSON"),
    (message(do="action = 'json-remove', path = ‸'$'"), "within the message"),
    (message(do="action = 'inject', to = 'client', hex = ‸'0g'"), "'g'"),
    (message(do="action = 'inject', to = 'client', hex = ‸'012'"), "odd"),
    (message(do="action = 'inject', to = 'client', hex = ‸'  '"), "hexadecimal"),
    (message(do="action = 'inject', to = 'client', file = ‸'none.txt'"), "No such file"),
    (message(do="action = 'inject', to = 'client', file = ‸'refused.txt'"), "not that one"),
    (message(do="action = 'inject', to = 'client', file = ‸'ff.bin'"), "offset 3"),
    (message(do="action = 'inject', to = 'client', file = ‸'large.bin'"), str(MAX_FILES)),
    (message(do='action = "inject", to = "client", file = ‸"a\\u0000b"'), "name of a file"),
    (message("field = { ‸'Coo kie' = true }"), "name of a field"),
    (request("action = 'set-field', name = ‸'Coo kie', value = 'x'"), "name of a field"),
    (request("action = 'remove-field', name = ‸'Cookie:'"), "name of a field"),
    (request("action = 'rename-field', name = ‸'a b', to = 'b'"), "name of a field"),
    (request("action = 'rename-field', name = 'a', to = ‸'ü'"), "name of a field"),
    (request('action = "set-field", name = "A", value = ‸"a\\r\\nB: c"'), "one line"),
    (request('action = "set-field", name = "A", value = ‸"a\\nb"'), "one line"),
    (request('action = "set-field", name = "A", value = ‸"a\\u0000"'), "one line"),
    (request('action = "set", origin = ‸"a\\nb"'), "one line"),
    (request("action = 'set', path = ‸'chat'"), "begins with /"),
    (request("action = 'set', path = ‸'/a b'"), "without spaces"),
    (request("action = 'set', path = ‸'/a?b'"), "without ?"),
    (request("action = 'set', path = ‸'/ü'"), "ASCII"),
    (request("action = 'set', query = ‸'a#b'"), "#"),
    (request('action = "answer", status = 200, reason = ‸"a\\nb"'), "one line"),
    (request("action = 'answer', status = 200, fields = { ‸'a b' = '' }"), "name of a field"),
    (request('action = "answer", status = 200, fields = { A = ‸"a\\nb" }'), "one line"),
    (response("action = 'set', status-line = ‸'101 Hello'"), "status line"),
    (response('action = "set", location = ‸"a\\rb"'), "one line"),
]

EXTREMES = [
    ("‸a" + ".a" * 5_000 + " = 1", "one of seed"),
    (f"{HEAD}{DO}when.‸a" + ".a" * 5_000 + " = 1", "one of dialect"),
    (f"{HEAD}{DO}when.json = {{ path = '$', ‸equals" + ".a" * 9_000 + " = 1 }", "JSON"),
    (f"seed = ‸0x{'f' * 20_000}", "a whole number"),
    (message(f"json = {{ path = '$', equals = ‸0x{'f' * 20_000} }}"), "JSON"),
    (f"‸{'x' * 5_000} = 1", "xxx…"),
    (message(do=f"action = ‸'{'x' * 5_000}'"), "xxx…"),
    (message('json = { path = ‸"$.\\u001b[31m\\n", exists = true }'), "\\x1b"),
    (message('text = { regex = ‸"(\\u001b\\n" }'), "\\x1b"),
    (message('‸"a\\nb\\u001b" = 1'), "\\x1b"),
]

LAYOUT = [
    # The same faults, written in other ways of TOML.
    ('message = [{ name = "a", do = [{ action = ‸"dorp" }] }]', "drop"),
    (
        'message = [\n # one\n {name = "a", do = [\n {action = "drop"},\n\t{action = ‸"dorp"} ]} ]',
        "drop",
    ),
    ('[[message]]\nname = "a"\n[[message.do]]\naction = ‸"dorp"', "drop"),
    (
        '[[message]]\nname = "ä" # ü\ndo = [{ action = "mark", text = "äöü" }, { action = ‸"x" }]',
        "",
    ),
    ('"message" = [{ "name" = "a", "do" = [{ "act\\u0069on" = ‸"dorp" }] }]', "drop"),
    (f"{HEAD}{DO}when.field.'Cookie' = ‸3", "true or false"),
    ("\ufeff[[message]]\nname = ‸5\n", "a text"),
    ('[[message]]\r\nname = "a"\r\ndo = [{ action = ‸"dorp" }]\r\n', "drop"),
    ("seed = 1979-05-27".replace("1979", "‸1979"), "a date or time"),
    ("seed = '''\nx'''".replace("'''\n", "‸'''\n"), "a whole number"),
]


def read(text: str | bytes) -> RuleSet:
    files = {"ff.bin": b"abc\xffd", "large.bin": bytes(MAX_FILES + 1)}

    def read_file(name: str) -> bytes:
        if name == "refused.txt":
            raise UsageError("not that one")
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return files[name]

    return read_rules(text, "rules.toml", read_file=read_file)


def place(text: str) -> tuple[str, str]:
    """The text without its mark, and the place of the mark as messages write it."""
    before, mark, after = text.partition(MARK)
    assert mark, "say where the fault is"
    line = before.removeprefix("\ufeff").count("\n") + 1
    column = len(before.removeprefix("\ufeff").rpartition("\n")[2]) + 1
    return before + after, f"rules.toml:{line}:{column}: "


@pytest.mark.parametrize(
    ("marked", "words"),
    [*KEYS, *MISSING, *WORDS, *TYPES, *CONFLICTS, *CONTENT, *EXTREMES, *LAYOUT],
)
def test_a_fault_has_its_place(marked: str, words: str) -> None:
    text, where = place(marked)
    with pytest.raises(RuleError) as caught:
        read(text.encode())
    said = str(caught.value)
    assert said.startswith(where), said
    assert "expected" in said
    assert words in said
    assert said.isprintable()
    assert len(said) < 700


@pytest.mark.parametrize(("marked", "words"), SYNTAX)
def test_what_is_no_toml(marked: str, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        read(marked.replace(MARK, ""))
    said = str(caught.value)
    if MARK in marked:
        assert said.startswith(place(marked)[1]), said
    assert words in said


def test_a_number_that_python_does_not_read() -> None:
    with pytest.raises(RuleError, match=r"rules\.toml:1:1: expected TOML.*4300"):
        read("seed = " + "1" * 5_000)


def test_a_file_that_is_too_large() -> None:
    with pytest.raises(RuleError, match=r"rules\.toml:1:1: expected .* 1048576 bytes"):
        read(b"#" * (MAX_SIZE + 1))
    read(b"#" * MAX_SIZE)


def test_too_many_rules() -> None:
    text = "".join([f'[[message]]\nname = "{n}"\n{DO}' for n in range(4)])
    read_rules(text, "x", read_file=no_file, max_rules=4)
    with pytest.raises(RuleError, match=r"x:10:1: expected at most 3 rules"):
        read_rules(text, "x", read_file=no_file, max_rules=3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"seed = 1\nx = '\xfe'", "rules.toml:2:6: expected UTF-8, found the byte FE"),
        (b"x = '\xc3\xa4\xff'", "rules.toml:1:7: expected UTF-8, found the byte FF"),
        # The mark in front is no character of the file.
        (b"\xef\xbb\xbfx = '\xfe'", "rules.toml:1:6: expected UTF-8, found the byte FE"),
        (b"\xef\xbb\xbfx = 1\ny = '\xff'", "rules.toml:2:6: expected UTF-8, found the byte FF"),
    ],
)
def test_what_is_no_text(data: bytes, words: str) -> None:
    with pytest.raises(RuleError) as caught:
        read(data)
    assert str(caught.value) == words


def test_a_text_that_cannot_be_utf_8() -> None:
    with pytest.raises(RuleError, match=r"rules\.toml:1:6: expected UTF-8"):
        read("x = '\udc80'")
