"""The suites that Retort knows by name: where their problems are, under which licence, and how
they are put to a model.

A recipe that names one of these in `[[validate.suites]]` and gives no sources takes them from here.
Numbers of items, licences and columns are those of the sets' own cards and files; docs/suites.md
says where each comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

BOXED: Final = (
    "{statement}\n\nPlease reason step by step, and put your final answer within \\boxed{}."
)
"""The DeepSeek-R1 model card's advice for mathematics."""

LETTER: Final = (
    "Answer the following multiple choice question. The last line of your response should be of "
    "the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think "
    "step by step before answering.\n\n{statement}"
)
"""The prompt of simple-evals (`common.py`) for multiple choice."""

PROGRAM: Final = (
    "You will be given a question (problem specification) and will generate a correct Python "
    "program that matches the specification and passes all tests.\n\nQuestion: {statement}"
)
"""LiveCodeBench's prompt for reasoning models without a system message; the adapter ends the
statement with LiveCodeBench's own words on the form of the program."""

AS_IT_STANDS: Final = "{statement}"
"""The statement says itself what is wanted, whatever `[validate.prompt]` has for its domain."""


@dataclass(frozen=True)
class KnownSuite:
    """One suite."""

    about: str
    license: str
    source: dict[str, JsonValue]
    """A source of a recipe, but for its name; `path`, `dataset` and `revision` may be given in the
    suite's table."""
    template: str
    """The user's message, with `{statement}`."""
    metric_k: list[int] = field(default_factory=lambda: [1])
    """Those up to the suite's own `k` are reported, pass@1 always."""


def _file(kind: str, path: str, license: str) -> dict[str, JsonValue]:
    return {"kind": kind, "path": f"${{RETORT_DATA}}/{path}", "license": license}


def _answers(
    dataset: str, split: str, items: int, license: str, columns: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    """A set on the hub with one answer in mathematics per row; all of them, which `limit` says so
    that a plan can count what is not downloaded yet."""
    place: dict[str, JsonValue] = {"kind": "hub", "dataset": dataset, "revision": ""}
    named = {"statement": "problem", "gold": "answer"} | columns
    shared = {"split": split, "license": license, "domain": "math", "grader": "math"}
    return {**place, **shared, "columns": named, "limit": items}


MAA: Final = "not stated; problems of the MAA"
SOME_CC: Final = "CC, not stated which"

KNOWN_SUITES: Final[dict[str, KnownSuite]] = {
    "aime-2024": KnownSuite(
        about="AIME I and II of 2024: 30 problems, each with a whole number from 0 to 999",
        license=MAA,
        source=_answers("HuggingFaceH4/aime_2024", "train", 30, MAA, {"problem_id": "id"}),
        template=BOXED,
        metric_k=[1, 64],
    ),
    "aime-2025": KnownSuite(
        about="AIME I and II of 2025: 30 problems, each with a whole number from 0 to 999",
        license="Apache-2.0",
        source=_answers("math-ai/aime25", "test", 30, "Apache-2.0", {"problem_id": "id"}),
        template=BOXED,
        metric_k=[1, 64],
    ),
    "gpqa-diamond": KnownSuite(
        about="GPQA Diamond: 198 questions of biology, chemistry and physics, four choices each",
        license="CC-BY-4.0",
        source={
            "kind": "gpqa",
            "dataset": "Idavidrein/gpqa",
            "revision": "",
            "config": "gpqa_diamond",
            "split": "train",
            "license": "CC-BY-4.0",
            "limit": 198,
        },
        template=LETTER,
    ),
    "gsm8k": KnownSuite(
        about="GSM8K's 1,319 test problems: grade-school word problems",
        license="MIT",
        source=_file("gsm8k", "gsm8k/test.jsonl", "MIT"),
        template=BOXED,
    ),
    "humaneval": KnownSuite(
        about="HumanEval: 164 Python functions to complete",
        license="MIT",
        source=_file("humaneval", "humaneval/HumanEval.jsonl.gz", "MIT"),
        template=AS_IT_STANDS,
    ),
    "livecodebench": KnownSuite(
        about="LiveCodeBench's code generation, contests from August 2024 to January 2025, the "
        "window of the DeepSeek-R1 report; at most 880 problems, as many as all before have",
        license=SOME_CC,
        source=_file("livecodebench", "livecodebench", SOME_CC)
        | {"since": "2024-08-01", "until": "2025-01-31", "limit": 880},  # all up to January 2025
        template=PROGRAM,
    ),
    "math": KnownSuite(
        about="MATH's 5,000 test problems, levels 1 to 5 of seven subjects",
        license="MIT",
        source=_file("math", "math/test.jsonl", "MIT"),
        template=BOXED,
    ),
    "math-500": KnownSuite(
        about="MATH-500: the 500 of MATH's test problems that PRM800K holds out",
        license="MIT",
        source=_answers(
            "HuggingFaceH4/MATH-500",
            "test",
            500,
            "MIT",
            {"problem_id": "unique_id", "category": "subject", "level": "level"},
        ),
        template=BOXED,
    ),
    "mbpp": KnownSuite(
        about="MBPP: 974 short Python functions from a text and one assertion",
        license="CC-BY-4.0",
        source=_file("mbpp", "mbpp/mbpp.jsonl", "CC-BY-4.0"),
        template=AS_IT_STANDS,
    ),
}

_OF_THE_SOURCE: Final = ("path", "dataset", "revision")
_OF_THE_HUB: Final = ("dataset", "revision", "config", "split")


def with_known(suite: dict[str, Any]) -> dict[str, Any]:
    """A suite's table as the recipe has it, with what is known of its name filled in.

    A suite that has sources is left as it is, so a stored recipe stays what it was.

    Raises:
        ValueError: It has no sources and its name is unknown, it has both sources and what only a
            known suite takes, or it names a place that its kind cannot have.
    """
    own = {name: suite[name] for name in _OF_THE_SOURCE if suite.get(name)}
    if suite.get("sources"):
        if own:
            raise ValueError(f"{sorted(own)} belong into a source of the suite, which has its own")
        return suite
    known = KNOWN_SUITES.get(str(suite.get("name")))
    if known is None:
        raise ValueError(
            f"suite {suite.get('name')!r}: expected sources, or one of the suites that are known "
            f"by name ({', '.join(sorted(KNOWN_SUITES))})"
        )
    source = {"name": suite["name"], **_placed(str(suite["name"]), known.source, own)}
    rest = {name: value for name, value in suite.items() if name not in _OF_THE_SOURCE}
    k = suite.get("k")
    most = k if isinstance(k, int) else 1
    filled = {
        "template": known.template,
        "metric_k": [one for one in known.metric_k if one == 1 or one <= most],
        **rest,
    }
    return {**filled, "sources": [source]}


def _placed(name: str, source: dict[str, JsonValue], own: dict[str, Any]) -> dict[str, Any]:
    """The known source, at the place that the suite's table gives."""
    if "dataset" not in source:
        if wrong := sorted(set(own) - {"path"}):
            raise ValueError(f"suite {name} reads a file or folder: give `path`, not {wrong}")
        return {**source, **own}
    if not {"path", "dataset"} & set(own):
        return {**source, **own}
    others = {key: value for key, value in source.items() if key != "limit"}
    if "path" not in own:
        return {**others, **own}
    if set(own) != {"path"}:
        raise ValueError(f"suite {name}: give either `path`, or `dataset` and `revision`")
    kept = {key: value for key, value in others.items() if key not in _OF_THE_HUB}
    kind = "file" if source["kind"] == "hub" else source["kind"]
    return {**kept, **own, "kind": kind}
