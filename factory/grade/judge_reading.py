"""What a reply of the judge's server comes to: a judgement, or none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from factory.generate.answers import Text
from factory.generate.client import Reply
from factory.grade.judge_prompts import Question, read_reply
from factory.grade.judge_store import Finding, Judgement
from factory.grade.last_line import one_line
from schemas.candidate import FinishReason
from schemas.sample import Drop

_DECLINED: Final = re.compile(
    r"content_filter|content management policy|ResponsibleAIPolicy|data_?inspection_?failed",
    re.IGNORECASE,
)
"""A question that a server will never answer, by its own rules: the question's doing."""
_NOTHING: Final = Text("", FinishReason.STOP, prompt_tokens=None, completion_tokens=None)


@dataclass(frozen=True)
class Unanswered:
    """The endpoints failed on this question after all retries: there is no judgement."""

    detail: str


Answer = Judgement | Unanswered


def read_answer(question: Question, reply: Reply, *, judge: str, attempt: int) -> Answer:
    """The answer in a reply; unreadable where it is out of form.

    Args:
        judge: `model@revision`.
        attempt: How often the question was asked before.
    """
    if reply.failure is None:
        (said,) = reply.texts
        found = read_reply(said.text, said.finish_reason)
    else:
        said = _NOTHING
        never = never_answered(*reply.failure)
        if never is None:
            return Unanswered(f"{reply.server}: {reply.failure[1]}")
        found = never
    if isinstance(found, str):
        finding, why = Finding.UNREADABLE, found
    else:
        finding = Finding.CORRECT if found.correct else Finding.INCORRECT
        why = found.reason
    return Judgement(
        finding=finding,
        reason=why,
        reply=said.text.encode("utf-8", "replace").decode(),
        attempts=attempt + 1,
        judge=judge,
        prompt=question.prompt,
        server=reply.server,
        prompt_tokens=said.prompt_tokens,
        completion_tokens=said.completion_tokens,
        wall_s=reply.wall_s,
    )


def never_answered(reason: Drop, detail: str) -> str | None:
    """Why a server will never answer a question; None where it merely failed."""
    if reason is Drop.OVERLONG_PROMPT:
        return f"the question does not fit into the judge's context: {one_line(detail)}"
    if _DECLINED.search(detail):
        return f"the judge's server declines the question: {one_line(detail)}"
    return None


def is_unreadable(answer: Answer) -> bool:
    """Whether there is a judgement, and it holds no verdict."""
    return isinstance(answer, Judgement) and answer.finding is Finding.UNREADABLE


def came_at_once(answer: Answer) -> bool:
    """Whether the first reply to a question held a verdict."""
    return isinstance(answer, Judgement) and not is_unreadable(answer) and answer.attempts == 1
