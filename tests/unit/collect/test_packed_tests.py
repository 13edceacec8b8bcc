"""Hidden tests of LiveCodeBench: what is read, and hostile files that are not."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.collect.packed_tests import pickled_text, unpacked
from factory.errors import SourceError
from tests.unit.collect import livecodebench_rows as lcb

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)


@given(st.lists(JSON), st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_what_every_protocol_of_pickle_packs_comes_out_again(
    value: list[Any], protocol: int
) -> None:
    assert unpacked(lcb.packed(value, protocol)) == value


@given(st.lists(st.integers()))
def test_tests_that_are_plain_json_are_read_as_they_stand(value: list[int]) -> None:
    assert unpacked(json.dumps(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_text_or_an_error(data: bytes) -> None:
    try:
        assert isinstance(pickled_text(data), str)
    except ValueError as error:
        assert str(error).startswith("a pickle of one text")


class Opens:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return io.open, (os.fspath(self.path), "w")


def test_a_pickle_that_calls_something_is_named_and_never_run(folder: Path) -> None:
    victim = folder / "made-by-a-pickle"
    hostile = pickle.dumps(Opens(victim))
    row = lcb.script_row(private_test_cases=base64.b64encode(zlib.compress(hostile)).decode())
    with pytest.raises(SourceError, match=r"test5.jsonl, row 2: .* not one with STACK_GLOBAL"):
        lcb.problems(folder, [lcb.script_row(question_id="good"), row])
    assert not victim.exists()
    pickle.loads(hostile).close()
    assert victim.exists()  # the pickle does what it says, where it is let


@pytest.mark.parametrize("value", [["a"], {"a": 1}, 7, None, b"abc", ("a", "b")])
def test_a_pickle_of_anything_but_one_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a pickle of one text, not one with"):
        pickled_text(pickle.dumps(value))


def test_an_index_that_would_make_a_table_of_gigabytes_makes_nothing() -> None:
    tracemalloc.start()
    assert pickled_text(b"\x80\x04X\x01\x00\x00\x00ar\xff\xff\xff\x7f.") == "a"
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 1_000_000


def test_a_bomb_is_refused_before_it_is_in_memory() -> None:
    bomb = base64.b64encode(zlib.compress(b"0" * 200_000_000)).decode()
    tracemalloc.start()
    with pytest.raises(ValueError, match="at most 1,000,000 bytes unpacked"):
        unpacked(bomb, most_bytes=1_000_000)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 20_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "packed by zlib"),
        ("not base64!", "in base64"),
        ("häßlich", "in base64"),
        (base64.b64encode(b"no zlib").decode(), "packed by zlib"),
        (base64.b64encode(zlib.compress(pickle.dumps("[]"))[:-3]).decode(), "whole"),
        (base64.b64encode(zlib.compress(pickle.dumps("[]")) + b"x").decode(), "nothing after"),
        (base64.b64encode(zlib.compress(b"\x80\x04")).decode(), "a pickle of one text"),
        (lcb.packed("no json"), "tests as JSON"),
        ("[" * 100_000, "tests as JSON"),
    ],
)
def test_what_is_wrong_with_a_cell_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unpacked(text)
