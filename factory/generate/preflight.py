"""Whether the teacher of a recipe can be asked at all: seconds, before any work starts."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import aiohttp

from factory.errors import RecipeError, TeacherError
from factory.generate.client import shown
from factory.generate.prompt import chat_template
from factory.generate.vllm_arguments import check_vllm_arguments, installed_vllm, vllm_arguments
from factory.models import resolve_model
from factory.recipe_file import existing
from schemas.machine import Endpoints, Machine
from schemas.recipe import Generate, ImportTeacher, OpenaiTeacher, VllmTeacher

_TIMEOUT_S: Final = 10.0


def check_teacher(generate: Generate, machine: Machine) -> None:
    """Return if the teacher can be asked.

    vLLM: it is installed, the model has a chat template, and vLLM's own parser accepts what recipe
    and machine file add to the arguments (this imports vLLM in another process, so it is left out
    where they add nothing). Endpoints: each answers, accepts the key and serves the model; one
    that has no list of models is believed. Import: the files are there.

    Raises:
        MissingDependency: vLLM is not installed.
        RecipeError: A model, file or argument is wrong.
        TeacherError: An endpoint cannot be reached, refuses the key, or serves other models.
    """
    teacher = generate.teacher
    match teacher:
        case VllmTeacher():
            distribution = installed_vllm()
            model = resolve_model(teacher.model, teacher.revision)
            chat_template(model)
            arguments = vllm_arguments(teacher, machine.vllm, model, cpu=distribution.cpu)
            if teacher.vllm_args or machine.vllm.args:
                check_vllm_arguments(arguments)
        case OpenaiTeacher():
            _check_endpoints(generate, teacher, machine.teacher)
        case ImportTeacher():
            for file in teacher.files:
                existing(file.path, f"generations of {file.source}")


def _check_endpoints(generate: Generate, teacher: OpenaiTeacher, endpoints: Endpoints) -> None:
    if generate.prompt.think_prefix:
        raise RecipeError(
            "generate.prompt.think_prefix: expected an empty one with engine `openai`, found "
            f"{generate.prompt.think_prefix!r}; chat endpoints cannot be made to begin with it"
        )
    if not endpoints.base_urls:
        raise TeacherError(
            "engine `openai`: expected addresses in teacher.base_urls of the machine file, found "
            'none; add e.g. base_urls = ["http://127.0.0.1:8000/v1"]'
        )
    asyncio.run(_ask_for_models(teacher.model, endpoints))


async def _ask_for_models(model: str, endpoints: Endpoints) -> None:
    key = os.environ.get(endpoints.api_key_env)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        for url in endpoints.base_urls:
            try:
                target = shown(url) if key else url
                async with session.get(f"{target}/models") as response:
                    body = await response.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise TeacherError(
                    f"model server {shown(url)}: cannot be reached within {_TIMEOUT_S:.0f} s "
                    f"({type(error).__name__}); start it or correct teacher.base_urls"
                ) from error
            if response.status in (401, 403):
                state = "was refused" if key else "is not set"
                raise TeacherError(
                    f"model server {shown(url)}: HTTP {response.status}; the key in the "
                    f"environment variable {endpoints.api_key_env} {state}"
                )
            served = _served(body) if response.status == 200 else None
            if served is not None and model not in served:
                raise TeacherError(
                    f"model server {shown(url)}: expected it to serve {model}, it serves "
                    f"{served[:20]}; correct generate.teacher.model"
                )


def _served(body: bytes) -> list[str] | None:
    """Names of the models in the answer of `/models`; None where it is no such list."""
    try:
        content: Any = json.loads(body)
    except ValueError:
        return None
    models = content.get("data") if isinstance(content, dict) else None
    if not isinstance(models, list):
        return None
    return [str(one["id"]) for one in models if isinstance(one, dict) and "id" in one]
