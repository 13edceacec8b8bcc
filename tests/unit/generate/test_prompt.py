"""Prompts: what transformers would render, and a start that is forced exactly once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from factory.errors import RecipeError, TeacherError
from factory.generate.prompt import ChatTemplate, messages_for, render
from factory.recipe_file import data_root
from schemas.generate_settings import Prompt
from schemas.problem import Domain
from schemas.sample import Message
from tests.unit.generate.problems_artifact import problem

QWEN = data_root() / "tokenizers" / "qwen2.5"
THINK = "<think>\n"


def template(folder: Path, source: str) -> ChatTemplate:
    (folder / "chat_template.jinja").write_text(source)
    return ChatTemplate(folder, "test")


CONVERSATIONS = [
    [Message(role="user", content="What is 2 + 2?")],
    [Message(role="system", content="Be brief."), Message(role="user", content=" a\n<b> & 'c' ")],
    [
        Message(role="user", content="one"),
        Message(role="assistant", content="two {{ three }}"),
        Message(role="user", content="πέντε 🙂"),
    ],
]


@pytest.mark.skipif(not QWEN.is_dir(), reason="needs the Qwen2.5 tokenizer in RETORT_DATA")
@pytest.mark.filterwarnings("ignore")
def test_rendering_equals_transformers_on_the_real_qwen_template() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(QWEN))
    ours = ChatTemplate(QWEN, "qwen2.5")
    for messages in CONVERSATIONS:
        theirs = tokenizer.apply_chat_template(
            [message.model_dump() for message in messages],
            tokenize=False,
            add_generation_prompt=True,
        )
        assert ours.render(messages) == theirs


@pytest.mark.filterwarnings("ignore")
def test_rendering_equals_transformers_on_a_template_with_every_extension(tmp_path: Path) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    source = (
        "{{ bos_token }}\n{% for m in messages %}\n"
        "  {% if loop.index > 2 %}{% break %}{% endif %}\n"
        "{{ m | tojson }}|{{ m.content | trim }}\n{% endfor %}\n{{ strftime_now('%Y') }}"
        "{%- if tools is none and documents is none %}none{% endif %}\n\n"
    )
    config = {"bos_token": {"content": "<s>", "__type": "AddedToken"}, "eos_token": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    ours = template(tmp_path, source)
    for messages in CONVERSATIONS:
        (theirs,), _ = render_jinja_template(
            conversations=[[message.model_dump() for message in messages]],
            chat_template=source,
            add_generation_prompt=True,
            bos_token="<s>",
        )
        assert ours.render(messages) == theirs


def test_the_recipe_decides_the_system_message_and_the_template_of_a_domain() -> None:
    prompt = Prompt(system="Be exact.", templates={Domain.MATH: "Solve: {statement} {x}"})
    assert messages_for(problem(2), prompt) == [
        Message(role="system", content="Be exact."),
        Message(role="user", content="Solve: What is 2 + 2? {x}"),
    ]
    assert messages_for(problem(2), Prompt())[0].role == "user"


PLAIN = "{{ messages[0].content }}|"


@pytest.mark.parametrize(
    ("source", "prefix", "reasoning", "prompt_end", "forced"),
    [
        (PLAIN, THINK, True, "|<think>\n", THINK),
        (PLAIN, THINK, False, "|", ""),
        (PLAIN, "", True, "|", ""),
        (PLAIN + "<think>\n", THINK, True, "|<think>\n", THINK),
        (PLAIN + "<think>\n{{ '' }}", THINK, False, "|<think>\n", THINK),
        (PLAIN + "<think>", THINK, True, "|<think>", "<think>"),
        (PLAIN + "<think>\n{{ '' }}", "<think>\nWell,", True, "|<think>\nWell,", "<think>\nWell,"),
        (PLAIN + "<think>\n\n</think>\n\n|", "", True, "</think>\n\n|", ""),
    ],
)
def test_a_thinking_prefix_is_forced_once_and_belongs_to_the_completion(
    tmp_path: Path, source: str, prefix: str, reasoning: bool, prompt_end: str, forced: str
) -> None:
    if source.endswith("<think>\n"):
        source += "{{ '' }}"
    rendered = render(
        problem(1, reasoning=reasoning), Prompt(think_prefix=prefix), template(tmp_path, source)
    )
    assert rendered.text.endswith(prompt_end)
    assert rendered.text.count("<think>") <= 1
    assert rendered.forced == forced


def test_the_digest_follows_the_prompt(tmp_path: Path) -> None:
    chat = template(tmp_path, PLAIN)
    plain = render(problem(1), Prompt(), chat)
    assert plain.digest == render(problem(1), Prompt(), chat).digest
    assert plain.digest != render(problem(2), Prompt(), chat).digest
    assert plain.digest != render(problem(1), Prompt(think_prefix=THINK), chat).digest


def test_a_prefix_cannot_be_forced_where_the_server_renders() -> None:
    assert render(problem(1), Prompt(), None).text == ""
    with pytest.raises(RecipeError, match="think_prefix"):
        render(problem(1), Prompt(think_prefix=THINK), None)


@pytest.mark.parametrize("name", ["messages", "add_generation_prompt"])
def test_arguments_of_a_template_cannot_take_the_place_of_what_is_rendered(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"\['{name}'\] are set by Retort"):
        Prompt(template_args={name: True})


def test_a_template_cannot_reach_python(tmp_path: Path) -> None:
    chat = template(tmp_path, "{{ messages.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(TeacherError, match="refuses"):
        chat.render(CONVERSATIONS[0])


def test_a_template_that_refuses_and_one_that_is_missing_are_clear_errors(tmp_path: Path) -> None:
    chat = template(tmp_path, "{{ raise_exception('no system role') }}")
    with pytest.raises(TeacherError, match="no system role"):
        chat.render(CONVERSATIONS[1])
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(TeacherError, match="chat template"):
        ChatTemplate(tmp_path, "test")
