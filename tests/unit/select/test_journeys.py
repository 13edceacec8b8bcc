"""Journeys: who goes with whom, what their text is, and that it grades as its right half."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.grade.choice import ChoiceGrader
from factory.grade.contract import Item
from factory.grade.math import grade_batch
from factory.grade.math.extract import final_answer
from factory.grade.number import NumberGrader
from factory.select.journey_text import (
    NAMED,
    PROGRAM,
    RAISES,
    UNNAMED,
    Style,
    journey_text,
    style_of,
    unboxed,
)
from factory.select.journeys import JOURNEY, choose_journeys, journey_of, journey_uuid, merged
from factory.select.rules import Case, bad_format
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeNumber
from schemas.problem import Domain, GraderName, Problem
from schemas.sample import Form, Message, Sample
from schemas.select_settings import Journeys, Select
from schemas.verdict import Status
from tests.unit.select.decided_rows import FRAMES, decided, row

RIGHT = "<think>\n12+30=42, 42+9=51.\n</think>\n\nThe answer is \\boxed{51}."
WRONG = "<think>\nLet me think. 12+39=41.\n</think>\n\n\\boxed{41}"
UUIDS = [journey_uuid("wrong", f"right {number}") for number in range(40)]


def told(accepted: str = RIGHT, rejected: str = WRONG, **fields: str) -> str:
    usual = {"uuid": UUIDS[0], "domain": "math", "status": "incorrect", "extracted": "41"}
    return journey_text(accepted, rejected, **(usual | fields))


# ------------------------------------------------------------------------------------ who with whom


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(1, 3), st.integers(0, 5), st.randoms(use_true_random=False))
def test_journeys_follow_from_the_rows_and_the_seed_alone(rows, per_problem, seed, rng) -> None:
    settings_ = Journeys(share=0.6, per_problem=per_problem)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=rng.randrange(10**6))
    chosen = choose_journeys(rows, settings_, seed=seed, max_tokens=60)
    assert chosen.schema == JOURNEY
    assert chosen.equals(choose_journeys(shuffled, settings_, seed=seed, max_tokens=60))
    assert chosen.equals(chosen.sort("problem_id", "uuid"))


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(1, 3), st.integers(0, 5))
def test_a_journey_keeps_to_one_problem_one_teacher_and_one_style(rows, per_problem, seed) -> None:
    chosen = choose_journeys(rows, Journeys(share=1.0, per_problem=per_problem), seed=seed)
    by_id = {one["candidate_id"]: one for one in rows.to_dicts()}
    for one in chosen.to_dicts():
        right, wrong = by_id[one["accepted"]], by_id[one["rejected"]]
        for name in ("problem_id", "teacher", "style"):
            assert right[name] == wrong[name]
        assert right["style"] is not None
        assert right["reason"] is None
        assert wrong["status"] == "incorrect" or (wrong["status"], wrong["domain"]) == (
            "error",
            "code",
        )
        assert right["rewrites"] is None
        assert wrong["rewrites"] is None
        assert one["uuid"] == journey_uuid(one["rejected"], one["accepted"])
    used = [*chosen["accepted"], *chosen["rejected"]]
    assert len(used) == len(set(used))
    assert all(count <= per_problem for _, count in chosen.group_by("problem_id").len().rows())


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(0, 5))
def test_every_problem_that_can_has_a_journey_where_the_share_is_one(rows, seed) -> None:
    def able(one: dict[str, object]) -> bool:
        return one["style"] is not None and one["rewrites"] is None

    good = [one for one in rows.to_dicts() if able(one)]
    same = ("problem_id", "teacher", "style")
    rights = {tuple(one[name] for name in same) for one in good if one["reason"] is None}
    wrongs = {
        tuple(one[name] for name in same)
        for one in good
        if one["status"] == "incorrect" or (one["status"], one["domain"]) == ("error", "code")
    }
    chosen = choose_journeys(rows, Journeys(share=1.0), seed=seed)
    assert set(chosen["problem_id"]) == {key[0] for key in rights & wrongs}


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(0, 5))
def test_journeys_leave_the_number_of_samples_and_of_drops_as_it_was(rows, seed) -> None:
    chosen = choose_journeys(rows, Journeys(share=1.0, per_problem=3), seed=seed)
    after = merged(rows, chosen)
    assert after.columns == rows.columns
    assert after["candidate_id"].equals(rows["candidate_id"])
    assert after["reason"].null_count() == rows["reason"].null_count()
    changed = after.filter(pl.col("reason") == "merged")
    assert set(changed["candidate_id"]) == set(chosen["rejected"])
    others = pl.col("candidate_id").is_in(chosen["rejected"].implode()).not_()
    assert after.filter(others).equals(rows.filter(others))


def test_a_share_draws_that_part_of_the_problems_and_a_larger_one_draws_them_too() -> None:
    rows = decided(
        [
            row(f"{kind}{number}", f"p{number}", status=kind)
            for number in range(1000)
            for kind in ("correct", "incorrect")
        ]
    )
    few = set(choose_journeys(rows, Journeys(share=0.3), seed=4)["problem_id"])
    more = set(choose_journeys(rows, Journeys(share=0.6), seed=4)["problem_id"])
    assert 250 < len(few) < 350
    assert few < more
    assert few != set(choose_journeys(rows, Journeys(share=0.3), seed=5)["problem_id"])
    alone = rows.filter(pl.col("problem_id") < "p5")
    assert set(choose_journeys(alone, Journeys(share=0.3), seed=4)["problem_id"]) == {
        one for one in few if one < "p5"
    }


def test_parts_with_more_tokens_together_than_a_sample_may_have_make_no_journey() -> None:
    rows = decided([row("a", "p", tokens=60), row("b", "p", status="incorrect", tokens=50)])
    assert choose_journeys(rows, Journeys(share=1.0), seed=0, max_tokens=109).height == 0
    assert choose_journeys(rows, Journeys(share=1.0), seed=0, max_tokens=110).height == 1


def test_without_a_share_there_are_no_journeys() -> None:
    rows = decided([row("a", "p"), row("b", "p", status="incorrect")])
    assert choose_journeys(rows, Journeys(), seed=0).equals(JOURNEY.to_frame())


# -------------------------------------------------------------------------------------------- texts


def test_a_journey_tells_the_attempt_what_is_wrong_and_the_accepted_completion() -> None:
    assert told() == (
        "<think>\nLet me think. 12+39=41.\n\n\\boxed{41}\n\n"
        + NAMED[int(UUIDS[0], 16) % len(NAMED)].format(it="41")
        + "\n\n12+30=42, 42+9=51.\n</think>\n\nThe answer is \\boxed{51}."
    )


def test_a_journey_keeps_the_format_that_samples_must_have() -> None:
    case = Case("12+39?", "51", Domain.MATH, True, told(), FinishReason.STOP, None)
    assert not bad_format(case, Select())


@pytest.mark.parametrize(
    ("fields", "wordings"),
    [
        ({"extracted": "41"}, [one.format(it="41") for one in NAMED]),
        ({"extracted": "40"}, UNNAMED),
        ({"extracted": "x" * 41}, UNNAMED),
        ({"extracted": ""}, UNNAMED),
        ({"domain": "code", "extracted": "def f():\n    return 1"}, PROGRAM),
        ({"domain": "code", "status": "error", "extracted": "41"}, RAISES),
    ],
)
def test_the_wording_says_what_the_verdict_says_and_is_drawn_by_uuid(fields, wordings) -> None:
    texts = [told(uuid=uuid, **fields) for uuid in UUIDS]
    found = {text.split("\n\n")[-3] for text in texts}
    assert found == set(wordings)


def test_a_wrong_answer_in_latex_is_named_as_a_formula() -> None:
    wrong = WRONG.replace("41}", "\\frac{1}{2}}")
    assert "$\\frac{1}{2}$" in told(rejected=wrong, extracted="\\frac{1}{2}")


def test_of_a_long_wrong_answer_only_its_conclusion_is_told() -> None:
    again = "The sum is taken step by step. " * 20
    wrong = f"<think>\n12+39=41\n</think>\n\n{again}\n\nSo it is \\boxed{{41}}.\n\nAny questions?"
    text = told(rejected=wrong)
    assert "step by step" not in text
    assert "12+39=41\n\nSo it is \\boxed{41}.\n\nAny questions?\n\n" in text
    program = f"<think>\nloop\n</think>\n\n{again}\n\n```python\ndef f(): return 1\n```"
    assert again.strip() in told(rejected=program, domain="code")


@pytest.mark.parametrize(
    ("text", "grader", "style"),
    [
        (RIGHT, GraderName.MATH, Style.THINK),
        (RIGHT, GraderName.TEXT, Style.THINK),
        (RIGHT, GraderName.FORMAT, None),
        (RIGHT, GraderName.JUDGE, None),
        (RIGHT, "of-a-package", None),
        ("It is \\boxed{4}.", GraderName.MATH, Style.PLAIN),
        ("It is \\boxed {4}.", GraderName.CHOICE, Style.PLAIN),
        ("It is \\boxed{4}.", GraderName.EXACT, None),
        ("It is 4.", GraderName.MATH, None),
        ("```python\npass\n```", GraderName.CODE, None),
        ("<think>\n4\n", GraderName.MATH, None),
        ("<think></think>\n\n4", GraderName.MATH, None),
        ("<think>4</think>", GraderName.MATH, None),
        ("So <think>4</think> 4", GraderName.MATH, None),
        ("<think>4</think><think>5</think> 4", GraderName.MATH, None),
        ("</think>4<think> 4", GraderName.MATH, None),
        ("<think>four</think>4<|im_end|>", GraderName.MATH, None),
        ("<think>四</think>4", GraderName.MATH, None),
    ],
)
def test_only_completions_whose_answer_stays_the_last_can_be_in_a_journey(
    text, grader, style
) -> None:
    assert style_of(text, grader=grader, reasoning=True) == style
    assert style_of(text, grader=grader, reasoning=False) is None


PIECES = st.lists(
    st.sampled_from(["\\boxed{", "\\fbox{", "{", "}", "\\frac{1}{2}", "\\{", "x", " ", "\\\\"]),
    max_size=12,
).map("".join)


@settings(deadline=None)
@given(PIECES)
def test_unboxing_leaves_no_box_and_nothing_else_out(text) -> None:
    left = unboxed(text)
    assert "\\boxed" not in left
    assert "\\fbox" not in left
    without = text.replace("\\boxed", "").replace("\\fbox", "")
    assert left.replace("{", "").replace("}", "") == without.replace("{", "").replace("}", "")


def test_boxes_within_formulas_leave_what_stood_in_them() -> None:
    assert unboxed("so \\(\\boxed{\\frac{1}{2}}\\) and \\boxed 7") == "so \\(\\frac{1}{2}\\) and 7"


# ---------------------------------------------------------------------------------- how they grade


@settings(deadline=None)
@given(PIECES, PIECES, st.sampled_from(["4", "\\frac{1}{2}", "x, y"]), st.sampled_from(UUIDS))
def test_the_final_answer_of_a_journey_is_that_of_its_accepted_half(
    before, wrong, answer, uuid
) -> None:
    right = f"{before} hence \\boxed{{{answer}}}"
    for accepted, rejected in (
        (right, f"{wrong} the answer is \\boxed{{9}}, and"),
        (f"<think>a</think>{right}", f"<think>{wrong}</think>\\boxed{{9}}, and"),
    ):
        text = told(accepted, rejected, uuid=uuid, extracted="9")
        assert final_answer(text).answer == final_answer(accepted).answer


def test_real_journeys_grade_correct_with_the_same_gold(data: Path) -> None:
    file = data / "generations" / "qwen2.5-math_cot.jsonl"
    golds: list[str] = []
    texts: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        problem = json.loads(line)
        responses = [
            one
            for one in problem["responses"]
            if style_of(one, grader=GraderName.MATH, reasoning=True) is Style.PLAIN
        ]
        verdicts = grade_batch([(problem["gold"], one) for one in responses])
        right = [t for t, v in zip(responses, verdicts, strict=True) if v.status == Status.CORRECT]
        wrong = [
            (t, v.extracted)
            for t, v in zip(responses, verdicts, strict=True)
            if v.status == Status.INCORRECT
        ]
        for accepted, (rejected, extracted), uuid in zip(right, wrong, UUIDS, strict=False):
            texts.append(told(accepted, rejected, uuid=uuid, extracted=extracted))
            golds.append(problem["gold"])
    assert len(texts) >= 20
    verdicts = grade_batch(zip(golds, texts, strict=True))
    assert {verdict.status for verdict in verdicts} == {Status.CORRECT}


@pytest.mark.parametrize(
    ("grader", "name", "gold", "right", "wrong"),
    [
        (ChoiceGrader(), GraderName.CHOICE, "C", "Thus \\boxed{C}", "The answer is B. \\boxed{B}"),
        (
            NumberGrader(GradeNumber()),
            GraderName.NUMBER,
            "42",
            "So \\boxed{42}.",
            "The answer is 41: \\boxed{41}",
        ),
    ],
)
def test_letters_and_numbers_grade_by_the_last_box(grader, name, gold, right, wrong) -> None:
    problem = Problem(
        problem_id="p",
        statement="?",
        gold=gold,
        grader=name,
        domain=Domain.STEM,
        source="unit",
        license="MIT",
        category="",
        level="",
        reasoning=True,
        solution="",
    )
    found = grader.grade_many([Item(problem, wrong, FinishReason.STOP)])[0]
    assert found.status == Status.INCORRECT
    items = [
        Item(
            problem,
            told(right, wrong, uuid=uuid, domain="stem", extracted=found.extracted),
            FinishReason.STOP,
        )
        for uuid in UUIDS
    ]
    assert {one.status for one in grader.grade_many(items)} == {Status.CORRECT}


# ----------------------------------------------------------------------------------------- samples


def sample(**fields: object) -> Sample:
    usual: dict[str, object] = {
        "uuid": "right",
        "problem_id": "p",
        "source": "unit",
        "domain": "math",
        "category": "",
        "problem": "12+39?",
        "answer": "51",
        "messages": [
            Message(role="user", content="12+39?"),
            Message(role="assistant", content=RIGHT),
        ],
        "generation_model": "one",
        "finish_reason": "stop",
        "num_tokens": 20,
        "pass_rate": 0.5,
        "num_generations": 2,
        "verification_info": '{"extracted":"51","grader":"math","method":"string"}',
        "form": Form.COMPLETION,
        "made_of": ["right"],
        "dedup_cluster_id": None,
        "contamination": None,
        "license": "MIT",
    }
    return Sample.model_validate(usual | fields)


CHOSEN = {
    "problem_id": "p",
    "uuid": UUIDS[0],
    "accepted": "right",
    "rejected": "wrong",
    "status": "incorrect",
    "extracted": "41",
}


def test_a_journey_is_marked_and_names_its_parts_in_their_order() -> None:
    before = sample()
    made = journey_of(before, CHOSEN, rejected_text=WRONG, rejected_tokens=15)
    assert (made.uuid, made.form, made.made_of) == (UUIDS[0], Form.JOURNEY, ["wrong", "right"])
    assert made.num_tokens == 35
    assert made.messages == [before.messages[0], Message(role="assistant", content=told())]
    assert json.loads(made.verification_info) == {
        "grader": "math",
        "method": "string",
        "extracted": "51",
        "journey": {"rejected": "wrong", "verdict": "incorrect", "extracted": "41"},
    }
    same = set(Sample.model_fields) - {
        *("uuid", "form", "made_of", "num_tokens", "messages", "verification_info")
    }
    assert all(getattr(made, name) == getattr(before, name) for name in same)


@pytest.mark.parametrize(("accepted", "rejected"), [(None, 15), (20, None), (None, None)])
def test_the_tokens_of_a_journey_are_unknown_where_those_of_a_part_are(accepted, rejected) -> None:
    made = journey_of(
        sample(num_tokens=accepted), CHOSEN, rejected_text=WRONG, rejected_tokens=rejected
    )
    assert made.num_tokens is None
