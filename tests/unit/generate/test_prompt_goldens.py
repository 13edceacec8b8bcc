"""Golden prompts: the exact text and tokens that a teacher of each family is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.generate.prompt import ChatTemplate, Rendered, messages_for, render
from factory.models import EMBEDDED
from factory.recipe_file import data_root
from schemas.generate_settings import Prompt
from schemas.problem import Problem
from schemas.sample import Message
from tests.unit.generate.problems_artifact import problem

QWEN = data_root() / "tokenizers" / "qwen2.5"
PLAIN = Prompt()
THINKS = Prompt(system="Be brief.", think_prefix="<think>\n")
NO_THOUGHT = Prompt(plain_prefix="<think>\n\n</think>\n\n")


def rendered(folder: Path, prompt: Prompt, *, reasoning: bool = True) -> Rendered:
    return render(problem(21, reasoning=reasoning), prompt, ChatTemplate(folder, "golden"))


def ids(folder: Path, text: str) -> list[int]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.skipif(not QWEN.is_dir(), reason="needs the Qwen2.5 tokenizer in RETORT_DATA")
@pytest.mark.filterwarnings("ignore")
def test_qwen2_5_is_sent_these_tokens() -> None:
    plain, thinks = rendered(QWEN, PLAIN), rendered(QWEN, THINKS)
    assert plain.text == (
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant."
        "<|im_end|>\n<|im_start|>user\nWhat is 21 + 21?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert plain.forced == ""
    assert thinks.text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 21 + 21?<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n"
    )
    assert thinks.forced == "<think>\n"
    # fmt: off
    assert ids(QWEN, thinks.text) == [
        151644, 8948, 198, 3430, 9814, 13, 151645, 198, 151644, 872, 198, 3838, 374, 220, 17, 16,
        488, 220, 17, 16, 30, 151645, 198, 151644, 77091, 198, 13708, 766, 397,
    ]
    # fmt: on


@pytest.mark.filterwarnings("ignore")
def test_the_embedded_teacher_is_sent_these_tokens() -> None:
    folder = EMBEDDED / "teacher"
    plain, thinks = rendered(folder, PLAIN), rendered(folder, THINKS)
    assert plain.text == "<|user|>What is 21 + 21?<|end|><|assistant|>"
    assert thinks.text == (
        "<|system|>Be brief.<|end|><|user|>What is 21 + 21?<|end|><|assistant|><think>\n"
    )
    # fmt: off
    assert ids(folder, thinks.text) == [
        2, 38, 73, 290, 753, 319, 18, 1, 3, 516, 336, 225, 22, 21, 403, 225, 22, 21, 35, 1, 4,
        1022, 203,
    ]
    # fmt: on


# A template that opens the thinking itself, as the R1 students have, and one with a switch, as
# Qwen3 has: written here in the manner of theirs.
OPENS = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|><think>\n{% endif %}"
)
SWITCH = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}"
)


@pytest.fixture
def opens(tmp_path: Path) -> Path:
    (tmp_path / "chat_template.jinja").write_text(OPENS)
    return tmp_path


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    (tmp_path / "chat_template.jinja").write_text(SWITCH)
    return tmp_path


def test_thinking_that_the_template_opens_is_not_opened_twice(opens: Path) -> None:
    for prompt in (PLAIN, Prompt(think_prefix="<think>\n")):
        found = rendered(opens, prompt)
        assert found.text.endswith("<|assistant|><think>\n")
        assert found.text.count("<think>") == 1
        assert found.forced == "<think>\n"


def test_a_model_that_always_thinks_is_made_not_to_where_a_prompt_needs_none(opens: Path) -> None:
    found = rendered(opens, NO_THOUGHT, reasoning=False)
    assert found.text.endswith("<|assistant|><think>\n\n</think>\n\n")
    assert found.forced == "<think>\n\n</think>\n\n"
    assert rendered(opens, NO_THOUGHT).forced == "<think>\n"


def test_arguments_of_the_recipe_reach_the_template(switch: Path) -> None:
    off = Prompt(template_args={"enable_thinking": False})
    assert rendered(switch, off).text.endswith("<|assistant|>\n<think>\n\n</think>\n\n")
    on = rendered(switch, PLAIN)
    assert on.text.endswith("<|assistant|>\n")
    assert on.digest != rendered(switch, off).digest


def test_earlier_turns_stand_between_system_and_question(opens: Path) -> None:
    turns = [Message(role="user", content="Hi."), Message(role="assistant", content="Hello.")]
    asked = problem(1).model_copy(update={"history": turns})
    found = render(asked, Prompt(system="Be brief."), ChatTemplate(opens, "golden"))
    assert found.text == (
        "<|system|>Be brief.<|user|>Hi.<|assistant|>Hello.<|user|>What is 1 + 1?"
        "<|assistant|><think>\n"
    )


def test_a_conversation_that_is_passed_through_is_shown_as_it_was() -> None:
    turns = [Message(role="system", content="Be a pirate.")]
    kept: Problem = problem(1).model_copy(update={"history": turns, "author": "someone"})
    messages = messages_for(
        kept, Prompt(system="Be brief.", templates={kept.domain: "{statement}!"})
    )
    assert [(one.role, one.content) for one in messages] == [
        ("system", "Be a pirate."),
        ("user", "What is 1 + 1?"),
    ]
