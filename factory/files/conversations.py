"""Conversations as datasets write them: lists of turns, `role`/`content` or `from`/`value`.

Covered: the roles system, user (`human`) and assistant (`gpt`, `model`), with text. Not covered:
turns of tools, and content in pieces (images, lists of parts); they are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.sample import Message

_ROLES: Final = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
}
_KEYS: Final = (("role", "content"), ("from", "value"))


def is_conversation(value: Any) -> bool:
    """Whether a value is a list of turns, whatever is in them."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def read_turns(value: Any) -> list[Message]:
    """The turns of a conversation, roles by the names that chat templates know.

    A system message without a text is none.

    Raises:
        ValueError: It is no list of turns, or a turn has another role or no text.
    """
    if not is_conversation(value):
        raise ValueError("a list of turns")
    turns: list[Message] = []
    for number, turn in enumerate(value, 1):
        who, what = next((keys for keys in _KEYS if turn.get(keys[0]) is not None), _KEYS[0])
        role, content = _ROLES.get(str(turn.get(who)).lower()), turn.get(what)
        if role is None:
            raise ValueError(f"a role of {sorted(_ROLES)} in turn {number}")
        if not isinstance(content, str):
            raise ValueError(f"text in turn {number}")
        if role != "system" or content.strip():
            turns.append(Message(role=role, content=content))
    return turns


@dataclass(frozen=True)
class Asked:
    """A conversation up to what is asked."""

    history: list[Message]
    statement: str


@dataclass(frozen=True)
class Answered(Asked):
    """A conversation that ends with an answer."""

    answer: str


def asked(turns: list[Message]) -> Asked:
    """The last user turn, and the turns before it; what follows is left out.

    Raises:
        ValueError: No user speaks, or the last one says nothing.
    """
    places = [at for at, turn in enumerate(turns) if turn.role == "user"]
    if not places or not turns[places[-1]].content.strip():
        raise ValueError("a user turn with text")
    return Asked(turns[: places[-1]], turns[places[-1]].content)


def answered(turns: list[Message]) -> Answered:
    """The last two turns, question and answer, and the turns before them.

    Raises:
        ValueError: User and assistant do not take turns, a user first and an assistant last (a
            system message may come before them), or one of them says nothing.
    """
    spoken = turns[1:] if turns and turns[0].role == "system" else turns
    for at, turn in enumerate(spoken):
        role = "assistant" if at % 2 else "user"
        if turn.role != role or not turn.content.strip():
            raise ValueError(f"text of the {role} in turn {at + 1 + len(turns) - len(spoken)}")
    if not spoken or len(spoken) % 2:
        raise ValueError("an assistant turn at the end")
    return Answered(turns[:-2], turns[-2].content, turns[-1].content)


def last_answer(value: Any) -> str:
    """The text of the last assistant turn of a conversation.

    Raises:
        ValueError: See `read_turns`; or no assistant speaks.
    """
    for turn in reversed(read_turns(value)):
        if turn.role == "assistant":
            return turn.content
    raise ValueError("an assistant turn")
