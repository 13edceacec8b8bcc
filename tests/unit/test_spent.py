"""factory.spent: GPU-seconds and cost, known, partly known and unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import ManifestMismatch
from factory.spent import (
    Rates,
    endpoint_rates,
    gpus,
    keep_spent,
    kept_spent,
    spend,
    spent_in,
    total,
    vllm_rates,
)
from schemas.machine import Endpoints, Vllm
from schemas.spent import Spent

EIGHT = Vllm(replicas=2, tensor_parallel_size=2, pipeline_parallel_size=2, data_parallel_size=1)


def hour(rates: Rates) -> Spent:
    """An hour in which two million tokens answered one million."""
    return spend(rates, candidates=10, tokens=2_000_000, prompt_tokens=1_000_000, wall_s=3600)


def test_the_gpus_of_a_model_are_those_of_all_its_replicas() -> None:
    assert gpus(Vllm()) == 1
    assert gpus(EIGHT) == 8
    assert gpus(EIGHT.model_copy(update={"data_parallel_size": 3})) == 24


def test_our_own_servers_cost_the_hours_of_their_gpus() -> None:
    took = hour(vllm_rates(EIGHT, 2.5, cpu=False))
    assert took.gpu_s == 8 * 3600
    assert took.cost == pytest.approx(20.0)


def test_without_a_price_there_is_no_cost_but_gpu_seconds() -> None:
    took = hour(vllm_rates(EIGHT, None, cpu=False))
    assert (took.gpu_s, took.cost) == (8 * 3600, None)


def test_a_cpu_has_neither_gpu_seconds_nor_the_price_of_a_gpu() -> None:
    took = hour(vllm_rates(EIGHT, 2.5, cpu=True))
    assert (took.gpu_s, took.cost, took.wall_s) == (None, None, 3600)


@pytest.mark.parametrize(
    ("prompt", "completion", "cost"),
    [(None, None, None), (0.5, None, 0.5), (None, 2.0, 4.0), (0.5, 2.0, 4.5), (0.0, None, 0.0)],
)
def test_endpoints_cost_what_their_tokens_cost(
    prompt: float | None, completion: float | None, cost: float | None
) -> None:
    took = hour(endpoint_rates(Endpoints(prompt_price=prompt, completion_price=completion)))
    assert took.cost == cost
    assert took.gpu_s is None


amounts = st.floats(0, 1e9)
spents = st.builds(
    Spent,
    candidates=st.integers(0, 10**9),
    tokens=st.integers(0, 10**9),
    prompt_tokens=st.integers(0, 10**9),
    wall_s=amounts,
    gpu_s=st.none() | amounts,
    cost=st.none() | amounts,
)


@given(spents)
def test_nothing_added_changes_nothing(one: Spent) -> None:
    assert total([one, Spent()]) == total([one]) == one


@given(spents, spents)
def test_what_is_unknown_of_one_leaves_the_other_known(one: Spent, other: Spent) -> None:
    both = total([one, other])
    known = [cost for cost in (one.cost, other.cost) if cost is not None]
    assert both.cost == (sum(known) if known else None)
    assert both.tokens == one.tokens + other.tokens
    assert (both.gpu_s is None) == (one.gpu_s is None and other.gpu_s is None)


@given(spents)
def test_figures_say_what_was_spent(one: Spent) -> None:
    figures = [{"rows": 1}, {"spent": one.model_dump(mode="json")}, {}]
    assert spent_in(figures) == one
    assert spent_in([{"rows": 1}]) is None


def test_what_was_spent_is_kept_in_the_folder(tmp_path: Path) -> None:
    assert kept_spent(tmp_path) == Spent()
    took = hour(vllm_rates(EIGHT, 2.5, cpu=False))
    keep_spent(tmp_path, took)
    assert kept_spent(tmp_path) == took
    (tmp_path / "spent.json").write_text('{"candidates": "many"}')
    with pytest.raises(ManifestMismatch, match="delete the file and run again"):
        kept_spent(tmp_path)
