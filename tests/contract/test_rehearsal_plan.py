"""The rehearsal: what it plans adds up, and its answers are what they claim to be."""

from __future__ import annotations

import importlib
import json
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from factory.grade.contract import Item
from factory.grade.registry import open_grader
from factory.recipe_file import ROOT, data_root
from factory.select.rules import Case, first_drop
from schemas.candidate import FinishReason
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.select_settings import Select

pytestmark = pytest.mark.skipif(
    not (data_root() / "gsm8k" / "train.jsonl").exists(),
    reason=f"no data at {data_root()}; set RETORT_DATA",
)

_REASONS = {
    "surplus": None,
    "loop": "repetition",
    "foreign letters": "mixed_language",
    "bare": "bad_format",
    "said": "without_work",
}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the benchmarks as it is when they are run."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


@pytest.mark.parametrize("samples", [400, 4_000, 100_000, 800_000])
def test_every_stage_of_the_plan_adds_up(modules: Any, samples: int) -> None:
    plan = modules("rehearsals.plan").Plan(samples)
    before = plan.rows["collect"][0]
    for stage, (rows_in, rows_out) in plan.rows.items():
        assert rows_in == rows_out + sum(plan.drops[stage].values())
        assert all(count > 0 for count in plan.drops[stage].values())
        assert rows_in == before * (24 if stage == "generate" else 1)
        before = rows_out
    assert plan.rows["shard"][1] == samples
    assert sum(plan.verdicts.values()) == plan.candidates
    assert sum(plan.sources.values()) == plan.problems
    assert sum(plan.fates.values()) == plan.asked


def test_the_full_size_is_that_of_the_recipe(modules: Any) -> None:
    plan = modules("rehearsals.plan").Plan(800_000)
    assert plan.candidates >= 2_400_000
    assert plan.sandbox_runs >= 50_000
    assert set(plan.verdicts) == {
        *("correct", "incorrect", "unparsable", "truncated"),
        *("error", "syntax", "timeout", "memory", "output_limit"),
    }


@pytest.mark.parametrize("samples", [392, 801])
def test_a_size_that_cannot_be_planned_is_refused(modules: Any, samples: int) -> None:
    with pytest.raises(ValueError, match=f"expected a multiple of 8, .* found {samples}"):
        modules("rehearsals.plan").Plan(samples)


def test_no_two_problems_have_one_statement(modules: Any) -> None:
    asked = modules("rehearsals.asked")
    plan = modules("rehearsals.plan").Plan(40_000)
    made = [*asked.sums(plan), *asked.choices(400), *asked.words_in_reverse(400)]
    made += [*asked.real(400), *asked.programs(2_000)]
    forms = {" ".join(one.statement.split()) for one in made}
    assert len(forms) == len(made)
    assert len({one.number for one in made}) == len(made)


def test_answers_get_the_planned_verdict_and_leave_by_the_planned_rule(modules: Any) -> None:
    asked, plan = modules("rehearsals.asked"), modules("rehearsals.plan")
    roles = modules("rehearsals.roles")
    made = [*asked.sums(plan.Plan(8_000))]
    some = made[:110] + [one for one in made if one.fate in ("easy", "hopeless")]
    some += [*asked.choices(5), *asked.words_in_reverse(5), *asked.real(60)]
    graders = {"choice": "choice", "words": "text"}
    for name in ("math", "choice", "text"):
        mine = [one for one in some if graders.get(one.source, "math") == name]
        expected, items = [], []
        for one in mine:
            for place in range(24):
                expected.append((one, place, _claimed(roles, one, place)))
                items.append(_item(modules, one, place, name))
        with open_grader(name, Grade(), Machine(workers=1)) as grader:
            verdicts = grader.grade_many(items)
        for (one, place, (status, reason)), item, verdict in zip(
            expected, items, verdicts, strict=True
        ):
            where = f"{one.source} {one.number}, place {place}: {item.text[-200:]!r}"
            assert verdict.status.value == status, where
            if status == "correct":
                found = first_drop(_case(item), Select())
                assert (found and found[0].value) == reason, (where, found)


def test_programs_are_read_out_of_answers_as_planned(modules: Any) -> None:
    roles, program_of = modules("rehearsals.roles"), modules("factory.grade.code").program_of
    for one in modules("rehearsals.asked").programs(45):
        for place, role in enumerate(roles.ROLES):
            item = _item(modules, one, place, "code")
            found = program_of(item.text, item.finish_reason)
            claimed = {"unparsable": "unparsable", "cut": "truncated"}.get(role.value)
            assert (found.status and found.status.value) == claimed
            if claimed is None:
                wrong = one.wrong[place - roles.FIRST_WRONG] if role.value == "wrong" else None
                assert found.program == (wrong or one.right[0])
                reason = _REASONS.get(role.value)
                dropped = first_drop(_case(item), Select())
                assert wrong or (dropped and dropped[0].value) == reason, (role, dropped)


def test_duplicates_are_near_the_others_far_and_the_surplus_is_longest(modules: Any) -> None:
    plan, asked = modules("rehearsals.plan"), modules("rehearsals.asked")
    jaccard = modules("made_texts.texts").jaccard
    made = [*islice(asked.sums(plan.Plan(4_000)), 102), *asked.programs(20)]
    for before, one in pairwise(made):
        texts = [_text(modules, one, place)[0] for place in range(13)]
        near = modules("rehearsals.roles").ROLES.index("near duplicate")
        assert max(map(len, texts[:10])) < min(map(len, texts[10:]))
        split = [text.lower().split() for text in texts]
        assert split[8] == split[0] and texts[8] != texts[0]
        if one.fate.value == "twin":
            of, copy = (
                f"{each.statement}\n{_text(modules, each, place)[0]}".lower().split()
                for each, place in ((before, 1), (one, near))
            )
            assert jaccard(of, copy, 5) > 0.88
        elif one.fate.value == "ordinary":
            assert jaccard(split[0], split[near], 5) > 0.9
            assert len(texts[near]) > len(texts[0])
        others = [at for at in range(8) if at]
        assert max(jaccard(split[0], split[at], 5) for at in others) < 0.6


def test_the_teacher_answers_by_prompt_and_seed_alone(modules: Any, tmp_path: Path) -> None:
    catalogue, server = modules("rehearsals.catalogue"), modules("rehearsals.server")
    plan = modules("rehearsals.plan").Plan(400)
    catalogue.write_files(tmp_path, plan)
    known = list(catalogue.read_catalogue(tmp_path))
    tails = modules("rehearsals.asked").TAILS
    one = known[2]
    prompt = f"{one.statement}{tails[one.domain]}"
    whole = _choices(server.Teacher(tmp_path), prompt, 1_000_007, 24)
    again = server.Teacher(tmp_path)
    parts = _choices(again, prompt, 1_000_020, 11)
    parts = _choices(again, prompt, 1_000_007, 13) + parts
    assert whole == parts and len(set(whole)) == 24
    fates = {one.fate.value: f"{one.statement}{tails[one.domain]}" for one in known}
    assert b"maximum context length" in again.answer(_request(fates["overlong"], 1, 24))
    declined = json.loads(again.answer(_request(fates["declined"], 1, 2)).partition(b"\r\n\r\n")[2])
    assert {one["finish_reason"] for one in declined["choices"]} == {"content_filter"}
    assert again.answer(_request("another question", 1, 1)).startswith(b"HTTP/1.1 404")


def _claimed(roles: Any, one: Any, place: int) -> tuple[str, str | None]:
    if one.fate.value in ("easy", "hopeless"):
        return ("correct", None) if one.fate.value == "easy" else ("incorrect", None)
    role = roles.ROLES[place].value
    status = {"wrong": "incorrect", "unparsable": "unparsable", "cut": "truncated"}
    return status.get(role, "correct"), _REASONS.get(role)


def _text(modules: Any, one: Any, place: int) -> tuple[str, str]:
    made = modules("rehearsals.answers").completion(one, place)
    return json.loads(b'"' + made.text + b'"'), made.finish_reason.decode()


def _item(modules: Any, one: Any, place: int, grader: str) -> Item:
    text, reason = _text(modules, one, place)
    problem = Problem(
        problem_id=f"{one.source}/{one.number}",
        statement=one.statement,
        gold=one.gold,
        grader=grader,
        domain=one.domain,
        source=one.source,
        license="MIT",
        category="",
        level="",
        reasoning=True,
        solution="",
    )
    return Item(problem, text, FinishReason(reason))


def _case(item: Item) -> Case:
    problem = item.problem
    return Case(
        statement=problem.statement,
        gold=problem.gold,
        domain=problem.domain,
        reasoning=problem.reasoning,
        text=item.text,
        finish_reason=item.finish_reason,
        tokens=None,
    )


def _request(prompt: str, seed: int, count: int) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    return json.dumps({"messages": messages, "seed": seed, "n": count}).encode()


def _choices(teacher: Any, prompt: str, seed: int, count: int) -> list[str]:
    body = teacher.answer(_request(prompt, seed, count)).partition(b"\r\n\r\n")[2]
    return [one["message"]["content"] for one in json.loads(body)["choices"]]
