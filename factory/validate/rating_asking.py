"""Asks another model how good answers are: kept ratings first, then the endpoints, each once.

A judge's reply that is not in form is asked again with another seed, at a temperature that lets it
differ; after the last try the answer has no mark, which is data. An endpoint that fails after all
retries is an error, and so is a judge of whose first replies none is in form; then nothing without
a mark is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from factory.errors import GraderError
from factory.generate.answers import read_completions
from factory.generate.client import Ask, Reply
from factory.grade.judge_endpoints import judge_client
from factory.grade.judge_reading import never_answered
from factory.validate.rating import Answered, Rating, RatingStore
from factory.validate.rating_endpoints import endpoints_of
from factory.validate.rating_prompts import (
    VERSION,
    judge_messages,
    read_mark,
    reward_messages,
)
from factory.validate.reward_answers import PATH, read_reward
from schemas.machine import Machine
from schemas.validate_settings import BestOf

ATTEMPTS: Final = 4
"""Of a judge: the first, and three more where replies are not in form."""
_REPEAT_TEMPERATURE: Final = 0.7
"""Of the further ones: at 0 the same words would come again."""
_TRIAL: Final = 16
"""None in form of so many, or of fewer where there are no more, is the judge's fault."""


class Rater:
    """A model that rates, and what its ratings took."""

    def __init__(self, best_of: BestOf, machine: Machine, store: RatingStore) -> None:
        self.name = f"{best_of.model}@{best_of.revision}"
        self.prompt_tokens = self.completion_tokens = 0
        """What its servers counted, all tries together."""
        self.asked = 0
        """Answers, equal ones once, without those whose ratings were kept."""
        self._settings = best_of
        self._endpoints = endpoints_of(best_of, machine)
        self._store = store
        self._proven = False

    def rate_many(self, answers: Sequence[Answered]) -> list[Rating]:
        """One rating per answer, in their order; equal ones are asked once.

        Raises:
            TeacherError: The endpoints refuse us, are gone for long, or only fail.
            GraderError: They fail on an answer after all retries, no reply is in form, or ratings
                cannot be kept.
        """
        keys = [self._key(one) for one in answers]
        todo = dict(zip(keys, answers, strict=True))
        found = self._store.get_many(todo)
        self._proven |= any(one.mark is not None for one in found.values())
        missing = [key for key in todo if key not in found]
        self.asked += len(missing)
        trial = 0 if self._proven else _TRIAL
        for some in (missing[:trial], missing[trial:]):
            if some:
                found |= self._ask_and_keep({key: todo[key] for key in some})
        return [found[key] for key in keys]

    def _key(self, one: Answered) -> str:
        if self._settings.by == "reward":
            return one.key("reward", rater=self.name)
        limit = self._settings.max_tokens
        return one.key("judge", rater=self.name, prompt=VERSION, max_tokens=limit)

    def _ask_and_keep(self, todo: Mapping[str, Answered]) -> dict[str, Rating]:
        try:
            found = asyncio.run(self._ask(todo))
        finally:
            self._store.commit()
        without = {key: one for key, one in found.items() if one.mark is None}
        self._proven |= len(without) < len(found)
        if not self._proven:
            raise GraderError(
                f"rater {self.name}: expected a mark, found none in {len(found)} answers after "
                f"{ATTEMPTS} tries, last because {next(reversed(without.values())).reason}; take a "
                f"judge that follows instructions, or give it more max_tokens or context, then run "
                f"again: ratings are kept"
            )
        for key, one in without.items():
            self._store.put(key, one)
        self._store.commit()
        return found

    async def _ask(self, todo: Mapping[str, Answered]) -> dict[str, Rating]:
        found: dict[str, Rating] = {}
        left: Mapping[str, Answered] = todo
        for attempt in range(ATTEMPTS):
            found |= await self._pass(left, attempt)
            if self._settings.by == "reward":
                break
            left = {key: left[key] for key in left if found[key].attempts == attempt + 1}
            left = {key: one for key, one in left.items() if found[key].mark is None}
            if not left:
                break
        return found

    async def _pass(self, todo: Mapping[str, Answered], attempt: int) -> dict[str, Rating]:
        """What came of one request for each."""
        found: dict[str, Rating] = {}

        async def done(reply: Reply) -> None:
            self.prompt_tokens += reply.prompt_tokens or 0
            self.completion_tokens += reply.completion_tokens or 0
            rating = self._read(reply, attempt)
            found[reply.ask.tag] = rating
            if rating.mark is not None:
                self._store.put(reply.ask.tag, rating)

        judged = self._settings.by == "judge"
        urls = self._endpoints.base_urls
        client = judge_client(
            self._settings.model,
            self._endpoints,
            urls=urls if judged else [url.removesuffix("/v1") for url in urls],
            max_tokens=self._settings.max_tokens if judged else 0,
            check=self._store.commit_where_due,
            path="/chat/completions" if judged else PATH,
            read=read_completions if judged else read_reward,
        )
        await client.run(self._asks(todo, attempt), done)
        return found

    def _asks(self, todo: Mapping[str, Answered], attempt: int) -> Iterator[Ask]:
        for key, one in todo.items():
            body: dict[str, Any] = {"messages": reward_messages(one), "use_activation": False}
            if self._settings.by == "judge":
                body = {
                    "messages": judge_messages(one),
                    "temperature": _REPEAT_TEMPERATURE if attempt else 0.0,
                    "max_tokens": self._settings.max_tokens,
                    "seed": int(key[:7], 16) + attempt,
                }
            yield Ask(body, 1, key)

    def _read(self, reply: Reply, attempt: int) -> Rating:
        mark: float | None = None
        if reply.failure is not None:
            never = never_answered(*reply.failure)
            if never is None:
                raise GraderError(
                    f"rater {self.name} at {reply.server}: expected a rating, found none after all "
                    f"retries ({reply.failure[1]}); mend the server and run again, ratings that "
                    f"were made are kept"
                )
            reason, attempt = never, ATTEMPTS - 1
        elif self._settings.by == "reward":
            mark, reason = float(reply.texts[0].text), ""
        else:
            said = read_mark(reply.texts[0].text, reply.texts[0].finish_reason)
            mark, reason = (None, said) if isinstance(said, str) else (said.value, said.reason)
        return Rating(
            mark=mark,
            reason=reason,
            attempts=attempt + 1,
            rater=self.name,
            server=reply.server,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            wall_s=reply.wall_s,
        )
