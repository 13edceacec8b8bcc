"""Questions to the judge: kept judgements first, then the endpoints, each question asked once.

A reply that is not in form is asked again with another seed, at a temperature that lets it differ;
after the last try the question is unreadable, which is data. Where more than a share of all
questions is, the judge is broken, which is an error, and the unreadable ones of that batch are not
kept; unless it answers in form what it answered so before: after a kill the readable ones of a
batch are kept and the others come first. An endpoint that fails after all retries is an error too:
there is no judgement then, and none is kept.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from factory.errors import GraderError
from factory.generate.client import Ask, Reply
from factory.grade.judge_endpoints import check_named, judge_client
from factory.grade.judge_prompts import Question, messages, question_digest
from factory.grade.judge_reading import Answer, came_at_once, is_unreadable, read_answer
from factory.grade.judge_store import FILE_NAME, Judgement, JudgementStore
from factory.recipe_file import resolve_plain
from schemas.grade_settings import GradeJudge
from schemas.machine import Machine

ATTEMPTS: Final = 4
"""The first, and three more where replies are not in form."""
REPEAT_TEMPERATURE: Final = 0.7
"""At least that of the further ones: at 0 the same words would come again."""
TOLERATED_SHARE: Final = 0.2
_FEW: Final = 3
"""Fewer unreadable questions than this say nothing of the judge."""
_LATELY: Final = 512
"""What was asked before the last so many questions counts by half, again and again."""
_TRIAL: Final = 16
"""The first questions are asked before all others: a broken judge is found out at little cost."""


class Judge:
    """A judge and what it said so far. May be asked from many threads; nothing is opened before
    the first question."""

    def __init__(self, settings: GradeJudge, machine: Machine) -> None:
        self.name = f"{settings.model}@{settings.revision}"
        self._settings = settings
        self._endpoints = machine.judge
        self._path = resolve_plain(machine.paths.artifacts) / FILE_NAME
        self._lock = threading.Lock()
        self._store: JudgementStore | None = None
        self._asking: dict[str, Future[Answer]] = {}
        self._turns = itertools.count()
        self._asked = self._unreadable = 0
        self.prompt_tokens = self.completion_tokens = 0
        """What its servers counted, all tries together."""

    def close(self) -> None:
        """Commit and close what is open."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def judge_many(self, questions: Sequence[Question]) -> list[Answer]:
        """What the judge says of each, in their order; equal ones are asked once.

        Raises:
            RecipeError: No model is named.
            TeacherError: No endpoint is named; they refuse us, are gone for long, or only fail.
            GraderError: Too many replies are out of form, or judgements cannot be kept.
        """
        if not questions:
            return []
        check_named(self._settings.model, self._endpoints)
        keys = [self._key(question) for question in questions]
        todo = dict(zip(keys, questions, strict=True))
        mine, others = self._claim(todo)
        try:
            found = self._answers({key: todo[key] for key in mine})
        except BaseException as error:
            self._release(mine, error)
            raise
        self._release(mine, found)
        found |= {key: future.result() for key, future in others.items()}
        return [found[key] for key in keys]

    def try_out(self, question: Question) -> Answer | None:
        """Ask without looking at what is kept, and keep nothing; None where the reply is not in
        form. Raises as `judge_many`."""
        check_named(self._settings.model, self._endpoints)
        found, open_ones = asyncio.run(self._pass({self._key(question): question}, 0, None))
        return next(iter(found.values()), None) if not open_ones else None

    # -------------------------------------------------------------------------- who asks what

    def _key(self, question: Question) -> str:
        return question_digest(
            question,
            judge=self.name,
            temperature=self._settings.temperature,
            max_tokens=self._settings.max_tokens,
        )

    def _claim(self, keys: Collection[str]) -> tuple[list[str], dict[str, Future[Answer]]]:
        """The keys that are for this thread, and what other threads are asking already."""
        with self._lock:
            if self._store is None:
                self._store = JudgementStore(self._path)
            others = {key: self._asking[key] for key in keys if key in self._asking}
            mine = [key for key in keys if key not in others]
            self._asking |= {key: Future() for key in mine}
        return mine, others

    def _release(self, keys: Sequence[str], found: Mapping[str, Answer] | BaseException) -> None:
        with self._lock:
            futures = {key: self._asking.pop(key) for key in keys}
        for key, future in futures.items():
            if isinstance(found, BaseException):
                future.set_exception(found)
            else:
                future.set_result(found[key])

    # ------------------------------------------------------------------------------- asking

    def _answers(self, todo: Mapping[str, Question]) -> dict[str, Answer]:
        """Kept ones, and all that were not kept asked for."""
        assert self._store is not None
        found: dict[str, Answer] = dict(self._store.get_many(todo))
        missing = {key: question for key, question in todo.items() if key not in found}
        answered = {key: todo[key] for key, one in found.items() if came_at_once(one)}
        trial = 0 if self._asked else _TRIAL
        keys = list(missing)
        for some in (keys[:trial], keys[trial:]):
            if some:
                asking = {key: missing[key] for key in some}
                found |= self._ask_and_keep(asking, self._store, answered)
        return found

    def _ask_and_keep(
        self,
        todo: Mapping[str, Question],
        store: JudgementStore,
        answered: Mapping[str, Question],
    ) -> dict[str, Answer]:
        try:
            asked = asyncio.run(self._ask(todo, store))
        finally:
            store.commit()
        unreadable = {
            key: one
            for key, one in asked.items()
            if isinstance(one, Judgement) and is_unreadable(one)
        }
        self._count(len(asked), list(unreadable.values()), answered)
        for key, one in unreadable.items():
            store.put(key, one)
        store.commit()
        return asked

    async def _ask(self, todo: Mapping[str, Question], store: JudgementStore) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        open_ones: dict[str, Answer] = {}
        for attempt in range(ATTEMPTS):
            left = {key: todo[key] for key in (open_ones if attempt else todo)}
            if not left:
                break
            some, open_ones = await self._pass(left, attempt, store)
            found |= some
        return found | open_ones

    async def _pass(
        self, todo: Mapping[str, Question], attempt: int, store: JudgementStore | None
    ) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """What came of one request for each: answers, and replies out of form."""
        found: dict[str, Answer] = {}
        open_ones: dict[str, Answer] = {}

        async def done(reply: Reply) -> None:
            key: str = reply.ask.tag
            self.prompt_tokens += reply.prompt_tokens or 0
            self.completion_tokens += reply.completion_tokens or 0
            answer = read_answer(todo[key], reply, judge=self.name, attempt=attempt)
            if is_unreadable(answer) and reply.failure is None:
                open_ones[key] = answer
                return
            found[key] = answer
            if store is not None and isinstance(answer, Judgement) and not is_unreadable(answer):
                store.put(key, answer)

        urls = self._endpoints.base_urls
        first = next(self._turns) % len(urls)
        client = judge_client(
            self._settings.model,
            self._endpoints,
            urls=[*urls[first:], *urls[:first]],
            max_tokens=self._settings.max_tokens,
            check=store.commit_where_due if store is not None else lambda: None,
        )
        await client.run(self._asks(todo, attempt), done)
        return found, open_ones

    def _asks(self, todo: Mapping[str, Question], attempt: int) -> Iterator[Ask]:
        temperature = self._settings.temperature
        for key, question in todo.items():
            body: dict[str, Any] = {
                "messages": messages(question),
                "temperature": max(temperature, REPEAT_TEMPERATURE) if attempt else temperature,
                "max_tokens": self._settings.max_tokens,
                "seed": int(key[:7], 16) + attempt,
            }
            yield Ask(body, 1, key)

    def _count(
        self, asked: int, unreadable: Sequence[Judgement], answered: Mapping[str, Question]
    ) -> None:
        with self._lock:
            if self._asked > _LATELY:  # a judge that was good for long may break late
                self._asked, self._unreadable = self._asked // 2, self._unreadable // 2
            self._asked += asked
            self._unreadable += len(unreadable)
            few = self._unreadable < _FEW
            broken = not few and self._unreadable > TOLERATED_SHARE * self._asked
            counts = f"{self._unreadable} of {self._asked}"
        if unreadable and broken:
            if self._answers_again(answered):
                with self._lock:
                    self._asked = self._unreadable = 0
                return
            raise GraderError(
                f"judge {self.name}: expected replies that end with one line `Verdict: CORRECT` or "
                f"`Verdict: INCORRECT`, found none after {ATTEMPTS} tries for {counts} questions, "
                f"last because {unreadable[-1].reason}; take a judge that follows instructions, or "
                f"give it more max_tokens or context, then run again: verdicts are kept"
            )

    def _answers_again(self, answered: Mapping[str, Question]) -> bool:
        """Whether most of a few questions that were answered at once before are so again: then
        what was asked now is at fault and not the judge. Nothing of it is kept."""
        some = dict(itertools.islice(answered.items(), _FEW))
        if len(some) < _FEW:
            return False
        found, _ = asyncio.run(self._pass(some, 0, None))
        return sum(came_at_once(one) for one in found.values()) > _FEW / 2
