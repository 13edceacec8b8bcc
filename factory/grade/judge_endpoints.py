"""Whether a judge can be asked at all, in seconds, before any work starts; the client for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from factory.errors import RecipeError, TeacherError
from factory.generate.answers import Answer, read_completions
from factory.generate.client import Client, Limits, timeout_for
from factory.generate.endpoint_check import check_endpoints
from factory.generate.refusals import NoAnswer
from factory.grade.judge_label_file import labelled_lines
from schemas.grade_settings import Grade
from schemas.machine import Endpoints, Machine

_AWAY_S: Final = 120.0
"""How long all endpoints may be away together."""


def check_judge(grade: Grade, machine: Machine) -> None:
    """Return if the judge of a recipe can be asked: it is named, and each endpoint answers,
    accepts the key and serves the model. One that has no list of models is believed. The file
    of labels, where it names one, is right.

    Raises:
        RecipeError: `grade.judge.model` is empty, or the file of labels is not there.
        GradeFileError: A line of that file is wrong.
        TeacherError: There are no endpoints, or one cannot be reached, refuses the key, points
            elsewhere, or serves other models.
    """
    check_named(grade.judge.model, machine.judge)
    if grade.judge.labels:
        labelled_lines(grade.judge.labels)
    check_endpoints(
        grade.judge.model, machine.judge, addresses="judge.base_urls", name="grade.judge.model"
    )


def check_named(model: str, endpoints: Endpoints) -> None:
    """Raise where there is no model to ask for, or nobody to ask, as `check_judge`."""
    if not model:
        raise RecipeError(
            "grade.judge.model: expected the name of a model, because problems ask for the grader "
            "`judge`, found none; name it, or give these problems another grader"
        )
    if not endpoints.base_urls:
        raise TeacherError(
            "grader `judge`: expected addresses in judge.base_urls of the machine file, found "
            'none; add e.g. base_urls = ["http://127.0.0.1:8000/v1"]'
        )


def judge_client(
    model: str,
    endpoints: Endpoints,
    *,
    urls: Sequence[str],
    max_tokens: int,
    check: Callable[[], None],
    path: str = "/chat/completions",
    read: Callable[[bytes, int], Answer | NoAnswer] = read_completions,
) -> Client:
    """A client of the endpoints of a judge, or of another model that grades.

    Args:
        urls: The endpoints' addresses, those to prefer first.
        check: Called now and then while it works.
        path: Of what is asked there.
        read: What an answer to it means.
    """
    return Client(
        urls=lambda: urls,
        path=path,
        model=model,
        read=read,
        limits=Limits(
            in_flight=endpoints.in_flight,
            timeout_s=timeout_for(endpoints, max_tokens),
            retries=endpoints.retries,
            give_up_after_s=_AWAY_S,
        ),
        key=os.environ.get(endpoints.api_key_env),
        check=check,
    )
