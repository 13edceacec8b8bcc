"""What the student reads and learns: golden tests on the real Qwen2.5 tokenizer and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import TrainError
from factory.models import EMBEDDED
from factory.train.pack import IGNORED, pack
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


def test_an_earlier_conversation_is_read_and_only_the_last_message_is_learned(qwen: Any) -> None:
    code = "<think>\nσ² ≥ 0, 因为…\n</think>\n\n```python\ndef f(x):\n\treturn x**2  # 🙂\n```\n"
    turns = [
        {"role": "system", "content": "Sois bref."},
        {"role": "user", "content": "Écris f."},
        {"role": "assistant", "content": "<think>\nlequel ?\n</think>\n\nLequel ?"},
        {"role": "user", "content": "σ² 🙂"},
        {"role": "assistant", "content": code},
    ]
    [document] = Renderer(qwen).documents(["u"], [turns])
    assert halves(qwen, document) == (
        "<|im_start|>system\nSois bref.<|im_end|>\n<|im_start|>user\nÉcris f.<|im_end|>\n"
        "<|im_start|>assistant\n<think>\nlequel ?\n</think>\n\nLequel ?<|im_end|>\n"
        "<|im_start|>user\nσ² 🙂<|im_end|>\n<|im_start|>assistant\n",
        code + "<|im_end|>",
    )
    learned = document.ids[document.prompt_tokens :].tolist()
    assert learned.count(151645) == 1
    assert learned == qwen(code)["input_ids"] + [151645]


SMALL = [
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "<think>\nIt is 4.\n</think>\n\n4"},
]
# fmt: off
QWEN_READ = [
    151644, 8948, 198, 2610, 525, 1207, 16948, 11, 3465, 553, 54364, 14817, 13, 1446, 525, 264,
    10950, 17847, 13, 151645, 198, 151644, 872, 198, 17, 10, 17, 30, 151645, 198, 151644, 77091,
    198,
]
QWEN_LEARNED = [13708, 766, 397, 2132, 374, 220, 19, 624, 522, 26865, 1339, 19, 151645]
EMBEDDED_READ = [3, 22, 15, 22, 35, 1, 4]
EMBEDDED_LEARNED = [1022, 203, 45, 88, 336, 225, 24, 269, 1023, 203, 203, 24, 1]
# fmt: on


def test_every_id_and_label_of_a_small_row_with_the_real_qwen_tokenizer(qwen: Any) -> None:
    check_ids_and_labels(qwen, QWEN_READ, QWEN_LEARNED)


@pytest.mark.parametrize("name", ["teacher", "base-qwen2", "base-llama"])
def test_every_id_and_label_of_a_small_row_with_the_embedded_tokenizer(name: str) -> None:
    check_ids_and_labels(load_tokenizer(str(EMBEDDED / name)), EMBEDDED_READ, EMBEDDED_LEARNED)


def check_ids_and_labels(tokenizer: Any, read: list[int], learned: list[int]) -> None:
    documents = Renderer(tokenizer).documents(["a", "b"], [SMALL, SMALL])
    assert [one.ids.tolist() for one in documents] == [read + learned] * 2
    assert [one.prompt_tokens for one in documents] == [len(read)] * 2
    [row] = pack(documents, 200, 0)
    assert row.ids.tolist() == [*read, *learned] * 2
    assert row.labels.tolist() == [*[IGNORED] * len(read), *learned] * 2
    assert row.positions.tolist() == list(range(len(read + learned))) * 2


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=30)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=6), st.booleans())
@settings(deadline=None, max_examples=60)
def test_labels_cover_think_and_the_end_of_every_row_and_never_its_prompt(
    byte_tokenizer: Any, rows: list[tuple[str, str, str, str]], forced: bool
) -> None:
    tokenizer = _with_template(byte_tokenizer, R1_TEMPLATE) if forced else byte_tokenizer
    conversations = [
        [
            {"role": "system", "content": system},
            {"role": "user", "content": user},
            {"role": "assistant", "content": f"<think>{thought}</think>{answer}"},
        ]
        for system, user, thought, answer in rows
    ]
    documents = Renderer(tokenizer).documents([str(n) for n in range(len(rows))], conversations)
    think, unthink, end = tokenizer.convert_tokens_to_ids(["<think>", "</think>", "<|im_end|>"])
    for row in pack(documents, max(len(one.ids) for one in documents) * 2, 0):
        edges = [*np.flatnonzero(row.positions == 0).tolist(), len(row.ids)]
        for number, start, stop in zip(row.numbers, edges, edges[1:], strict=False):
            ids, labels = row.ids[start:stop], row.labels[start:stop]
            cut = documents[number].prompt_tokens
            asked = tokenizer.apply_chat_template(
                conversations[number][:-1], tokenize=False, add_generation_prompt=True
            ).removesuffix("<think>\n")
            assert tokenizer.decode(ids[:cut]) == asked
            assert (labels[:cut] == IGNORED).all()
            assert labels[cut] == think
            assert labels[-1] == end
            assert labels[cut:].tolist().count(unthink) == 1
            assert tokenizer.decode(labels[cut:-1]) == conversations[number][-1]["content"]


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
        (None, "expected a completion to learn"),
        ("Two.\n</think>\n\n4", "lost or doubled"),
        ("<think>a</think><think>b</think>4", "lost or doubled"),
        ("a</think>4<think>b", "lost or doubled"),
        ("<think>a</think>4<|im_end|>", "expected the end token <|im_end|> only after"),
    ],
)
def test_a_row_that_must_not_be_learned_is_refused_by_its_uuid(
    byte_tokenizer: Any, completion: str | None, message: str
) -> None:
    bad: list[Any] = [MESSAGES[0], {"role": "assistant", "content": completion}]
    with pytest.raises(TrainError) as caught:
        Renderer(byte_tokenizer).documents(["good", "bad-row"], [MESSAGES, bad])
    assert "bad-row" in str(caught.value)
    assert message in str(caught.value)


def test_a_row_that_ends_with_the_user_is_refused(byte_tokenizer: Any) -> None:
    with pytest.raises(TrainError, match=r"row u: .* the last one from user"):
        Renderer(byte_tokenizer).documents(["u"], [MESSAGES[:1]])


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        (None, "found 0 messages"),
        ([{"role": "user", "content": None}, MESSAGES[1]], "found none in message 1"),
        ([{"role": "critic", "content": "u"}, MESSAGES[1]], "the roles critic .no critics."),
    ],
)
def test_messages_that_no_template_can_write_are_refused_by_the_rows_uuid(
    byte_tokenizer: Any, messages: list[dict[str, str | None]] | None, message: str
) -> None:
    template = (
        "{% for m in messages %}{% if m.role == 'critic' %}{{ raise_exception('no critics') }}"
        "{% endif %}{{ m.content }}<|im_end|>{% endfor %}"
    )
    renderer = Renderer(_with_template(byte_tokenizer, template))
    with pytest.raises(TrainError, match=f"row bad: .*{message}"):
        renderer.documents(["good", "bad"], [MESSAGES, messages])


def test_a_template_that_is_no_jinja_is_refused(byte_tokenizer: Any) -> None:
    with pytest.raises(TrainError, match=r"error of Jinja .*mend it"):
        Renderer(_with_template(byte_tokenizer, "{% for m in messages %}{{ m.content }}"))


def test_a_completion_without_the_think_that_the_template_forces_is_refused(
    byte_tokenizer: Any,
) -> None:
    renderer = Renderer(_with_template(byte_tokenizer, R1_TEMPLATE))
    with pytest.raises(TrainError, match="row u: expected <think> in the completion"):
        renderer.documents(["u"], [[MESSAGES[0], {"role": "assistant", "content": "4"}]])


def test_a_template_that_writes_no_prompt_is_refused(byte_tokenizer: Any) -> None:
    only = "{% for m in messages if m.role == 'assistant' %}{{ m.content }}<|im_end|>{% endfor %}"
    with pytest.raises(TrainError, match="row u: expected a prompt to read"):
        Renderer(_with_template(byte_tokenizer, only)).documents(["u"], [MESSAGES])


def test_a_tokenizer_that_cannot_write_think_is_refused() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = [*"abcdefghijklmnopqrstuvwxyz ./\n\\{}0123456789TWA?+", "[UNK]"]
    inner = Tokenizer(models.WordLevel({one: at for at, one in enumerate(letters)}, "[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_end|>")
    tokenizer.chat_template = "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"
    with pytest.raises(TrainError, match=r"row u: .* this tokenizer cannot write it"):
        Renderer(tokenizer).documents(["u"], [MESSAGES])


def _with_template(tokenizer: Any, template: str) -> Any:
    import copy

    copied = copy.deepcopy(tokenizer)
    copied.chat_template = template
    return copied
