"""The pure parts, without Docker: values that cross, comparison, tests in JSON, apt's mirror."""

from __future__ import annotations

import json
from collections import deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandboxes import Asserts, EngineSetupError, parse_tests
from sandboxes.answer import AnswerReader, messages
from sandboxes.asserts_text import read_asserts
from sandboxes.image import apt_mirror
from sandboxes.inside.values import Codec, Malformed
from sandboxes.judge import equal

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
atoms = (
    st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.sampled_from([1j, -0.5, 1e300, Fraction(1, 3), Decimal("1.50"), date(2024, 2, 29)])
    | st.sampled_from([datetime(2024, 1, 1, 3), timedelta(-1, 2, 3), range(1, 9, 2), int, str])
)
hashable = atoms | st.tuples(atoms, atoms) | st.frozensets(atoms, max_size=3)
rich = st.recursive(
    hashable | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.sets(hashable, max_size=3)
        | st.tuples(inner)
        | st.lists(inner, max_size=3).map(deque)
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """The value with the exact type of every part of it."""
    if isinstance(value, dict):
        items: Any = sorted((repr(shape(key)), shape(value[key])) for key in value)
    elif isinstance(value, (set, frozenset)):
        items = sorted(repr(shape(item)) for item in value)
    elif isinstance(value, (list, tuple, deque)):
        items = [shape(item) for item in value]
    else:
        items = repr(value)
    return f"{type(value).__name__} {items}"


def no_number(value: object) -> tuple[int, str]:
    raise TypeError(type(value).__name__)


def no_object(number: int, kind: str) -> object:
    raise Malformed(kind)


def crossed(value: Any) -> Any:
    sent = json.dumps(Codec(0, no_number, no_object).encode(value))
    return Codec(1, no_number, no_object).decode(json.loads(sent))


@given(rich)
def test_a_value_crosses_with_its_exact_types(value: Any) -> None:
    assert shape(crossed(value)) == shape(value)


def test_sharing_and_cycles_cross() -> None:
    inner = [1]
    cycle: list[Any] = [inner, inner]
    cycle.append(cycle)
    found = crossed(cycle)
    assert found[0] is found[1] and found[2] is found


@given(plain)
def test_a_plain_value_equals_itself_on_the_host(value: Any) -> None:
    sent = json.loads(json.dumps(Codec(0, no_number, no_object).encode(value)))
    assert equal(value, sent)


@given(plain, plain)
def test_different_values_are_different_on_the_host(one: Any, two: Any) -> None:
    sent = json.loads(json.dumps(Codec(0, no_number, no_object).encode(two)))
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    if equal(one, sent) and not same:
        assert one == two, "only numbers of equal value may differ in their text"


encoded = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(st.sampled_from("tlsdqybcrxkinoz"), inner, inner).map(list)
        | st.tuples(st.sampled_from("ldsq"), st.integers(0, 3), inner).map(list)
    ),
    max_leaves=20,
)


@given(encoded)
def test_whatever_a_program_sends_is_a_value_or_malformed(data: Any) -> None:
    try:
        Codec(1, no_number, no_object).decode(data)
    except Malformed:
        return


@given(encoded, plain)
def test_whatever_a_program_sends_can_be_compared(data: Any, expected: Any) -> None:
    assert equal(expected, data) in (True, False)


@given(st.binary())
def test_reports_of_any_bytes_are_messages_or_nothing(data: bytes) -> None:
    assert all(isinstance(message, dict) for message in messages(data))


def test_an_answer_may_come_in_any_pieces() -> None:
    data = b"O\x00\x00\x00\x02hi" + b"G\x00\x00\x00\x00" + b"Z\x00\x00\x00\x02{}"
    reader = AnswerReader()
    answers = [reader.feed(data[at : at + 1]) for at in range(len(data))]
    assert answers[:-1] == [None] * (len(data) - 1)
    assert answers[-1] is not None and bytes(answers[-1].steps[0].stdout) == b"hi"


CASE = {"stdin": "", "stdout": ""}


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (None, "object"),
        ({"kind": "magic"}, "kind"),
        ({"kind": "stdio", "cases": []}, "at least one"),
        ({"kind": "stdio", "cases": [{"stdin": 1, "stdout": ""}]}, "stdin"),
        ({"kind": "call", "entry_point": "f", "cases": [{"args": 1, "expected": 1}]}, "args"),
        ({"kind": "call", "entry_point": "f", "cases": [{"args": []}]}, "expected"),
        ({"kind": "stdio", "cases": [CASE], "tolerance": -1}, "tolerance"),
        ({"kind": "stdio", "cases": [CASE], "tolerance": True}, "tolerance"),
        ({"kind": "stdio", "cases": [CASE], "tolerance": float("nan")}, "tolerance"),
        ({"kind": "stdio", "cases": [CASE], "checker": "def"}, "`checker` does not parse"),
        ({"kind": "stdio", "cases": [CASE], "checker": "x = 1", "tolerance": 1}, "found both"),
        ({"kind": "asserts", "code": "def"}, "parse"),
        ({"kind": "asserts", "code": "", "extra": 1}, "unknown"),
    ],
)
def test_tests_that_are_wrong_say_where(form: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_tests(form)


def test_the_names_that_tests_take_from_outside_are_read_off_their_text() -> None:
    read = read_asserts("import re\nX = 2\nassert f(X) == LIMIT\nassert math.isclose(g, 1)\n", None)
    assert (read.program, read.called, dict(read.modules)) == (
        ("LIMIT", "X", "f", "g"),
        ("f",),
        {"math": "math"},
    )
    assert read.asserts == (3, 4)
    assert read_asserts("assert sum(10, 15) == 6", None).program == ("sum",)
    assert read_asserts("assert abs(f(1)) == sum([1])", None).program == ("f",)


def test_tests_come_from_their_json_form() -> None:
    assert parse_tests({"kind": "asserts", "code": "x"}) == Asserts("x")


def test_the_mirror_is_the_one_of_the_release(tmp_path: Path) -> None:
    with pytest.raises(EngineSetupError, match="expected apt sources"):
        apt_mirror(tmp_path)
    lists = tmp_path / "sources.list.d"
    lists.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old bookworm main\ndeb http://security bookworm-security main\n"
        "deb [arch=amd64] http://mirror.test/debian bookworm main contrib\n"
    )
    assert apt_mirror(tmp_path) == "http://mirror.test/debian"
    (lists / "debian.sources").write_text(
        "Types: deb\nURIs: http://other.test\nSuites: nodistro\nComponents: main\n\n"
        "Types: deb\nURIs: http://new.test/debian\nSuites: bookworm bookworm-updates\n"
        "Components: main\n"
    )
    assert apt_mirror(tmp_path) == "http://new.test/debian"
