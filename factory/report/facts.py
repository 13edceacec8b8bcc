"""All that a report says of one run, read from what the run left behind.

Small columns alone are read, a part at a time. An artifact that is gone, or was made by a version
that did not write something yet, is named in `missing`; the rest is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from factory.audit.artifacts import RunArtifacts, artifacts_of
from factory.audit.counted_tables import drops_of, groups_of, rounds_of, verdicts_of
from factory.audit.counts import count
from factory.errors import RetortError
from factory.parts import read_manifest
from factory.report.curves import Curve, curve_of
from factory.report.lengths import Lengths, lengths_of
from factory.report.rates import Rates, rates_of
from factory.run_record import RECIPE_FILE, read_run
from factory.shard.layout import RECIPE
from schemas.ledger import Group, Left, Round
from schemas.manifest import Manifest
from schemas.run import Run, StageRef

ROLES: Final = ("base", "teacher", "student", "control")
SHOWN: Final = "pass@1"
"""The metric of pictures and of the headline; tables have all."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Made:
    """One artifact of a run; without a manifest where it is gone."""

    ref: StageRef
    manifest: Manifest | None

    name: str
    """The artifact for people: `collect`, `grade 2` (of the second round), `train demo-qwen2`."""

    @property
    def of(self) -> str:
        """The student or model that it is about; empty where it is about none."""
        stage = self.ref.stage if self.manifest is None else self.manifest.ledger.stage
        return stage.partition(":")[2]


@dataclass(frozen=True)
class Counted:
    """The funnel by source, counted from the parts."""

    groups: Sequence[Group]
    drops: Sequence[Left]
    verdicts: Sequence[Left]
    rounds: Sequence[Round]


@dataclass
class Facts:
    """What is known of a run."""

    run: Run
    made: Sequence[Made]
    counted: Counted | None = None
    rates: Rates | None = None
    lengths: Lengths | None = None
    curves: Sequence[Curve] = ()
    recipe: str | None = None
    recipe_of: str = ""
    """`the run` or `the dataset`: of which the recipe is."""
    missing: list[str] = field(default_factory=list[str])

    def of_stage(self, stage: str) -> list[Made]:
        """Artifacts of a stage that are there."""
        return [one for one in self.made if one.ref.stage == stage and one.manifest is not None]


def facts_of(folder: Path) -> Facts:
    """The facts of the run whose record is in this folder.

    Raises:
        ManifestMismatch: There is no record.
    """
    run = read_run(folder)
    missing: list[str] = []
    manifests = [tried(missing, ref.stage, _manifest(ref)) for ref in run.stages]
    made = [
        Made(ref, manifest, name)
        for ref, manifest, name in zip(
            run.stages, manifests, names_of(run.stages, manifests), strict=True
        )
    ]
    facts = Facts(run=run, made=made, missing=missing)
    artifacts = tried(
        missing, "funnel by source, pass rates and lengths", lambda: artifacts_of(run)
    )
    if artifacts is not None:
        facts.counted = tried(missing, "funnel by source", lambda: _counted(artifacts))
        facts.rates = tried(missing, "pass rates", lambda: rates_of(artifacts))
        facts.lengths = tried(missing, "lengths", lambda: lengths_of(artifacts))
    facts.curves = [
        curve
        for one in facts.of_stage("train")
        if (curve := tried(missing, f"curve of {one.of}", _curve(one))) is not None
    ]
    _read_recipe(facts, folder)
    return facts


def names_of(refs: Sequence[StageRef], manifests: Sequence[Manifest | None]) -> list[str]:
    """A name for each artifact of a run: its stage, with round, suite, student or model."""
    suites = {
        key: name.removeprefix("suite:")
        for manifest in manifests
        if manifest is not None and manifest.stage == "validate"
        for name, key in manifest.inputs.items()
    }
    often = Counter(ref.stage for ref in refs if ref.task != "CollectSuite")
    seen: Counter[str] = Counter()
    names: list[str] = []
    for ref, manifest in zip(refs, manifests, strict=True):
        seen[ref.stage] += 1
        of = "" if manifest is None else manifest.ledger.stage.partition(":")[2]
        if ref.task == "CollectSuite":
            names.append(f"suite {suites.get(ref.key, ref.key)}")
        elif of:
            names.append(f"{ref.stage} {model_name(of)}")
        else:
            names.append(f"{ref.stage} {seen[ref.stage]}" if often[ref.stage] > 1 else ref.stage)
    return names


def model_name(of: str) -> str:
    """`demo-qwen2 (student)` of `student:demo-qwen2`; a name without a role as it is."""
    role, _, name = of.partition(":")
    return f"{name} ({role})" if name and role in ROLES else of


def _manifest(ref: StageRef) -> Callable[[], Manifest]:
    return lambda: read_manifest(Path(ref.path))


def _curve(one: Made) -> Callable[[], Curve]:
    return lambda: curve_of(Path(one.ref.path), one.of)


def tried(missing: list[str], what: str, read: Callable[[], Found]) -> Found | None:
    """What is read; None, and why it is missing, where it cannot be."""
    try:
        return read()
    except RetortError as error:
        missing.append(f"{what}: {error}")
        return None


def _counted(artifacts: RunArtifacts) -> Counted:
    counts = count(artifacts)
    return Counted(groups_of(counts), drops_of(counts), verdicts_of(counts), rounds_of(counts))


def _read_recipe(facts: Facts, folder: Path) -> None:
    """The whole recipe where the run keeps it, else the part that its dataset depends on."""
    for path, of in (
        (folder / RECIPE_FILE, "the run"),
        (Path(facts.run.dataset.path) / RECIPE, "the dataset"),
    ):
        if path.is_file():
            facts.recipe, facts.recipe_of = path.read_text(encoding="utf-8"), of
            return
    facts.missing.append("recipe: neither the run nor its dataset has a recipe.json")
