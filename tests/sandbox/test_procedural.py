"""Procedural sources with their own scorer: reasoning-gym in its image, problems and scores."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest

from factory.collect.gold import check_golds
from factory.collect.sources import iter_problems
from factory.errors import SandboxUnavailable, SourceError
from factory.grade.contract import Item, Verdict
from factory.grade.procedural import ProceduralGrader, check_scorers, procedural_answer, read_gold
from sandboxes import DockerUnavailable
from sandboxes.client import connect
from sandboxes.image import PACKAGED, build_packages_image, image_names
from sandboxes.languages import PYTHON_IMAGE
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade, GradeProcedural
from schemas.machine import Machine, Sandbox
from schemas.problem import GraderName, Problem
from schemas.source_settings import ReasoningGymSource
from schemas.verdict import Status
from tests.unit.grade.items import problem

SANDBOX = Sandbox(slots=2)
MACHINE = Machine(sandbox=Sandbox(slots=1))
COUNTDOWN = {"numbers": [67, 50, 20, 82], "target": 119}
ENTRY = {"question": "?", "answer": "82 + 20 + 67 - 50", "metadata": COUNTDOWN}
GOLD = json.dumps({"dataset": "countdown", "entry": ENTRY})


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """The image of the scorers; without it these tests skip, visibly, but not in `make test`."""
    try:
        client = connect()
        client.images.get(SANDBOX.scorers_image)
    except (DockerUnavailable, docker.errors.ImageNotFound) as error:
        if os.environ.get("RETORT_NO_SKIPS"):
            raise
        pytest.skip(f"{error}: python -m sandboxes.image build scorers")
    client.close()


@pytest.fixture(scope="module")
def grader(image: None) -> Iterator[ProceduralGrader]:
    with ProceduralGrader(GradeProcedural(wall_s=6, cpu_s=3), SANDBOX) as grader:
        yield grader


def item(text: str, gold: str = GOLD, reason: FinishReason = FinishReason.STOP) -> Item:
    return Item(problem(gold, GraderName.PROCEDURAL), text, reason)


def test_any_answer_that_the_scorer_accepts_is_correct_and_no_other(
    grader: ProceduralGrader,
) -> None:
    expected = {
        "<think>hm</think><answer>82 + 20 + 67 - 50</answer>": Status.CORRECT,
        "<think>hm</think>\\boxed{67 + 82 - 50 + 20}": Status.CORRECT,
        "67 - 50 + 82 + 20": Status.CORRECT,
        "<answer>82 + 20</answer>": Status.INCORRECT,
        "<answer>82 + 20 + 67 - 50</answer> no: <answer>119</answer>": Status.INCORRECT,
        "<think><answer>82 + 20 + 67 - 50</answer></think>no idea": Status.INCORRECT,
        "<think>82 + 20 + 67 - 50": Status.TRUNCATED,
        "\\boxed{82 + 20": Status.UNPARSABLE,
        "": Status.UNPARSABLE,
    }
    found = grader.grade_many([item(text) for text in expected])
    assert {text: one.status for text, one in zip(expected, found, strict=True)} == expected
    assert found[0].detail == "score 1" and found[0].method == "scorer"
    assert found[3].detail.startswith("score 0.")


def test_partial_credit_is_correct_only_where_the_recipe_says_so() -> None:
    partial = item("<answer>82 + 20</answer>")
    with ProceduralGrader(GradeProcedural(min_score=0.01), MACHINE.sandbox) as generous:
        assert generous.grade_many([partial])[0].status is Status.CORRECT


HOSTILE = (
    "__import__('os')._exit(0)",
    "__import__('os').system('rm -rf /')",
    "9**9**9",
    "(" * 3000,
    "[" * 100_000,
    "x" * 1_000_000,
    "\x00\ud800",
)


@pytest.mark.parametrize("dataset", ["countdown", "decimal_arithmetic", "cryptarithm"])
def test_a_hostile_answer_earns_nothing_and_harms_nobody(
    grader: ProceduralGrader, dataset: str, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    source = ReasoningGymSource(kind="reasoning_gym", name="s", dataset=dataset, count=1)
    (problem,) = iter_problems(source, Grade(), MACHINE)
    texts = [*HOSTILE, f"__import__('pathlib').Path({str(witness)!r}).write_text('x')"]
    found = grader.grade_many([item(f"<answer>{one}</answer>", problem.gold) for one in texts])
    assert Status.CORRECT not in {one.status for one in found}
    assert not witness.exists()
    right = grader.gold_answer(problem)
    assert right is not None
    assert grader.grade_many([item(right, problem.gold)])[0].status is Status.CORRECT


@pytest.mark.parametrize(
    ("gold", "detail"),
    [
        ("no json", "expected JSON"),
        ('{"dataset": "countdown"}', "expected `entry` to be an object"),
        ('{"entry": {}}', "expected `dataset` to be a name"),
        ('{"dataset": "countdown", "entry": {}, "seed": 1}', "found other keys"),
        ('{"dataset": "nobody", "entry": {}}', "nobody"),
        ('{"dataset": "countdown", "entry": "__import__(\'os\').getcwd()"}', "ValueError"),
    ],
)
def test_a_gold_that_is_none_is_evidence_and_no_crash(
    grader: ProceduralGrader, gold: str, detail: str
) -> None:
    (found,) = grader.grade_many([item("<answer>1</answer>", gold)])
    assert found.status is Status.ERROR and detail in found.detail
    text = grader.gold_answer(item("", gold).problem)
    assert text is not None
    assert grader.grade_many([item(text, gold)])[0].status is not Status.CORRECT


DATASETS = ("countdown", "rearc", "graph_color")


def test_a_source_makes_the_same_problems_again_and_their_scorers_accept_their_answers() -> None:
    problems: list[Problem] = []
    for dataset in DATASETS:
        name = dataset.replace("_", "-")
        source = ReasoningGymSource(
            kind="reasoning_gym", name=name, dataset=dataset, count=7, seed=3
        )
        made = list(iter_problems(source, Grade(), MACHINE))
        assert [one.problem_id for one in made] == [f"{name}/{number}" for number in range(7)]
        assert len({one.statement for one in made}) > 1
        if dataset == "countdown":
            assert made == list(iter_problems(source, Grade(), MACHINE))
            other = source.model_copy(update={"seed": 4})
            assert made != list(iter_problems(other, Grade(), MACHINE))
        problems += made
    checked = check_golds(problems, Grade(), MACHINE)
    assert checked.rejected == {}
    assert checked.unchecked == 7  # a colouring has no one answer
    entries = {read_gold(one.gold)[0]: read_gold(one.gold)[2] for one in problems}
    assert isinstance(entries["rearc"], str) and isinstance(entries["countdown"], dict)


def test_the_configuration_of_a_source_reaches_its_dataset() -> None:
    source = ReasoningGymSource(
        kind="reasoning_gym",
        name="s",
        dataset="countdown",
        count=3,
        config={"min_numbers": 2, "max_numbers": 2},
    )
    for made in iter_problems(source, Grade(), MACHINE):
        _, config, entry = read_gold(made.gold)
        assert config == source.config
        assert isinstance(entry, dict) and len(entry["metadata"]["numbers"]) == 2


@pytest.mark.parametrize(
    ("dataset", "config"), [("nobody", {}), ("countdown", {"colour": 3}), ("composite", {})]
)
def test_a_dataset_that_cannot_be_made_is_an_error_of_the_source(
    dataset: str, config: dict[str, int]
) -> None:
    source = ReasoningGymSource(
        kind="reasoning_gym", name="s", dataset=dataset, count=3, config={**config}
    )
    with pytest.raises(SourceError, match=f"source s: expected entries 0 to 2 of .*{dataset}"):
        list(iter_problems(source, Grade(), MACHINE))


def test_a_missing_image_is_an_error_with_the_command_that_makes_it() -> None:
    missing = Sandbox(scorers_image="retort-sandbox-nobody:latest")
    with (
        pytest.raises(SandboxUnavailable, match=r"python -m sandboxes\.image build nobody"),
        ProceduralGrader(GradeProcedural(), missing),
    ):
        pass
    with pytest.raises(SandboxUnavailable, match=r"python -m sandboxes\.image build nobody"):
        check_scorers(missing)
    check_scorers(SANDBOX)


def test_another_version_than_the_recipes_is_an_error_with_the_command_that_makes_it() -> None:
    with (
        pytest.raises(SandboxUnavailable, match=r"packages reasoning-gym==0\.1\.0 --image retort"),
        ProceduralGrader(GradeProcedural(version="0.1.0"), SANDBOX),
    ):
        pass


def test_an_image_without_the_package_is_an_error_with_the_command_that_makes_it() -> None:
    bare = Sandbox(slots=1, scorers_image="retort-sandbox-python:latest")
    with (
        pytest.raises(SandboxUnavailable, match="packages reasoning-gym=="),
        ProceduralGrader(GradeProcedural(), bare),
    ):
        pass


def test_the_image_that_is_built_has_the_version_of_the_recipe_and_is_kept() -> None:
    assert PACKAGED["scorers"] == (f"reasoning-gym=={GradeProcedural().version}",)
    assert "scorers" in image_names()
    said: list[str] = []
    image = SANDBOX.scorers_image
    build_packages_image(PACKAGED["scorers"], image, base=PYTHON_IMAGE, say=said.append)
    assert said == []


def test_the_answer_is_the_last_tag_then_the_last_box_then_everything() -> None:
    def answer(text: str, reason: FinishReason = FinishReason.STOP) -> str | None:
        return procedural_answer(item(text, reason=reason))[0]

    assert answer("<answer>1</answer> \\boxed{2} <answer>\n3\n4 </answer>") == "3\n4"
    assert answer("so \\boxed{1} or \\boxed{2}") == "2"
    assert answer(" 1 2\n3 4 \n") == "1 2\n3 4"
    assert answer("1 2\n3", FinishReason.LENGTH) is None
    assert answer("<answer>1</answer> and", FinishReason.LENGTH) == "1"
    assert answer("<answer>5</answer> wait <answer>6") is None
    assert answer("<answer>" * 200_000) is None


def test_verdicts_are_those_of_the_contract(grader: ProceduralGrader) -> None:
    assert grader.grade_many([]) == []
    assert all(isinstance(one, Verdict) for one in grader.grade_many([item("1"), item("2")]))
