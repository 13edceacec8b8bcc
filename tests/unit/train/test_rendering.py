"""What the student reads and learns: golden tests on the real Qwen2.5 tokenizer and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory.errors import TrainError
from factory.train.render import Renderer, end_token_id, load_tokenizer
from factory.train.tokens import Document

COMPLETION = "<think>\nTwo and two is four.\n</think>\n\nThe answer is \\boxed{4}."
MESSAGES = [
    {"role": "user", "content": "What is 2 + 2?"},
    {"role": "assistant", "content": COMPLETION},
]
R1_TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}<|im_start|>{{ m.content }}{% else %}"
    "{{ m.content.split('</think>')[-1] }}<|im_end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)


def halves(tokenizer: Any, document: Document) -> tuple[str, str]:
    """The text that is read, and the text that is learned."""
    ids = document.ids.tolist()
    cut = document.prompt_tokens
    return tokenizer.decode(ids[:cut]), tokenizer.decode(ids[cut:])


@pytest.fixture(scope="module")
def qwen(data: Path) -> Any:
    folder = data / "tokenizers" / "qwen2.5"
    if not folder.is_dir():
        pytest.skip(f"no Qwen2.5 tokenizer at {folder}")
    return load_tokenizer(str(folder))


def test_the_real_qwen_tokenizer_learns_the_whole_completion_and_its_end(qwen: Any) -> None:
    renderer = Renderer(qwen)
    [document] = renderer.documents(["u"], [MESSAGES])
    read, learned = halves(qwen, document)
    assert read == (
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
        "assistant.<|im_end|>\n<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert learned == COMPLETION + "<|im_end|>"
    assert document.ids[-1] == renderer.end_token_id == 151645
    assert document.ids[document.prompt_tokens :].tolist()[:4] == [13708, 766, 397, 11613]


def test_the_prompt_has_the_ids_that_a_server_sees(qwen: Any) -> None:
    [document] = Renderer(qwen).documents(["u"], [MESSAGES])
    seen = qwen.apply_chat_template(MESSAGES[:-1], add_generation_prompt=True)["input_ids"]
    assert document.ids[: document.prompt_tokens].tolist() == seen


def test_a_template_that_forces_and_strips_think_still_learns_it_once(byte_tokenizer: Any) -> None:
    tokenizer = _with_template(byte_tokenizer, R1_TEMPLATE)
    [document] = Renderer(tokenizer).documents(["u"], [MESSAGES])
    assert halves(tokenizer, document) == (
        "<|im_start|>What is 2 + 2?<|im_start|>assistant\n",
        COMPLETION + "<|im_end|>",
    )


def test_a_template_without_an_end_of_turn_uses_the_end_of_text(byte_tokenizer: Any) -> None:
    tokenizer = _with_template(byte_tokenizer, "{% for m in messages %}{{ m.content }}{% endfor %}")
    assert end_token_id(tokenizer) == tokenizer.eos_token_id


def test_a_template_that_ends_a_turn_with_plain_text_is_refused(byte_tokenizer: Any) -> None:
    tokenizer = _with_template(
        byte_tokenizer, "{% for m in messages %}{{ m.content }} STOP{% endfor %}"
    )
    with pytest.raises(TrainError, match="never learn to stop"):
        Renderer(tokenizer)


@pytest.mark.parametrize(
    ("completion", "message"),
    [
        ("  \n", "expected a completion to learn"),
        ("Two.\n</think>\n\n4", "lost or doubled"),
        ("<think>a</think><think>b</think>4", "lost or doubled"),
        ("<think>a</think>4<|im_end|>", "expected the end token <|im_end|> only after"),
    ],
)
def test_a_row_that_must_not_be_learned_is_refused_by_its_uuid(
    byte_tokenizer: Any, completion: str, message: str
) -> None:
    bad = [MESSAGES[0], {"role": "assistant", "content": completion}]
    with pytest.raises(TrainError) as caught:
        Renderer(byte_tokenizer).documents(["good", "bad-row"], [MESSAGES, bad])
    assert "bad-row" in str(caught.value)
    assert message in str(caught.value)


def test_a_row_that_ends_with_the_user_is_refused(byte_tokenizer: Any) -> None:
    with pytest.raises(TrainError, match=r"row u: .* the last one from user"):
        Renderer(byte_tokenizer).documents(["u"], [MESSAGES[:1]])


def _with_template(tokenizer: Any, template: str) -> Any:
    import copy

    copied = copy.deepcopy(tokenizer)
    copied.chat_template = template
    return copied
