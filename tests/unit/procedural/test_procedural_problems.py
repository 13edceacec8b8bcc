"""Procedural problems: splits share nothing, seeds decide, and every gold is right."""

from __future__ import annotations

import json
import random
import re
from fractions import Fraction
from typing import Any, Literal, get_args

import pytest

from factory.collect.procedural import arithmetic, chat, problems, python_tasks, traced
from factory.collect.procedural.expressions import Number, Step, decimal, skeleton
from factory.collect.procedural.python_programs import INPUTS, Program, probes
from factory.collect.procedural.python_steps import AS_IS, KEEP_ALL
from factory.collect.procedural.splits import Split, split_of
from factory.errors import SourceError
from schemas.problem import Domain, GraderName
from schemas.source_settings import ProceduralSource

Family = Literal["arithmetic", "python", "chat"]
FAMILIES: tuple[Family, ...] = get_args(Family)
SPLITS: tuple[Split, ...] = get_args(Split)
DRAWS = {"arithmetic": arithmetic.draw, "python": python_tasks.draw, "chat": chat.draw}


def source(family: Family, split: Split, count: int = 150, seed: int = 0) -> ProceduralSource:
    return ProceduralSource(
        name=f"{family}-{split}",
        kind="procedural",
        family=family,
        split=split,
        count=count,
        seed=seed,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_problems_and_another_seed_others(family: Family) -> None:
    first = list(problems(source(family, "train")))
    assert first == list(problems(source(family, "train")))
    other = list(problems(source(family, "train", seed=1)))
    assert [one.statement for one in first] != [one.statement for one in other]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_longer_list_starts_with_the_shorter_one(family: Family) -> None:
    longer = list(problems(source(family, "train", count=60)))
    assert longer[:20] == list(problems(source(family, "train", count=20)))


@pytest.mark.parametrize("family", FAMILIES)
def test_splits_share_no_statement_and_ids_are_unique(family: Family) -> None:
    by_split = {split: list(problems(source(family, split))) for split in SPLITS}
    statements = [{one.statement for one in rows} for rows in by_split.values()]
    assert sum(map(len, statements)) == len(set().union(*statements))
    for rows in by_split.values():
        assert len({one.problem_id for one in rows}) == len(rows)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_skeleton_has_one_split_and_every_split_has_skeletons(family: Family) -> None:
    rng = random.Random(5)
    skeletons = {DRAWS[family](rng).skeleton for _ in range(400)}
    assert {split_of(family, one) for one in skeletons} == set(SPLITS)


def test_arithmetic_told_in_another_way_is_the_same_skeleton() -> None:
    a, b, c = Number("3"), Number("4"), Number("2")
    told = Step(Step(a, "+", b), "-", c)
    assert skeleton(told) == skeleton(Step(Step(b, "-", c), "+", a))
    assert skeleton(told) == skeleton(Step(a, "-", Step(c, "-", b)))
    assert skeleton(Step(a, "*", b)) == skeleton(Step(b, "*", a))
    assert skeleton(told) != skeleton(Step(Step(a, "+", c), "-", b))


def test_stories_that_differ_only_in_names_and_things_are_in_one_split() -> None:
    rng = random.Random(1)
    by_numbers: dict[str, set[str]] = {}
    for _ in range(3000):
        drawn = arithmetic.draw(rng)
        bare = re.sub(r"\b[A-Z][a-z]+\b", "N", drawn.statement)
        by_numbers.setdefault(bare, set()).add(split_of("arithmetic", drawn.skeleton))
    assert all(len(splits) == 1 for splits in by_numbers.values())


def test_programs_that_behave_alike_share_a_skeleton() -> None:
    filters = {one.says: one for one in INPUTS["list"].filters()}
    total = INPUTS["list"].folds()[0]
    at_least = Program("list", filters["are at least 5"], AS_IS, total)
    greater = Program("list", filters["are greater than 4"], AS_IS, total)
    assert at_least.comprehension() != greater.comprehension()
    assert at_least.skeleton == greater.skeleton
    assert at_least.skeleton != Program("list", KEEP_ALL, AS_IS, total).skeleton


def test_chat_prompts_that_differ_only_in_punctuation_share_a_skeleton() -> None:
    rng = random.Random(2)
    drawn = [chat.draw(rng) for _ in range(500)]
    for one in drawn:
        assert re.sub(r"\W+", " ", one.statement.casefold()).strip() == one.skeleton


@pytest.mark.parametrize("split", SPLITS)
def test_boxed_answers_of_traces_are_the_gold_and_every_equation_in_the_solution_holds(
    split: Split,
) -> None:
    for problem, text in traced(source("arithmetic", split)):
        assert problem.grader is GraderName.MATH and problem.domain is Domain.MATH
        thought, answer = text.removeprefix("<think>\n").split("\n</think>\n\n")
        assert re.findall(r"\\boxed\{(.*)\}", answer) == [problem.gold]
        assert "```" not in thought and "<think>" not in thought
        for line in re.split(r"[;,] |\. |\.$| as | = ", problem.solution):
            sides = re.sub(r"^[A-Za-z ]*", "", line).rstrip(".").split("=")
            if len(sides) > 1:
                values = [value_of(side) for side in sides]
                assert len(set(values)) == 1, problem.solution


def value_of(text: str) -> Fraction:
    """Value of a sum, difference, product or quotient as the traces write it."""
    fractions_apart = re.fullmatch(r"(\d+/\d+)([+-])(\d+/\d+)", text)
    parts = fractions_apart or re.fullmatch(r"([\d.]+)([-+*/])([\d.]+)", text)
    if parts is None:
        return Fraction(text)
    left, operation, right = Fraction(parts[1]), parts[2], Fraction(parts[3])
    if operation in "+-":
        return left + right if operation == "+" else left - right
    return left * right if operation == "*" else left / right


@pytest.mark.parametrize(
    ("value", "text"), [("5", "5"), ("1/2", "0.5"), ("-5/4", "-1.25"), ("81/10", "8.1")]
)
def test_decimals_are_written_without_trailing_zeros(value: str, text: str) -> None:
    assert decimal(Fraction(value)) == text


def call(code: str, argument: Any) -> Any:
    """Run one of our own programs."""
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - written by our own generator
    (function,) = (value for key, value in names.items() if key != "__builtins__")
    return function(argument)


@pytest.mark.parametrize("split", SPLITS)
def test_reference_programs_and_programs_of_traces_pass_all_cases(split: Split) -> None:
    for problem, text in traced(source("python", split)):
        assert problem.grader is GraderName.CODE and problem.domain is Domain.CODE
        gold = json.loads(problem.gold)
        assert gold["kind"] == "call" and len(gold["cases"]) == 12
        (written,) = re.findall(r"```python\n(.*?)\n```", text.split("</think>")[1], re.DOTALL)
        for code in (problem.solution, written):
            assert f"def {gold['entry_point']}(" in code
            for case in gold["cases"]:
                assert call(code, *case["args"]) == case["expected"], code


def test_all_ways_to_write_a_program_do_what_it_does() -> None:
    rng = random.Random(3)
    for _ in range(300):
        drawn = python_tasks.draw(rng)
        texts = {drawn.trace(random.Random(n)) for n in range(4)}
        for text in texts:
            code = text.split("```python\n")[1].removesuffix("\n```")
            for case in json.loads(drawn.gold)["cases"]:
                assert call(code, *case["args"]) == case["expected"], code


def test_examples_in_python_statements_are_true() -> None:
    for problem in problems(source("python", "heldout")):
        cases = json.loads(problem.gold)["cases"]
        for line in problem.statement.splitlines()[1:]:
            argument, expected = re.fullmatch(r"\w+\((.*)\) == (.*)", line).groups()  # type: ignore
            assert any(
                repr(one["args"][0]) == argument and repr(one["expected"]) == expected
                for one in cases
            )


def test_probe_inputs_do_not_change_between_calls() -> None:
    assert probes("list") is probes("list")
    assert all(isinstance(one, list) for one in probes("list"))


def test_chat_prompts_are_answered_without_thinking() -> None:
    for problem, text in traced(source("chat", "heldout")):
        assert not problem.reasoning and problem.domain is Domain.GENERAL
        assert "<think>" not in text
        assert text in problem.gold.split(" ||| ")


@pytest.mark.parametrize("family", ["arithmetic", "python"])
def test_traces_vary_and_some_mend_an_error(family: Family) -> None:
    rows = list(traced(source(family, "bootstrap", count=400)))
    assert all(problem.reasoning for problem, _ in rows)
    mended = sum(bool(re.search(r"wrong|No,|Hmm", text)) for _, text in rows)
    assert 10 <= mended <= 120
    drawn = DRAWS[family](random.Random(4))
    assert len({drawn.trace(random.Random(n)) for n in range(20)}) > 5


def test_asking_for_more_than_a_split_has_names_the_source_and_the_number() -> None:
    with pytest.raises(SourceError, match=r"chat-heldout: expected 90000 .* found \d+"):
        list(problems(source("chat", "heldout", count=90_000)))
