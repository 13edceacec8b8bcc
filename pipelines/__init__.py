"""When: the Luigi tasks, thin. `luigi --module pipelines DistillAll` drives the whole path.

    CollectProblems -> (GenerateCandidates -> GradeCandidates) x max_rounds
    [-> RewriteCandidates -> GradeCandidates] -> SelectSamples -> BuildShards
    -> PublishDataset -> TrainStudent per student -> ValidateModel per model

`BuildDataset` is the path up to the published dataset, `DistillAll` all of it, and
`BootstrapTeacher` makes the embedded models anew. Every task takes `--recipe FILE` and
`--machine FILE`. This is the only package that imports luigi; importing it loads neither torch
nor vllm.
"""

from pipelines import defaults
from pipelines.bootstrap import BootstrapTeacher
from pipelines.data import (
    BuildShards,
    CollectProblems,
    GenerateCandidates,
    GradeCandidates,
    PublishDataset,
    RewriteCandidates,
    SelectSamples,
)
from pipelines.runs import BuildDataset, DistillAll
from pipelines.students import CollectSuite, MakeBase, TrainStudent, ValidateModel

defaults.apply()

__all__ = [
    "BootstrapTeacher",
    "BuildDataset",
    "BuildShards",
    "CollectProblems",
    "CollectSuite",
    "DistillAll",
    "GenerateCandidates",
    "GradeCandidates",
    "MakeBase",
    "PublishDataset",
    "RewriteCandidates",
    "SelectSamples",
    "TrainStudent",
    "ValidateModel",
]
