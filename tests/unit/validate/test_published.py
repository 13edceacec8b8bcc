"""Published scores stand as they were published."""

from __future__ import annotations

import pytest

from factory.validate.published import published_scores
from schemas.known_suites import KNOWN_SUITES


def test_every_published_score_is_of_a_known_suite_and_says_its_source() -> None:
    found = published_scores(KNOWN_SUITES)
    assert len(found) == 7 * 5 + 4
    assert len({(one.model, one.suite, one.metric) for one in found}) == len(found)
    assert all(0 < one.value < 1 and one.source for one in found)
    assert {one.suite for one in found} <= set(KNOWN_SUITES)


@pytest.mark.parametrize(
    ("model", "suite", "metric", "value"),
    [
        ("DeepSeek-R1-Distill-Qwen-1.5B", "aime-2024", "pass@1", 0.289),
        ("DeepSeek-R1-Distill-Qwen-7B", "aime-2024", "maj@64", 0.833),
        ("DeepSeek-R1-Distill-Qwen-32B", "math-500", "pass@1", 0.943),
        ("DeepSeek-R1-Distill-Llama-70B", "gpqa-diamond", "pass@1", 0.652),
        ("Qwen2.5-32B with RL alone", "livecodebench", "pass@1", 0.402),
        ("OpenR1-Distill-7B", "aime-2024", "pass@1", 0.527),
    ],
)
def test_a_score_is_the_one_of_the_report(
    model: str, suite: str, metric: str, value: float
) -> None:
    (found,) = [
        one for one in published_scores([suite]) if (one.model, one.metric) == (model, metric)
    ]
    assert found.value == value


def test_what_was_not_published_is_not_there() -> None:
    assert published_scores(["gsm8k", "arithmetic-heldout", "aime-2025"]) == []
    metrics = {one.metric for one in published_scores(["aime-2024"]) if "OpenR1" in one.model}
    assert metrics == {"pass@1"}


def test_livecodebench_says_for_which_contests_it_holds() -> None:
    conditions = {one.condition for one in published_scores(["livecodebench"])}
    assert conditions == {"contests from 2024-08 to 2025-01"}
    known = KNOWN_SUITES["livecodebench"].source
    assert (known["since"], known["until"]) == ("2024-08-01", "2025-01-31")
