"""What program a completion ends with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.grade.code import program_of
from schemas.candidate import FinishReason
from schemas.verdict import Status

STOP, LENGTH = FinishReason.STOP, FinishReason.LENGTH

code_lines = st.text(
    alphabet=st.characters(blacklist_characters="`\r\n", blacklist_categories=["Cs"]), min_size=1
).filter(str.strip)
programs = st.lists(code_lines, min_size=1, max_size=5).map("\n".join)


@given(programs, st.sampled_from(["python", "py", "Python3", ""]), st.booleans())
def test_a_fenced_program_comes_out_as_it_went_in(code: str, mark: str, thinks: bool) -> None:
    thinking = "<think>\n```python\nwrong()\n```\n</think>\n" if thinks else ""
    text = f"{thinking}Here it is:\n```{mark}\n{code}\n```\nIt runs in O(n)."
    assert program_of(text, STOP).program == code
    assert program_of(text, LENGTH).program == code


@given(programs)
def test_an_answer_without_a_fence_is_the_program(code: str) -> None:
    extracted = program_of(f"<think>so</think>\n{code}\n", STOP)
    assert (extracted.program, extracted.status) == (code, None)


@given(st.text(), st.sampled_from(list(FinishReason)))
def test_any_text_gives_a_program_or_a_reason(text: str, finish_reason: FinishReason) -> None:
    extracted = program_of(text, finish_reason)
    assert bool(extracted.program.strip()) == (extracted.status is None)
    assert bool(extracted.detail) == (extracted.status is not None)


@given(programs, programs)
def test_the_last_python_block_is_the_program(first: str, last: str) -> None:
    text = f"```python\n{first}\n```\nBetter:\n```python\n{last}\n```\nPrints:\n```\n42\n```"
    assert program_of(text, STOP).program == last


@pytest.mark.parametrize(
    ("text", "finish_reason", "status"),
    [
        ("", STOP, Status.UNPARSABLE),
        (" \n", STOP, Status.UNPARSABLE),
        ("```python\n\n```", STOP, Status.UNPARSABLE),
        ("<think>a</think>\n", STOP, Status.UNPARSABLE),
        ("```cpp\nint main() {}\n```", STOP, Status.UNPARSABLE),
        ("<think>```python\nx = 1\n```", STOP, Status.TRUNCATED),
        ("<think>a</think>\n```python\nx = 1", LENGTH, Status.TRUNCATED),
        ("def f():", LENGTH, Status.TRUNCATED),
    ],
)
def test_a_completion_without_a_program_says_why(
    text: str, finish_reason: FinishReason, status: Status
) -> None:
    assert program_of(text, finish_reason).status is status


def test_an_open_block_of_a_completion_that_ended_reaches_to_its_end() -> None:
    assert program_of("```python\nx = 1\ny = 2", STOP).program == "x = 1\ny = 2"


def test_a_complete_block_counts_although_the_completion_was_cut_after_it() -> None:
    text = "```python\nx = 1\n```\nAnd another:\n```python\ny ="
    assert program_of(text, LENGTH).program == "x = 1"


def test_a_longer_fence_holds_a_shorter_one() -> None:
    text = '````python\ns = """\n```\n"""\n````'
    assert program_of(text, STOP).program == 's = """\n```\n"""'
