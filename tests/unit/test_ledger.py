"""factory.ledger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import LedgerMismatch
from factory.ledger import entry, reconcile, total

drops = st.dictionaries(st.sampled_from(["incorrect", "timeout", "surplus"]), st.integers(0, 99))


@given(st.integers(0, 999), drops)
def test_an_entry_accounts_for_every_row(rows_out: int, dropped: dict[str, int]) -> None:
    rows_in = rows_out + sum(dropped.values())
    one = entry("select", rows_in, rows_out, dropped)
    assert one.rows_in == one.rows_out + sum(one.drops.values())
    assert 0 not in one.drops.values()


@given(st.integers(0, 999), drops, st.integers(1, 5))
def test_an_entry_that_does_not_add_up_is_refused(
    rows_out: int, dropped: dict[str, int], lost: int
) -> None:
    with pytest.raises(LedgerMismatch, match="rows in to equal rows out plus drops"):
        entry("select", rows_out + sum(dropped.values()) + lost, rows_out, dropped)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(LedgerMismatch):
        entry("select", 1, 2, {"incorrect": -1})


def test_rounds_of_a_stage_sum() -> None:
    summed = total([entry("generate", 8, 7, {"failed": 1}), entry("generate", 4, 4, {})])
    assert summed == [entry("generate", 12, 11, {"failed": 1})]


def test_a_run_that_adds_up_is_returned_with_one_entry_per_stage() -> None:
    run = [
        entry("collect", 10, 9, {"gold_rejected": 1}),
        entry("generate", 72, 72, {}),
        entry("grade", 72, 72, {}),
        entry("select", 72, 30, {"incorrect": 42}),
        entry("shard", 30, 29, {"exact_duplicate": 1}),
        entry("train:a", 29, 29, {}),
    ]
    assert reconcile(run) == run


@pytest.mark.parametrize(
    "second",
    [entry("grade", 71, 71, {}), entry("grade", 73, 73, {})],
)
def test_a_row_lost_or_won_between_stages_fails_the_run(second: object) -> None:
    with pytest.raises(LedgerMismatch, match="generate gave 72 rows but grade took"):
        reconcile([entry("generate", 72, 72, {}), second])  # type: ignore[list-item]


def test_a_student_that_read_other_than_the_whole_dataset_fails_the_run() -> None:
    with pytest.raises(LedgerMismatch, match="train:a took 28"):
        reconcile([entry("shard", 29, 29, {}), entry("train:a", 28, 28, {})])


def test_a_control_takes_what_grade_gave_and_draws_as_many_rows_as_the_dataset_has() -> None:
    run = [
        entry("generate", 72, 72, {}),
        entry("grade", 72, 72, {}),
        entry("select", 72, 29, {"incorrect": 43}),
        entry("shard", 29, 29, {}),
        entry("train:a", 29, 29, {}),
    ]
    control = entry("control", 72, 29, {"surplus": 43})
    assert reconcile([*run, control]) == [*run, control]
    for wrong in (entry("control", 71, 29, {"surplus": 42}), entry("control", 72, 28, {"x": 44})):
        with pytest.raises(LedgerMismatch, match="control"):
            reconcile([*run, wrong])
