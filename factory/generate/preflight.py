"""Whether the models of a recipe can be asked at all: seconds, before any work starts."""

from __future__ import annotations

from factory.errors import RecipeError
from factory.generate.endpoint_check import check_endpoints
from factory.generate.placed_room import placement
from factory.generate.prompt import chat_template
from factory.generate.vllm_arguments import (
    check_vllm_arguments,
    installed_vllm,
    vllm_arguments,
)
from factory.generate.vllm_environment import check_gpus
from factory.hub import hub_folder
from factory.models import resolve_model
from factory.recipe_file import existing
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Machine
from schemas.recipe import Recipe
from schemas.teacher_settings import ImportTeacher, OpenaiTeacher, Served, VllmTeacher


def check_models(recipe: Recipe, machine: Machine) -> None:
    """Return if every model that generation needs can be asked: the teachers, and the model of
    `[rewrite]`.

    Raises:
        MissingDependency, RecipeError, TeacherError: As `check_teacher`.
    """
    check_teacher(recipe.generate, machine)
    if (rewrite := recipe.rewrite) is not None:
        _check_served(rewrite.teacher, rewrite.sampling, machine, "rewrite")


def check_teacher(generate: Generate, machine: Machine) -> None:
    """Return if the teacher can be asked, and the one of `[generate.rest]` where it has its own.

    vLLM: it is installed, the model has a chat template, there are GPUs enough (where Ray places
    the servers, room is waited for when they start), `max_tokens` fits into the context, and vLLM's
    own parser accepts what recipe and machine file add to the arguments
    (this imports vLLM in another process, so it is left out where they add nothing).
    Endpoints: each answers, accepts the key and serves the model; one that has no list of models
    is believed. Import: the files are there.

    Raises:
        MissingDependency: vLLM is not installed.
        RecipeError: A model, file, prefix or argument is wrong.
        TeacherError: An endpoint cannot be reached, refuses the key, or serves other models.
    """
    if isinstance(generate.teacher, ImportTeacher):
        for file in generate.teacher.files:
            who = f"generations of {file.source}"
            if file.path:
                existing(file.path, who)
            else:
                hub_folder(file, who)
        return
    _check_prefixes(generate)
    _check_served(generate.teacher, generate.sampling, machine, "generate")
    if (rest := generate.rest) is not None:
        teacher = rest.teacher or generate.teacher
        sampling = rest.sampling or generate.sampling
        if rest.teacher:
            _check_served(teacher, sampling, machine, "generate.rest")
        elif isinstance(teacher, VllmTeacher):
            _check_context(teacher, sampling, "generate.rest")


def _check_served(teacher: Served, sampling: Sampling, machine: Machine, section: str) -> None:
    role = "teacher" if section == "generate" else section.rpartition(".")[2]
    serving = machine.serving(role)
    if isinstance(teacher, OpenaiTeacher):
        own = "" if role == "teacher" else f"{role}.teacher.base_urls, or else "
        check_endpoints(
            teacher.model,
            serving.teacher,
            addresses=f"{own}teacher.base_urls",
            name=f"{section}.teacher.model",
        )
        return
    _check_context(teacher, sampling, section)
    distribution = installed_vllm()
    model = resolve_model(teacher.model, teacher.revision)
    chat_template(model)
    arguments = vllm_arguments(teacher, serving.vllm, model, cpu=distribution.cpu)
    if not distribution.cpu and placement(machine) is None:
        check_gpus(serving.vllm)
    if teacher.vllm_args or serving.vllm.args:
        check_vllm_arguments(arguments)


def _check_context(teacher: VllmTeacher, sampling: Sampling, section: str) -> None:
    if sampling.max_tokens > teacher.max_model_len:
        raise RecipeError(
            f"{section}.sampling.max_tokens: expected at most max_model_len, the whole context of "
            f"{teacher.max_model_len} tokens, found {sampling.max_tokens}; lower it, or raise "
            f"max_model_len"
        )


def _check_prefixes(generate: Generate) -> None:
    """Nothing that a prompt must begin with is asked of a server that renders prompts itself."""
    for reasoning, field in ((True, "think_prefix"), (False, "plain_prefix")):
        teacher, _, prompt = generate.asking(reasoning=reasoning)
        prefix = prompt.think_prefix if reasoning else prompt.plain_prefix
        own = generate.rest is not None and prompt is generate.rest.prompt
        if prefix and isinstance(teacher, OpenaiTeacher):
            raise RecipeError(
                f"generate.{'rest.' if own else ''}prompt.{field}: expected an empty one with "
                f"engine `openai`, found {prefix!r}; chat endpoints cannot be made to begin with it"
            )
