"""The recipe that the made artifacts stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from factory.recipe_file import load_recipe
from factory.shard.recipe import dataset_recipe
from schemas.recipe import Recipe

_TEXT: Final = """\
name = "made"
seed = 1

[collect]
[[collect.sources]]
name = "made"
kind = "gsm8k"
path = "${RETORT_DATA}/gsm8k/train.jsonl"
[[collect.benchmarks]]
name = "gsm8k"
path = "${RETORT_DATA}/gsm8k/test.jsonl"
columns = ["question"]
[[collect.benchmarks]]
name = "math"
path = "${RETORT_DATA}/math/test.jsonl"
columns = ["problem"]
[[collect.benchmarks]]
name = "humaneval"
path = "${RETORT_DATA}/humaneval/HumanEval.jsonl.gz"
columns = ["prompt"]

[generate]
candidates = 4
[generate.teacher]
engine = "openai"
model = "made-teacher"
revision = "1"

[select]
per_problem = 4

[shard]
name = "made"
version = "1.0.0"
use = "research"
"""


def made_recipe(folder: Path) -> Recipe:
    """The recipe as the stage `shard` gets it; its file is written to the folder."""
    file = folder / "made.toml"
    file.write_text(_TEXT, encoding="utf-8")
    return dataset_recipe(load_recipe(str(file)))
