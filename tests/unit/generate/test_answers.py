"""What is read from the answers of servers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.generate.answers import Answer, read_completions
from factory.generate.refusals import Kind, NoAnswer
from schemas.candidate import FinishReason


def answer(*choices: dict[str, Any], usage: Any = None) -> bytes:
    made = [{"index": place, "finish_reason": "stop", **one} for place, one in enumerate(choices)]
    content = {"choices": made, "usage": usage}
    return json.dumps(content, separators=(",", ":")).encode()


def chat(**message: Any) -> str:
    """The text of a chat answer with this message."""
    read = read_completions(answer({"message": message}), 1)
    assert isinstance(read, Answer)
    return read.texts[0].text


def kind_of(body: bytes, wanted: int = 1) -> Kind:
    read = read_completions(body, wanted)
    assert isinstance(read, NoAnswer)
    return read.kind


THOUGHT = "<think>\nso be it\n</think>\n\n7"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_in_a_field_of_its_own_is_put_inline(name: str) -> None:
    assert chat(content="7", **{name: "so be it"}) == THOUGHT
    assert chat(content="\n\n7", **{name: "\nso be it\n"}) == THOUGHT
    assert chat(content="7", **{name: "<think>\nso be it\n</think>"}) == THOUGHT


def test_reasoning_that_is_inline_already_is_not_put_there_again() -> None:
    assert chat(content=THOUGHT, reasoning_content="so be it") == THOUGHT
    assert chat(content=THOUGHT, reasoning_content=None) == THOUGHT


def test_an_opening_tag_that_the_template_forced_is_put_back() -> None:
    assert chat(content="so be it\n</think>\n\n7") == THOUGHT
    assert chat(content="\nso be it\n</think>\n\n7") == THOUGHT
    assert chat(content="I write <think> and </think>.") == "I write <think> and </think>."
    assert chat(content="7", reasoning_content="") == "7"


def test_reasoning_without_an_answer_stays_open() -> None:
    assert chat(content=None, reasoning_content="so be") == "<think>\nso be"
    assert chat(content="", reasoning="so be") == "<think>\nso be"


def test_a_completion_is_left_as_it_is_since_the_caller_knows_what_it_forced() -> None:
    read = read_completions(answer({"text": "so be it\n</think>\n\n7"}), 1)
    assert isinstance(read, Answer)
    assert read.texts[0].text == "so be it\n</think>\n\n7"


@pytest.mark.parametrize(
    ("reason", "end"),
    [("stop", "stop"), ("length", "length"), ("eos_token", "stop"), ("repetition", "length")],
)
def test_the_end_of_a_completion_is_kept(reason: str, end: str) -> None:
    read = read_completions(answer({"text": "7", "finish_reason": reason}), 1)
    assert isinstance(read, Answer)
    assert read.texts[0].finish_reason is FinishReason(end)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (None, Kind.BAD),
        ("abort", Kind.BAD),
        ("whatever", Kind.BAD),
        (3, Kind.BAD),
        ("content_filter", Kind.DECLINED),
        ("tool_calls", Kind.DECLINED),
    ],
)
def test_an_answer_that_did_not_end_by_itself_is_none(reason: Any, kind: Kind) -> None:
    assert kind_of(answer({"text": "7", "finish_reason": reason})) is kind


def test_a_refusal_of_the_model_is_declined() -> None:
    assert kind_of(answer({"message": {"content": None, "refusal": "no"}})) is Kind.DECLINED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[1]",
        b'{"choices": null}',
        b'{"choices": [3]}',
        b'{"choices": [{"text": "\xff", "finish_reason": "stop"}]}',
        b'{"choices": [{"index": [], "text": "7", "finish_reason": "stop"}]}',
        b'{"choices": [{"index": 1, "text": "7", "finish_reason": "stop"}]}',
        b'{"choices": [{"text": 7, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": [{"type": "text"}]}, "finish_reason": "stop"}]}',
        b'{"choices": [{"text": "7", "finish_reason": "stop", "token_ids":[1, 2',
        b'{"error": {"message": "overloaded", "code": 500}}',
        b'{"error": "boom"}',
    ],
)
def test_garbage_is_a_bad_answer(body: bytes) -> None:
    assert kind_of(body) is Kind.BAD


def test_an_error_inside_a_good_status_is_read_as_one() -> None:
    assert kind_of(b'{"error": {"message": "no such key", "code": 401}}') is Kind.REFUSED
    assert kind_of(b'{"object": "error", "message": "slow down", "code": 429}') is Kind.BUSY
    overlong = b'{"error": {"message": "This model\'s maximum context length is 9 tokens."}}'
    assert kind_of(overlong) is Kind.OVERLONG


def test_the_wrong_number_of_choices_is_a_bad_answer_and_one_of_many_a_setting() -> None:
    three = answer(*[{"text": "7"}] * 3)
    assert kind_of(three, 8) is Kind.BAD
    assert kind_of(three, 2) is Kind.BAD
    assert kind_of(answer({"text": "7"}), 8) is Kind.REFUSED


def test_choices_come_in_the_order_of_their_index() -> None:
    read = read_completions(answer({"text": "b", "index": 1}, {"text": "a", "index": 0}), 2)
    assert isinstance(read, Answer)
    assert [text.text for text in read.texts] == ["a", "b"]


@given(
    ids=st.lists(st.integers(0, 200_000), max_size=50),
    prompt=st.lists(st.integers(0, 200_000), max_size=5),
    text=st.text() | st.sampled_from(['"token_ids":[1,2]', 'token_ids":[', '\\"token_ids":[3']),
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_token_ids_are_counted_and_the_text_is_left_alone(
    ids: list[int], prompt: list[int], text: str, separators: tuple[str, str]
) -> None:
    choice = {"text": text, "token_ids": ids, "prompt_token_ids": prompt, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice]}, separators=separators, ensure_ascii=False)
    read = read_completions(body.encode("utf-8"), 1)
    assert isinstance(read, Answer)
    assert read.texts[0].text == text
    assert read.texts[0].completion_tokens == read.completion_tokens == len(ids)
