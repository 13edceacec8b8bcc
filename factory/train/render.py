"""Messages -> a document: what the student reads, and what it learns.

The prompt is the student's own chat template over everything before the last message, with its
generation prompt, so its ids are those that a server will see; the completion is the last
message's text as it stands, then the token that ends a turn. Because the completion never passes
through the template, no template can strip its `<think>`; a `<think>` that the template forces at
the end of the prompt is moved into the completion, where it is learned.

Covered: chat templates with a fixed end of turn, or none (then the tokenizer's end token). Not
covered: learning earlier assistant turns; they are read as the template shows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from factory.errors import TrainError
from factory.template_clock import strftime_now
from factory.train.tokens import Document

THINK: Final = "<think>"
THINK_END: Final = "</think>"
_PROBE: Final = "probe"


def load_tokenizer(location: str, revision: str = "", *, template: str = "") -> Any:
    """A tokenizer from a folder in Hugging Face layout or from the hub.

    Args:
        location: The folder, or the name on the hub.
        revision: Commit of the hub; empty for a folder.
        template: Source of a chat template in place of its own; empty: its own.

    Raises:
        TrainError: There is none, or it has no chat template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(location, revision=revision or None)
    except (OSError, ValueError) as error:
        raise TrainError(f"tokenizer of {location}: cannot be loaded ({error})") from error
    if template:
        tokenizer.chat_template = template
    if not tokenizer.chat_template:
        raise TrainError(
            f"tokenizer of {location}: expected a chat template, found none; name a Jinja file in "
            f"train.students.template, or add `chat_template.jinja` to the base's folder"
        )
    return tokenizer


def special_ids(tokenizer: Any) -> set[int]:
    """The ids of a tokenizer's special tokens, also of those that it has no name for."""
    added = tokenizer.added_tokens_decoder.items()
    return {number for number, token in added if token.special} | set(tokenizer.all_special_ids)


def end_token_id(tokenizer: Any) -> int:
    """The token that ends an assistant's turn in the tokenizer's chat template.

    Raises:
        TrainError: The template cannot be read, or writes something else after a turn than a
            special token.
    """
    from jinja2 import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": "user", "content": "u"}, {"role": "assistant", "content": _PROBE}],
            tokenize=False,
            strftime_now=strftime_now,
        )
    except TemplateError as error:
        raise TrainError(
            f"chat template: expected one that writes a question and its answer, found an error "
            f"of Jinja ({error}); mend it, or name another file in train.students.template"
        ) from error
    after = text[text.rfind(_PROBE) + len(_PROBE) :]
    ids: list[int] = tokenizer(after, add_special_tokens=False)["input_ids"]
    if ids and ids[0] in special_ids(tokenizer):
        return ids[0]
    if after.strip() or tokenizer.eos_token_id is None:
        raise TrainError(
            f"chat template: expected a special token at the end of an assistant's turn, found "
            f"{after!r}; a student would never learn to stop"
        )
    return int(tokenizer.eos_token_id)


class Renderer:
    """Messages -> documents for one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = self.tokenizer = tokenizer
        self.end_token_id = end_token_id(tokenizer)
        self._end_text: str = tokenizer.convert_ids_to_tokens(self.end_token_id)

    def documents(
        self,
        uuids: Sequence[str],
        conversations: Sequence[Sequence[Mapping[str, str | None]] | None],
    ) -> list[Document]:
        """One document per conversation, whatever its length.

        Raises:
            TrainError: A row with nothing to learn, with a lost or doubled `<think>`, with an
                end token within its completion, with a message that has no text, or that the
                chat template refuses; named by its uuid.
        """
        prompts: list[str] = []
        completions: list[str] = []
        for uuid, turns in zip(uuids, conversations, strict=True):
            messages = turns or []
            completion = self._completion(uuid, messages)
            completions.append(completion)
            prompts.append(self._prompt(uuid, messages[:-1], completion))
        prompt_ids = self._encode(prompts)
        completion_ids = self._encode(completions)
        texts: list[str] = self._tokenizer.batch_decode(
            completion_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        made: list[Document] = []
        for uuid, before, ids, text, whole in zip(
            uuids, prompt_ids, completion_ids, texts, completions, strict=True
        ):
            self._check_tokens(uuid, before, ids, text, whole)
            both = np.asarray([*before, *ids, self.end_token_id], dtype=np.int32)
            made.append(Document(both, len(before)))
        return made

    def _completion(self, uuid: str, messages: Sequence[Mapping[str, str | None]]) -> str:
        role = messages[-1]["role"] if messages else "nobody"
        if role != "assistant" or len(messages) < 2:
            raise TrainError(
                f"row {uuid}: expected a prompt and then the assistant's message, found "
                f"{len(messages)} messages, the last one from {role}"
            )
        completion = messages[-1]["content"] or ""
        if not completion.strip():
            raise TrainError(f"row {uuid}: expected a completion to learn, found an empty one")
        opened, closed = completion.count(THINK), completion.count(THINK_END)
        lost = closed and (not opened or completion.index(THINK_END) < completion.index(THINK))
        if opened > 1 or lost:
            raise TrainError(
                f"row {uuid}: expected {THINK} once before {THINK_END}, found it {opened} times "
                f"and {THINK_END} {closed} times; the teacher's prefix was lost or doubled"
            )
        if self._end_text in completion:
            raise TrainError(
                f"row {uuid}: expected the end token {self._end_text} only after the completion, "
                f"found it within; remove it from the text"
            )
        return completion

    def _prompt(
        self, uuid: str, messages: Sequence[Mapping[str, str | None]], completion: str
    ) -> str:
        from jinja2 import TemplateError

        for number, message in enumerate(messages, start=1):
            if message["role"] is None or message["content"] is None:
                raise TrainError(
                    f"row {uuid}: expected role and content in each message, found none in message "
                    f"{number}; write an empty text, or leave the message out"
                )
        try:
            text: str = self._tokenizer.apply_chat_template(
                list(messages),
                tokenize=False,
                add_generation_prompt=True,
                strftime_now=strftime_now,
            )
        except TemplateError as error:
            roles = ", ".join(str(message["role"]) for message in messages)
            raise TrainError(
                f"row {uuid}: expected messages that the student's chat template can write, found "
                f"the roles {roles} ({error}); change the row, or name another template in "
                f"train.students.template"
            ) from error
        if text.rstrip().endswith(THINK):
            if THINK not in completion:
                raise TrainError(
                    f"row {uuid}: expected {THINK} in the completion, with which the student's "
                    f"chat template begins every answer, found none; name a template without it "
                    f"in train.students.template"
                )
            return text[: text.rindex(THINK)]
        return text

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        return self._tokenizer(
            list(texts),
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # no word of the base's length: rows that are too long are dropped later
        )["input_ids"]

    def _check_tokens(
        self, uuid: str, before: list[int], ids: list[int], text: str, whole: str
    ) -> None:
        if not before:
            raise TrainError(
                f"row {uuid}: expected a prompt to read, found none; the chat template writes "
                f"nothing before the assistant's turn"
            )
        if text.count(THINK) != whole.count(THINK):
            raise TrainError(
                f"row {uuid}: expected {THINK} {whole.count(THINK)} times in the tokens, found "
                f"{text.count(THINK)}; this tokenizer cannot write it"
            )
        if not ids or self.end_token_id in ids:
            raise TrainError(
                f"row {uuid}: expected tokens to learn and one end token after them, found "
                f"{len(ids)} tokens with {ids.count(self.end_token_id)} end tokens"
            )
