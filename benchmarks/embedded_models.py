"""What the embedded models solve: the table of their cards, on held-out problems of its own seed.

Each model answers 200 arithmetic, 200 python and 100 chat problems of the split `heldout`, eight
times each at temperature 1, through vLLM, and is graded as in every run.

    python benchmarks/embedded_models.py [MODEL ...] [--seed 99] [--quick]

A model is `embedded:NAME` or a folder; default: the three embedded ones.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from factory.artifact import commit
from factory.collect.procedural import VERSION
from factory.collect.stage import collect_problems
from factory.digest import KEY_HEX, digest
from factory.models import architecture, resolve_model
from factory.parts import MANIFEST
from factory.recipe_file import ROOT
from factory.run_record import SCORES_FILE
from factory.validate.stage import validate_model
from schemas.generate_settings import Sampling
from schemas.grade_settings import Grade
from schemas.machine import Machine
from schemas.source_settings import ProceduralSource
from schemas.validate_settings import Suite, Validate

_MODELS = ("embedded:teacher", "embedded:base-qwen2", "embedded:base-llama")
_COUNTS = {"arithmetic": 200, "python": 200, "chat": 100}
_FOLDER = ROOT / "artifacts" / "embedded-models"


def suites(seed: int, *, quick: bool) -> list[tuple[Suite, Path]]:
    """Each suite with its collected problems."""
    found: list[tuple[Suite, Path]] = []
    for family, count in _COUNTS.items():
        source = ProceduralSource.model_validate(
            {
                "kind": "procedural",
                "name": family,
                "family": family,
                "split": "heldout",
                "count": 10 if quick else count,
                "seed": seed,
            }
        )
        key = digest([VERSION, source])[:KEY_HEX]
        folder = _FOLDER / f"suite-{key}"
        if not (folder / MANIFEST).exists():
            commit(
                folder,
                lambda source=source, folder=folder, key=key: collect_problems(
                    [source],
                    check_gold=True,
                    against=[],
                    grade=Grade(),
                    machine=Machine(),
                    seed=seed,
                    out_dir=folder,
                    key=key,
                ),
                stage="collect",
                recipe="embedded-models",
                key=key,
                code_version=1,
                inputs={},
            )
        found.append((Suite(name=family, sources=[source], metric_k=[1, 8]), folder))
    return found


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=list(_MODELS))
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--quick", action="store_true", help="ten problems of each family")
    asked = parser.parse_args()
    measured = suites(asked.seed, quick=asked.quick)
    print("| model | family | problems | pass@1 | standard error | pass@8 |")
    print("|---|---|---|---|---|---|")
    for ref in asked.models:
        model = resolve_model(ref)
        validate = Validate(
            suites=[suite for suite, _ in measured],
            k=8,
            sampling=Sampling(temperature=1.0, max_tokens=320),
            seed=asked.seed,
            max_model_len=512,
            dtype="float32",
        )
        key = digest([VERSION, validate, model.identity])[:KEY_HEX]
        validate_model(
            measured,
            validate,
            Grade(),
            model=model,
            role="teacher" if ref == "embedded:teacher" else "base",
            name=ref,
            arch=architecture(model),
            machine=Machine(),
            store=_FOLDER / "candidates.sqlite",
            out_dir=_FOLDER / f"model-{key}",
            key=key,
        )
        rows = json.loads((_FOLDER / f"model-{key}" / SCORES_FILE).read_text(encoding="utf-8"))
        by_name = {(row["suite"], row["metric"]): row for row in rows}
        for family in _COUNTS:
            one, eight = by_name[family, "pass@1"], by_name[family, "pass@8"]
            print(
                f"| {ref} | {family} | {one['n']} | {100 * one['value']:.1f}% "
                f"| {100 * one['stderr']:.1f} | {100 * eight['value']:.1f}% |",
                flush=True,
            )


if __name__ == "__main__":
    main()
