"""`BootstrapTeacher`: the embedded teacher and base students, made anew from nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import luigi

from factory.collect.procedural import VERSION
from pipelines.stage import Stage
from schemas.manifest import StageResult


class BootstrapTeacher(Stage):
    """Procedural problems with worked traces -> teacher and bases; factory/bootstrap."""

    name = "bootstrap"
    seed: int = luigi.IntParameter(default=0)  # pyright: ignore[reportAssignmentType]
    scale: float = luigi.FloatParameter(  # pyright: ignore[reportAssignmentType]
        default=1.0, description="Share of the full training tokens; below 1 for a quick look"
    )

    def section(self) -> Any:
        from factory.bootstrap.learn import Learning
        from factory.bootstrap.stage import EMBEDDED_MODELS

        return {
            "seed": self.seed,
            "scale": self.scale,
            "models": [asdict(one) for one in EMBEDDED_MODELS],
            "learning": [Learning.lr, Learning.vectors_lr, Learning.batch_tokens],
            "problems": VERSION,
        }

    def work(self) -> StageResult:
        from factory.bootstrap.stage import bootstrap_models

        return bootstrap_models(
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
            seed=self.seed,
            scale=self.scale,
        )
