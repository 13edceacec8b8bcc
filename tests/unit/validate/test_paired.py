"""Two validations compared: what is matched, what is left out, and the numbers, by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from factory.errors import ManifestMismatch
from factory.validate.paired import compare, compare_all, paired
from factory.validate.validated import read_validated
from tests.unit.validate.validated_folders import Answered, write_validated

NO, YES = False, True
FIRST: Answered = {
    "sums/1": [YES, YES],
    "sums/2": [YES, NO],
    "sums/3": [NO, NO],
    "words/1": [YES],
    "words/2": [NO],
}
SECOND: Answered = {
    "sums/1": [NO, NO],
    "sums/2": [YES, NO],
    "sums/3": [YES, NO],
    "words/1": [NO],
    "words/2": [NO],
}
K = {"sums": 2, "words": 1}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write_validated(tmp_path / "first", FIRST, k=K)


def second(tmp_path: Path, answered: Answered = SECOND, **fields: object) -> Path:
    fields = {"model": "other", "role": "base", "k": K, **fields}
    return write_validated(tmp_path / "second", answered, **fields)  # type: ignore[arg-type]


def test_differences_are_of_the_share_of_correct_candidates(tmp_path: Path, first: Path) -> None:
    sums, words, overall = compare(first, second(tmp_path))
    assert (sums.suite, words.suite, overall.suite) == ("sums", "words", "all")
    assert (sums.model, sums.role, sums.other, sums.other_role) == (
        *("unit", "student", "other", "base"),
    )
    assert sums.difference == pytest.approx((1 + 0 - 0.5) / 3)
    mean = sums.difference
    deviation = math.sqrt(((1 - mean) ** 2 + mean**2 + (-0.5 - mean) ** 2) / 2)
    assert sums.stderr == pytest.approx(deviation / math.sqrt(3))
    assert sums.low == pytest.approx(max(mean - 4.303 * sums.stderr, -1), abs=0.001)
    assert (sums.better, sums.worse, sums.n) == (1, 1, 3)
    assert sums.p_value == 1.0, "of 1.0 and -0.5 all four patterns sum to at least 0.5"
    assert (words.difference, words.better, words.worse, words.n) == (0.5, 1, 0, 2)
    assert overall.difference == pytest.approx((1 + 0 - 0.5 + 1 + 0) / 5)
    assert overall.p_value == pytest.approx(4 / 8), "of ±1 ±0.5 ±1 four sums are at least 1.5"
    assert overall.n == 5


def test_the_other_way_round_only_the_signs_change(tmp_path: Path, first: Path) -> None:
    other = second(tmp_path)
    for one, back in zip(compare(first, other), compare(other, first), strict=True):
        assert back.difference == -one.difference
        assert (back.low, back.high) == (-one.high, -one.low)
        assert (back.better, back.worse, back.p_value) == (one.worse, one.better, one.p_value)


def test_candidates_that_never_came_are_wrong(tmp_path: Path, first: Path) -> None:
    answered = {**SECOND, "sums/2": [YES], "words/1": []}
    sums, words, _ = compare(first, second(tmp_path, answered))
    assert sums.difference == pytest.approx((1 + 0 - 0.5) / 3)
    assert words.difference == 0.5


def test_problems_of_one_side_alone_are_left_out_and_counted(tmp_path: Path, first: Path) -> None:
    answered = {one: SECOND[one] for one in ("sums/1", "sums/2")} | {"sums/9": [YES, YES]}
    found = paired(read_validated(first), read_validated(second(tmp_path, answered)))
    assert [(one.suite, one.n) for one in found.comparisons] == [("sums", 2), ("all", 2)]
    assert found.alone == (3, 1)
    assert found.changed == 0


def test_problems_that_were_asked_otherwise_are_left_out_and_counted(
    tmp_path: Path, first: Path
) -> None:
    other = second(tmp_path, statements={"sums/1": "the same in other words"})
    found = paired(read_validated(first), read_validated(other))
    assert found.changed == 1
    assert found.comparisons[0].n == 2


def test_settings_that_differ_are_said(tmp_path: Path, first: Path) -> None:
    other = second(tmp_path, temperature=1.0, k={"sums": 4, "words": 1})
    notes = paired(read_validated(first), read_validated(other)).notes
    assert notes == [
        "drawn at temperature 0.6 and temperature 1: a difference may be theirs",
        "sums: 2 and 4 candidates per problem, so its p-value is approximate",
    ]


def test_equal_settings_need_no_words(tmp_path: Path, first: Path) -> None:
    assert paired(read_validated(first), read_validated(second(tmp_path))).notes == []


def test_settings_that_are_saved_are_compared_too(tmp_path: Path, first: Path) -> None:
    other = second(tmp_path)
    for folder, tokens, waits in ((first, 320, 2), (other, 512, None)):
        budget = None if waits is None else {"waits": waits, "wait": "Wait"}
        sampling = {"temperature": 0.6, "max_tokens": tokens}
        saved = {"validate": {"seed": tokens, "sampling": sampling, "budget": budget}}
        (folder / "settings.json").write_text(json.dumps({**saved, "grade": {"math": {}}}))
    assert paired(read_validated(first), read_validated(other)).notes == [
        'validate.budget.wait: "Wait" and none',
        "validate.budget.waits: 2 and none",
        "validate.sampling.max_tokens: 320 and 512",
    ]


def test_one_suite_alone_has_no_overall_row(tmp_path: Path, first: Path) -> None:
    both = read_validated(first), read_validated(second(tmp_path))
    assert [one.suite for one in paired(*both, suite="words").comparisons] == ["words"]
    assert [one.suite for one in paired(*both, suite="all").comparisons] == ["all"]
    with pytest.raises(ManifestMismatch, match="problems of the suite nothing that both"):
        paired(*both, suite="nothing")


def test_validations_of_other_problems_are_refused(tmp_path: Path, first: Path) -> None:
    other = second(tmp_path, {"other/1": [YES]}, k={"other": 1})
    with pytest.raises(ManifestMismatch, match="found none among 5 and 1; compare validations"):
        compare(first, other)


def test_pairs_are_compared_in_their_order(tmp_path: Path, first: Path) -> None:
    other = second(tmp_path)
    found = compare_all([(first, other), (other, first)])
    assert [(one.model, one.suite) for one in found] == [
        *(("unit", "sums"), ("unit", "words"), ("unit", "all")),
        *(("other", "sums"), ("other", "words"), ("other", "all")),
    ]


def test_a_folder_of_another_stage_is_refused(first: Path) -> None:
    with pytest.raises(ManifestMismatch, match="expected an artifact of validate, found one of"):
        read_validated(first / "verdicts")


@pytest.mark.parametrize("text", ["", "[]", '[{"model": "unit", "value": 0.5}]', "{}"])
def test_scores_that_cannot_be_read_are_refused_with_a_remedy(first: Path, text: str) -> None:
    (first / "scores.json").write_text(text)
    with pytest.raises(ManifestMismatch, match="delete the folder and run the recipe again"):
        read_validated(first)
