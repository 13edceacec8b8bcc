"""Questions as requests: who is asked for how many completions, with which settings and seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from factory.digest import digest
from factory.generate.answerer import Answerer
from factory.generate.budget import Written, fields
from factory.generate.client import Ask
from factory.generate.identity import Identity
from factory.generate.plan import Question
from factory.generate.prompt import Rendered
from schemas.generate_settings import Sampling
from schemas.teacher_settings import OpenaiTeacher

_SEED_HEX: Final = 12
"""48 bits: exact in JSON readers that know only doubles."""


@dataclass(frozen=True, slots=True)
class Target:
    """The candidates that a request is for: `identities[first:stop]` of a question."""

    question: Question
    first: int
    stop: int
    written: Written | None = None
    """Of one candidate that goes on; None where nothing of it is written yet."""
    prompt_tokens: int | None = None
    """Of its first request."""
    wall_s: float = 0.0
    """Of its requests so far."""


def seed_of(identity: Identity) -> int:
    """The sampling seed of a candidate: a digest of its identity without the index, plus the index.

    vLLM gives the k-th of n completions the seed of the request plus k, so a group of consecutive
    indices in one request has the same seeds as the same candidates asked for one by one.
    """
    return identity.index + _seed_of_index_0(
        identity.problem_id, identity.teacher, identity.sampling_digest, identity.prompt_digest
    )


@lru_cache(maxsize=1024)
def _seed_of_index_0(*identity: str) -> int:
    return int(digest(identity)[:_SEED_HEX], 16)


def groups(size: int, identities: Iterable[Identity]) -> Iterator[tuple[int, int]]:
    """Where runs of consecutive indices begin and end, each at most `size` long."""
    begun = at = 0
    before: int | None = None
    for at, one in enumerate(identities):
        if before is not None and (at - begun == size or one.index != before + 1):
            yield begun, at
            begun = at
        before = one.index
    if before is not None:
        yield begun, at + 1


def asks(questions: Iterator[Question], size: int) -> Iterator[Ask]:
    """The first request for each candidate, at most `size` of one problem together."""
    for question in questions:
        # Greedy decoding of one prompt has one answer, and vLLM refuses n above 1 for it.
        most = 1 if question.by.sampling.temperature == 0 else size
        for first, stop in groups(most, question.identities):
            yield _ask(Target(question, first, stop), seed_of(question.identities[first]))


def ask_on(target: Target) -> Ask:
    """The request that goes on with one candidate; its seed follows from the candidate's and from
    how often it was asked for, so that one that is drawn again is the same."""
    written = target.written
    assert written is not None
    begun = seed_of(target.question.identities[target.first])
    return _ask(target, int(digest([begun, written.requests])[:_SEED_HEX], 16))


def _ask(target: Target, seed: int) -> Ask:
    question, count = target.question, target.stop - target.first
    sampling = question.by.sampling
    body: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": seed,
    }
    if question.by.model is None:
        body |= _chat_fields(question.by, question.rendered, count)
        return Ask(body, count, target)
    written = target.written or Written("")
    body |= _vllm_fields(question.rendered.text + written.text, count, sampling)
    if question.by.budget is not None:
        body |= fields(written, question.by.budget, sampling.max_tokens)
    return Ask(body, count, target)


def _vllm_fields(prompt: str, count: int, sampling: Sampling) -> dict[str, Any]:
    """All sampling parameters by name, so that no default of the model's files changes a draw;
    special tokens stay in the text, because `<think>` is one in some tokenizers."""
    return {
        "prompt": prompt,
        "n": count,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "add_special_tokens": False,
        "skip_special_tokens": False,
        "return_token_ids": True,
    }


def _chat_fields(by: Answerer, rendered: Rendered, count: int) -> dict[str, Any]:
    """Only what every endpoint knows, and what the recipe asks for."""
    assert isinstance(by.teacher, OpenaiTeacher)
    body: dict[str, Any] = {"messages": rendered.messages, **by.teacher.body}
    if by.sampling.top_k != -1:
        body["top_k"] = by.sampling.top_k
    if by.prompt.template_args:
        body["chat_template_kwargs"] = by.prompt.template_args
    return body | ({"n": count} if count > 1 else {})
