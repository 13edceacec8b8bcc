"""The suites that Retort knows by name: where their problems are, under which licence, and how
they are put to a model.

A recipe that names one of these in `[[validate.suites]]` and gives no sources takes them from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

BOXED: Final = (
    "{statement}\n\nPlease reason step by step, and put your final answer within \\boxed{}."
)
"""The DeepSeek-R1 model card's advice for mathematics."""


@dataclass(frozen=True)
class KnownSuite:
    """One suite."""

    about: str
    license: str
    source: dict[str, JsonValue]
    """A source of a recipe, but for its name; `path`, `dataset` and `revision` may be given in the
    suite's table."""
    template: str = ""
    """The user's message, with `{statement}`; empty: the statement alone."""
    metric_k: list[int] = field(default_factory=lambda: [1])


KNOWN_SUITES: Final[dict[str, KnownSuite]] = {
    "gsm8k": KnownSuite(
        about="GSM8K's 1,319 test problems: grade-school word problems",
        license="MIT",
        source={"kind": "gsm8k", "path": "${RETORT_DATA}/gsm8k/test.jsonl", "license": "MIT"},
        template=BOXED,
    ),
}

_OF_THE_SOURCE: Final = ("path", "dataset", "revision")


def with_known(suite: dict[str, Any]) -> dict[str, Any]:
    """A suite's table as the recipe has it, with what is known of its name filled in.

    Raises:
        ValueError: It has no sources and its name is unknown, or it has both sources and what
            only a known suite takes.
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
    source = {"name": suite["name"], **known.source, **own}
    rest = {name: value for name, value in suite.items() if name not in _OF_THE_SOURCE}
    filled = {"template": known.template, "metric_k": known.metric_k, **rest}
    return {**filled, "sources": [source]}
