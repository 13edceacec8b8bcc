"""The tokenizer of the embedded models, its chat template, and what they learn from."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from factory.bootstrap.drills import code_drills, sum_drills
from factory.bootstrap.lessons import Syllabus, lessons, write_lessons
from factory.bootstrap.tokenizer import END, THINK, VOCABULARY, make_tokenizer, save_tokenizer
from factory.collect.procedural.expressions import Number, Operation, Step, skeleton
from factory.collect.procedural.splits import split_of
from factory.train.render import end_token_id, load_tokenizer
from factory.train.tokens import TokenFiles
from tests.unit.bootstrap.golden_template import check_template


def texts() -> list[str]:
    return [text for lesson in lessons(Syllabus(300, 300, 300, 30, 30), seed=0) for text in lesson]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(make_tokenizer(texts()), folder)
    return load_tokenizer(str(folder))


def test_the_chat_template_renders_as_ever_and_forces_no_think(tokenizer: Any) -> None:
    check_template(tokenizer)


def test_think_is_one_token_each_and_survives_decoding_without_special_tokens(
    tokenizer: Any,
) -> None:
    text = "<think>\n12+39=51.\n</think>\n\n\\boxed{51}"
    ids: list[int] = tokenizer(text + END, add_special_tokens=False)["input_ids"]
    assert [ids.count(tokenizer.convert_tokens_to_ids(one)) for one in THINK] == [1, 1]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert end_token_id(tokenizer) == ids[-1] == tokenizer.eos_token_id


def test_any_text_survives_the_tokenizer_and_digits_are_one_token_each(tokenizer: Any) -> None:
    for text in ("año – Äpfel\t½ 你好\n\n  x", "def f(xs):\n    return xs[::-1]"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    tokens = tokenizer.tokenize("1234")
    assert tokens == ["1", "2", "3", "4"]


def test_the_same_texts_give_the_same_tokenizer_of_the_stated_size(tokenizer: Any) -> None:
    again = make_tokenizer(texts())
    assert again.get_vocab() == tokenizer.get_vocab()
    assert len(again) <= VOCABULARY


def test_chat_prompts_come_from_the_bootstrap_split_and_are_told_more_than_once() -> None:
    prompts = [prompt for prompt, _ in lessons(Syllabus(5, 5, 3600, 2, 1), seed=0)]
    assert len(prompts) == 3613
    chat = prompts[10:-3]
    assert len(set(chat)) < len(chat)
    words = [" ".join(re.findall(r"\w+", prompt.casefold())) for prompt in chat]
    assert {split_of("chat", one) for one in words} == {"bootstrap"}


def test_drilled_sums_are_right_and_none_is_a_held_out_problem() -> None:
    rows = list(sum_drills(200, seed=3))
    assert rows == list(sum_drills(200, seed=3))
    for prompt, completion in rows:
        asked = prompt.removeprefix("Work out: ").split(", ")
        worked = completion.removesuffix(".").split(". ")
        assert len(asked) == len(worked) == 8
        for one, told in zip(asked, worked, strict=True):
            step = read(one)
            assert split_of("arithmetic", skeleton(step)) == "bootstrap"
            result = told.split(" as ")[0].split("=")[-1]
            assert Fraction(result) == step.value, told


def read(text: str) -> Step:
    """A sum as it is written: `12+39`, `2.5*3`, `1/4-1/8`; a lone slash divides two numbers."""
    for operation in "+-*":
        if operation in text:
            left, right = text.split(operation)
            return Step(Number(left), cast(Operation, operation), Number(right))
    left, right = text.split("/")
    return Step(Number(left), "/", Number(right))


def test_drilled_code_says_what_the_phrase_says() -> None:
    for prompt, completion in code_drills(100, seed=3):
        asked = prompt.removeprefix("Put into code: ").split("; ")
        for phrase in asked:
            assert f"{phrase}: " in completion
        for phrase, code in (
            ("even", "x % 2 == 0"),
            ("reverse each", "x[::-1]"),
            ("the sum", "sum(...)"),
        ):
            assert phrase not in asked or f"{phrase}: {code}" in completion


def test_lessons_are_learned_from_think_to_end_token_and_kept_when_asked_again(
    tokenizer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "lessons.arrow"
    assert write_lessons(path, Syllabus(4, 4, 4, 1, 1), tokenizer, seed=0) == 14
    written = path.stat().st_mtime_ns
    assert write_lessons(path, Syllabus(4, 4, 4, 1, 1), tokenizer, seed=0) == 14
    assert path.stat().st_mtime_ns == written
    assert write_lessons(path, Syllabus(4, 4, 5, 1, 1), tokenizer, seed=0) == 15
    data = TokenFiles([path])
    for number in range(len(data)):
        document = data.document(number)
        learned: str = tokenizer.decode(document.ids[document.prompt_tokens :])
        assert learned.endswith(END)
        assert learned.startswith("<think>\n") == (number < 8)
        assert tokenizer.decode(document.ids[: document.prompt_tokens]).endswith("<|assistant|>")


def test_a_scaled_syllabus_keeps_the_mixture_and_at_least_one_lesson_of_each() -> None:
    assert Syllabus(1000, 500, 10, 200, 300).scaled(0.01) == Syllabus(10, 5, 1, 2, 3)
