"""Picks and quotas: pure, seeded, independent of the order of the input."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.select.pick import beyond_per_problem, beyond_quota, pass_rates
from factory.select.sketches import sketches_of
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


def test_different_keeps_the_shortest_and_then_what_resembles_it_least() -> None:
    texts = ["a b c d e f g", "a b c d e f g h", "p q r s t u v w x y", "a b c d e f x y z"]
    rows = pl.DataFrame(
        {
            "candidate_id": [f"c{number}" for number in range(4)],
            "problem_id": ["p"] * 4,
            "chars": [len(text) for text in texts],
            "sketch": sketches_of(pa.array(texts)),
        }
    )
    for seed in range(3):
        beyond = beyond_per_problem(rows.reverse(), per_problem=2, pick="different", seed=seed)
        assert beyond["candidate_id"].to_list() == ["c1", "c3"]
    none = beyond_per_problem(rows.clear(), per_problem=2, pick="different", seed=0)
    assert none.is_empty()


def by_category(counts: dict[str, int]) -> pl.DataFrame:
    rows = [
        {"candidate_id": f"{name}-{n}", "problem_id": f"{name}-{n // 2}", "category": name}
        for name, count in counts.items()
        for n in range(count)
    ]
    return pl.DataFrame(rows).with_columns(domain=pl.lit("math"))


def left_by_category(counts: dict[str, int], quota: dict[str, int]) -> dict[str, int]:
    rows = by_category(counts)
    beyond = beyond_quota(rows, quota, seed=4)
    assert beyond["candidate_id"].is_unique().all()
    return dict(Counter(kept(rows, beyond)["category"].to_list()))


def test_the_quota_of_a_category_counts_within_its_domain_and_is_filled_first() -> None:
    counts = {"Algebra": 20, "Geometry": 40}
    assert left_by_category(counts, {"math/Algebra": 5}) == {"Algebra": 5, "Geometry": 40}
    both = {"math": 12, "math/Algebra": 10}
    assert left_by_category(counts, both) == {"Algebra": 10, "Geometry": 2}
    too_many = {"math": 6, "math/Algebra": 10}
    assert left_by_category(counts, too_many) == {"Algebra": 6}
    assert left_by_category(counts, {"math/Topology": 1}) == counts


def test_a_quota_says_which_one_left_a_candidate_out() -> None:
    quota = {"math": 3, "math/Algebra": 2}
    beyond = beyond_quota(by_category({"Algebra": 4, "Geometry": 4}), quota, seed=4)
    assert Counter(beyond["quota"]) == {"math/Algebra": 2, "math": 3}
