"""What a reply comes to: candidates that are finished, ones that failed, ones that go on."""

from __future__ import annotations

import time
from collections.abc import Iterator

from factory.errors import TeacherError
from factory.generate.answers import Text
from factory.generate.asks import Target, ask_on, seed_of
from factory.generate.budget import Written, after
from factory.generate.client import Ask, Reply
from factory.generate.identity import Completion, Failure, Outcome
from schemas.candidate import FinishReason
from schemas.sample import Drop
from schemas.validate_settings import BudgetForcing


def taken(reply: Reply, engine: str) -> tuple[list[Outcome], list[Ask]]:
    """The outcomes in a reply, and the requests that go on with the other candidates of it.

    Args:
        engine: What the server that answered runs.

    Raises:
        TeacherError: How long a model thinks is forced, and its server does not count tokens.
    """
    target: Target = reply.ask.tag
    if reply.failure is not None:
        return _without_answer(reply, target, *reply.failure, engine), []
    budget = target.question.by.budget
    if budget is None:
        now_s = time.time()
        return [
            _completed(target, offset, reply, engine, text, now_s)
            for offset, text in enumerate(reply.texts)
        ], []
    outcomes: list[Outcome] = []
    further: list[Ask] = []
    for one, text in _each(target, reply, budget):
        assert one.written is not None
        if one.written.end is None:
            further.append(ask_on(one))
        else:
            whole = text._replace(
                text=one.written.text,
                finish_reason=one.written.end,
                prompt_tokens=one.prompt_tokens,
                completion_tokens=one.written.tokens,
            )
            outcomes.append(_completed(one, 0, reply, engine, whole, time.time()))
    return outcomes, further


def _each(target: Target, reply: Reply, budget: BudgetForcing) -> Iterator[tuple[Target, Text]]:
    """Each candidate of a reply as far as it is written now, with what was written last."""
    question = target.question
    for offset, text in enumerate(reply.texts):
        if text.completion_tokens is None:
            raise TeacherError(
                f"model server {reply.server}: expected the tokens of each completion, because "
                f"the recipe forces how long the model thinks, found no count; serve it with vLLM"
            )
        written = after(
            target.written or Written(""),
            text,
            text.completion_tokens,
            budget,
            question.by.sampling.max_tokens,
            question.rendered.forced,
        )
        at = target.first + offset
        prompt_tokens = text.prompt_tokens if target.written is None else target.prompt_tokens
        wall_s = target.wall_s + reply.wall_s
        yield Target(question, at, at + 1, written, prompt_tokens, wall_s), text


def _without_answer(
    reply: Reply, target: Target, reason: Drop, detail: str, engine: str
) -> list[Outcome]:
    """Failures; a candidate that no longer fits into the context is cut there, as vLLM cuts one
    that it draws at once."""
    if target.written is not None and reason is Drop.OVERLONG_PROMPT:
        written = target.written
        cut = Text(written.text, FinishReason.LENGTH, target.prompt_tokens, written.tokens)
        return [_completed(target, 0, reply, engine, cut, time.time())]
    failure = Failure(reason, detail)
    question, rows = target.question, slice(target.first, target.stop)
    asked = zip(question.ids[rows], question.identities[rows], strict=True)
    return [(one, identity, failure) for one, identity in asked]


def _completed(
    target: Target, offset: int, reply: Reply, engine: str, text: Text, now_s: float
) -> Outcome:
    question, at = target.question, target.first + offset
    identity = question.identities[at]
    # Only vLLM is known to seed the k-th completion of a request with its seed plus k.
    seeded = question.by.model is not None or not offset
    completion = Completion(
        text=question.rendered.forced + text.text,
        finish_reason=text.finish_reason,
        prompt_tokens=text.prompt_tokens,
        completion_tokens=text.completion_tokens,
        seed=seed_of(identity) if seeded else None,
        server=reply.server,
        engine=engine,
        created_unix_s=now_s,
        wall_s=target.wall_s if target.written else reply.wall_s,
    )
    return question.ids[at], identity, completion
