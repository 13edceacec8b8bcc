"""The recipe and the machine file of a rehearsal, as a user would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from .asked import TAILS
from .plan import MOST_PASS_RATE, PER_PROBLEM, Plan
from .real_texts import BENCHMARKS
from .roles import CANDIDATES

NAME: Final = "rehearsal"
VERSION: Final = "1.0.0"
_GRADERS: Final = {
    "sums": ("math", "math"),
    "code": ("code", "code"),
    "choice": ("stem", "choice"),
    "words": ("logic", "text"),
    "real": ("math", "math"),
}
"""Source -> domain and grader."""
_IN_FLIGHT: Final = 8


def recipe_text(plan: Plan) -> str:
    """The recipe of a plan."""
    lines = [f'name = "{NAME}"', "seed = 1", "", "[collect]"]
    for source, (domain, grader) in _GRADERS.items():
        lines += [
            "[[collect.sources]]",
            f'name = "{source}"',
            'kind = "file"',
            f'path = "${{RETORT_DATA}}/{source}.jsonl"',
            'license = "MIT"',
            f'domain = "{domain}"',
            f'grader = "{grader}"',
            'where = { kind = ["asked"] }',
            'columns = { solution = "reference" }',
            *(["skip_bad = true"] if source == "sums" else []),
            *([f"limit = {plan.sources[source]}"] if source == "choice" else []),
        ]
    lines += [
        "[[collect.sources]]",
        'name = "arithmetic"',
        'kind = "procedural"',
        'family = "arithmetic"',
        'split = "train"',
        f"count = {plan.sources['arithmetic']}",
        "seed = 1",
    ]
    for name, (file, column) in BENCHMARKS.items():
        lines += [
            "[[collect.benchmarks]]",
            f'name = "{name}"',
            f'path = "${{RETORT_DATA}}/{file}"',
            f'columns = ["{column}"]',
        ]
    lines += [
        "[generate]",
        f"candidates = {CANDIDATES}",
        "[generate.teacher]",
        'engine = "openai"',
        f'model = "{NAME}"',
        'revision = "1"',
        "[generate.prompt.templates]",
        *(f"{name} = {json.dumps('{statement}' + tail)}" for name, tail in TAILS.items()),
        "[grade.code]",
        "cpu_s = 2.0",
        "[select]",
        f"per_problem = {PER_PROBLEM}",
        'pick = "shortest"',
        f"max_pass_rate = {MOST_PASS_RATE}",
        "[shard]",
        f'name = "{NAME}"',
        f'version = "{VERSION}"',
    ]
    return "\n".join(lines) + "\n"


def machine_text(folder: Path, port: int) -> str:
    """The machine file: all that is written lies below `folder`."""
    paths = [f'{name} = "{folder}/{name}"' for name in ("artifacts", "runs", "datasets")]
    lines = [
        "[paths]",
        *paths,
        "[teacher]",
        f'base_urls = ["http://127.0.0.1:{port}/v1"]',
        f"requests_in_flight = {_IN_FLIGHT}",
        f"candidates_per_request = {CANDIDATES}",
    ]
    return "\n".join(lines) + "\n"
