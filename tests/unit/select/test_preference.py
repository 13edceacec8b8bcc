"""Preference pairs: who goes with whom, and the rows of the dataset's config."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.parts import as_table
from factory.select.journeys import choose_journeys
from factory.select.preference import PAIR, choose_pairs, pair_row
from schemas.arrow import PREFERENCE
from schemas.select_settings import Journeys
from tests.unit.select.decided_rows import FRAMES, decided, row


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(1, 3), st.integers(0, 5), st.randoms(use_true_random=False))
def test_pairs_follow_from_the_rows_and_the_seed_alone(rows, wanted, seed, rng) -> None:
    shuffled = rows.sample(fraction=1, shuffle=True, seed=rng.randrange(10**6))
    pairs = choose_pairs(rows, wanted, seed=seed)
    assert pairs.schema == PAIR
    assert pairs.equals(choose_pairs(shuffled, wanted, seed=seed))
    assert pairs.equals(pairs.sort("problem_id", "chosen"))


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(1, 3), st.integers(0, 5))
def test_a_pair_keeps_to_one_problem_and_one_teacher(rows, wanted, seed) -> None:
    by_id = {one["candidate_id"]: one for one in rows.to_dicts()}
    pairs = choose_pairs(rows, wanted, seed=seed)
    for one in pairs.to_dicts():
        chosen, rejected = by_id[one["chosen"]], by_id[one["rejected"]]
        assert chosen["problem_id"] == rejected["problem_id"] == one["problem_id"]
        assert chosen["teacher"] == rejected["teacher"]
        assert chosen["reason"] is None
        assert rejected["reason"] == rejected["status"] == one["rejected_reason"]
        assert one["rejected_reason"] == "incorrect" or (
            one["rejected_reason"] == "error" and rejected["domain"] == "code"
        )
        assert rejected["finish_reason"] == "stop"
    assert pairs["chosen"].is_unique().all()
    assert all(count <= wanted for count in Counter(pairs["problem_id"]).values())


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(0, 5))
def test_a_rejected_candidate_comes_again_only_where_all_were_there(rows, seed) -> None:
    pairs = choose_pairs(rows, 100, seed=seed)
    by_id = {one["candidate_id"]: one for one in rows.to_dicts()}
    for problem in set(pairs["problem_id"]):
        for teacher in ("one", "two"):
            used = Counter(
                one["rejected"]
                for one in pairs.to_dicts()
                if one["problem_id"] == problem and by_id[one["chosen"]]["teacher"] == teacher
            )
            if used:
                assert max(used.values()) - min(used.values()) <= 1
            if used and max(used.values()) > 1:
                able = [
                    one["candidate_id"]
                    for one in by_id.values()
                    if one["problem_id"] == problem
                    and one["teacher"] == teacher
                    and one["finish_reason"] == "stop"
                    and (one["status"], one["domain"])
                    in {("incorrect", "math"), ("incorrect", "code"), ("error", "code")}
                ]
                assert set(used) == set(able)


@settings(deadline=None, max_examples=40)
@given(FRAMES, st.integers(0, 5))
def test_what_is_in_a_journey_is_in_no_pair(rows, seed) -> None:
    journeys = choose_journeys(rows, Journeys(share=1.0), seed=seed)
    pairs = choose_pairs(rows, 3, seed=seed, journeys=journeys)
    told = {*journeys["accepted"], *journeys["rejected"]}
    assert told.isdisjoint([*pairs["chosen"], *pairs["rejected"]])
    others = rows.filter(pl.col("candidate_id").is_in(list(told)).not_())
    assert pairs.equals(choose_pairs(others, 3, seed=seed))


def test_programs_that_fail_in_any_way_are_rejected_ones() -> None:
    failed = ("incorrect", "error", "syntax", "timeout", "memory", "output_limit")
    statuses = (*failed, "truncated", "unparsable", "no_majority")
    rows = [
        one
        for domain in ("code", "math")
        for status in statuses
        for one in (
            row(f"{domain}-{status}-right", f"{domain}-{status}", domain=domain),
            row(f"{domain}-{status}-wrong", f"{domain}-{status}", domain=domain, status=status),
        )
    ]
    pairs = choose_pairs(decided(rows), 1, seed=0)
    wanted = {f"code-{status}" for status in failed} | {"math-incorrect"}
    assert set(pairs["problem_id"]) == wanted


def test_none_are_chosen_where_none_are_wanted() -> None:
    rows = decided([row("a", "p"), row("b", "p", status="incorrect")])
    assert choose_pairs(rows, 0, seed=0).equals(PAIR.to_frame())
    assert choose_pairs(rows, 1, seed=0).height == 1


def test_a_row_holds_the_prompt_and_one_turn_of_each() -> None:
    sample = {
        "uuid": "right",
        "problem_id": "p",
        "source": "unit",
        "domain": "math",
        "messages": [
            {"role": "system", "content": "Think."},
            {"role": "user", "content": "1+1?"},
            {"role": "assistant", "content": "<think>1+1=2</think>2"},
        ],
        "generation_model": "one",
        "license": "MIT",
    }
    pair = {
        "problem_id": "p",
        "chosen": "right",
        "rejected": "wrong",
        "rejected_reason": "incorrect",
    }
    made = pair_row(sample, pair, "<think>1+1=3</think>3")
    assert made["prompt"] == sample["messages"][:2]
    assert made["chosen"] == [sample["messages"][2]]
    assert made["rejected"] == [{"role": "assistant", "content": "<think>1+1=3</think>3"}]
    assert as_table([made], PREFERENCE).to_pylist() == [made]
