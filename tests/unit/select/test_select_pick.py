"""Picks and quotas: pure, seeded, independent of the order of the input."""

from __future__ import annotations

from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.select.pick import beyond_per_problem, beyond_quota, pass_rates
from schemas.problem import Domain

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3", "p4"]),
        st.sampled_from([Domain.MATH.value, Domain.CODE.value]),
        st.integers(0, 5),
    ),
    max_size=40,
)


def frame(rows: list[tuple[str, str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (f"c{at:03d}", f"{name}-{domain}", domain, "", n)
            for at, (name, domain, n) in enumerate(rows)
        ],
        schema={
            "candidate_id": str,
            "problem_id": str,
            "domain": str,
            "category": str,
            "chars": int,
        },
        orient="row",
    )


def kept(rows: pl.DataFrame, beyond: pl.DataFrame) -> pl.DataFrame:
    return rows.join(beyond, on="candidate_id", how="anti")


@settings(deadline=None)
@given(ROWS, st.integers(1, 5), st.integers(), st.randoms(use_true_random=False))
def test_a_problem_keeps_as_many_as_wanted_whatever_the_order(rows, wanted, seed, rng) -> None:
    all_rows = frame(rows)
    shuffled = frame(rows).sample(fraction=1, shuffle=True, seed=rng.randrange(10**6))
    for pick in ("random", "shortest"):
        beyond = beyond_per_problem(all_rows, per_problem=wanted, pick=pick, seed=seed)
        again = beyond_per_problem(shuffled, per_problem=wanted, pick=pick, seed=seed)
        assert beyond.equals(again)
        left = Counter(kept(all_rows, beyond)["problem_id"])
        full = Counter(all_rows["problem_id"])
        assert left == {one: min(count, wanted) for one, count in full.items()}


def test_shortest_keeps_the_fewest_characters_then_the_smallest_id() -> None:
    rows = frame([("p1", "math", 5), ("p1", "math", 3), ("p1", "math", 3), ("p1", "math", 4)])
    beyond = beyond_per_problem(rows, per_problem=1, pick="shortest", seed=0)
    assert kept(rows, beyond)["candidate_id"].to_list() == ["c001"]


def test_another_seed_picks_others() -> None:
    rows = frame([("p1", "math", 1)] * 30)
    picks = {
        tuple(beyond_per_problem(rows, per_problem=3, pick="random", seed=seed)["candidate_id"])
        for seed in range(5)
    }
    assert len(picks) == 5


@settings(deadline=None)
@given(ROWS, st.integers(1, 12), st.integers())
def test_a_quota_is_filled_evenly_over_problems(rows, quota, seed) -> None:
    all_rows = frame(rows)
    beyond = beyond_quota(all_rows, {Domain.MATH: quota}, seed=seed)
    left = kept(all_rows, beyond)
    full = Counter(all_rows["domain"])
    math = left.filter(pl.col("domain") == "math")
    assert math.height == min(full["math"], quota)
    assert left.height - math.height == full["code"], "a domain without a quota keeps all"
    per_problem = Counter(math["problem_id"])
    offered = Counter(all_rows.filter(pl.col("domain") == "math")["problem_id"])
    most = max(per_problem.values(), default=0)
    for name, count in offered.items():
        assert per_problem[name] >= min(count, most - 1), "none gives a second before all gave one"


def test_pass_rate_is_correct_over_graded() -> None:
    verdicts = pl.DataFrame(
        {"problem_id": ["b", "a", "a", "a"], "status": ["correct", "correct", "timeout", "error"]}
    )
    assert pass_rates(verdicts).rows() == [("a", 3, 1 / 3), ("b", 1, 1.0)]
