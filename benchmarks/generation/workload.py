"""What every way is asked: the demonstration's problems, prompts and settings, on one model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.compute as pc

from factory.artifact import commit
from factory.collect.stage import collect_problems
from factory.generate.prompt import chat_template, render
from factory.models import Model
from factory.parts import read_parts
from factory.recipe_file import load_recipe
from schemas.arrow import CANDIDATE, PROBLEM
from schemas.generate_settings import Generate, Sampling
from schemas.machine import Machine
from schemas.problem import Problem
from schemas.source_settings import ProceduralSource

PER_PROMPT: Final = 8
"""Candidates of each problem, all in one request."""
FAMILIES: Final = ("arithmetic", "python", "chat")


@dataclass(frozen=True)
class Prompt:
    """One request: the rendered prompt, and the seed of the first of its completions."""

    problem_id: str
    text: str
    seed: int


@dataclass(frozen=True)
class Took:
    """What one way took for all prompts."""

    tokens: int
    seconds: float
    cpu_s: float | None
    """Processor time of the client alone, not of the server; None where they are one."""

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds


def collected(folder: Path, count: int, families: Collection[str] = FAMILIES) -> Path:
    """About `count` problems in the proportions of the demonstration, as `collect` leaves them."""
    recipe = load_recipe("recipes/demo.toml")
    sources = recipe.collect.sources
    made = [one for one in sources if isinstance(one, ProceduralSource) and one.family in families]
    whole = sum(source.count for source in made)
    sources = [
        source.model_copy(update={"count": max(1, round(count * source.count / whole))})
        for source in made
    ]
    out_dir = folder / "problems"
    commit(
        out_dir,
        lambda: collect_problems(
            sources,
            check_gold=False,
            against=[],
            grade=recipe.grade,
            machine=Machine(),
            seed=recipe.seed,
            out_dir=out_dir,
            key="problems",
        ),
        stage="collect",
        recipe="benchmark",
        key="problems",
        code_version=1,
        inputs={},
    )
    return out_dir


def demo_settings() -> Generate:
    """`[generate]` of the demonstration, one round of eight candidates."""
    made = load_recipe("recipes/demo.toml").generate
    return made.model_copy(update={"candidates": PER_PROMPT, "max_rounds": 1})


def asked(problems: Path, candidates: Path, settings: Generate, model: Model) -> list[Prompt]:
    """The requests that a finished stage has made: every way is given the same ones.

    Args:
        problems: The artifact of `collect`.
        candidates: The artifact of `generate` on them, with all candidates of each.
    """
    first = read_parts(candidates, "candidates", CANDIDATE).filter(pc.field("index") == 0)
    seeds = dict(zip(first["problem_id"].to_pylist(), first["seed"].to_pylist(), strict=True))
    template = chat_template(model)
    return [
        Prompt(
            row["problem_id"],
            render(Problem.model_validate(row), settings.prompt, template).text,
            seeds[row["problem_id"]],
        )
        for row in read_parts(problems, "problems", PROBLEM).to_pylist()
    ]


def body(prompt: Prompt, model: str, sampling: Sampling) -> dict[str, object]:
    """The JSON of one request to `/completions`, as any client would write it."""
    return {
        "model": model,
        "prompt": prompt.text,
        "n": PER_PROMPT,
        "seed": prompt.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_tokens": sampling.max_tokens,
        "add_special_tokens": False,
        "skip_special_tokens": False,
    }
