"""The data stage: problems -> candidates -> verdicts -> samples -> a published dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import luigi

from factory.collect.benchmarks import benchmarks_fingerprint
from factory.collect.sources import sources_fingerprint
from factory.collect.stage import collect_problems
from factory.generate.prompt import template_digests
from factory.generate.rewriting import rewrite_candidates
from factory.generate.stage import generate_candidates
from factory.grade.stage import grade_candidates, grade_fingerprint
from factory.models import teacher_fingerprint
from factory.recipe_file import resolve_plain
from factory.select.excluded import marks_digest
from factory.select.stage import select_samples
from factory.shard.publish import is_published, publish
from factory.shard.recipe import dataset_recipe, suites_against
from factory.shard.stage import CODE_VERSION, build_shards
from pipelines.stage import RecipeTask, Stage
from schemas.collect_settings import Benchmark
from schemas.generate_settings import Generate, Prompt, Rewrite
from schemas.manifest import StageResult


class CollectProblems(Stage):
    """Sources -> problems. Gold check, exact dedupe, decontamination: factory/collect."""

    name = "collect"
    code_version = 5

    def section(self) -> Any:
        recipe = self.recipe
        return {
            "collect": recipe.collect,
            "against": self._against(),
            "grade": recipe.grade,
            "seed": recipe.seed,
            "files": sources_fingerprint([*recipe.collect.sources, *self._against()]),
            "benchmarks": benchmarks_fingerprint(self._benchmarks()),
        }

    def _against(self) -> list[Any]:
        recipe = self.recipe
        if recipe.validation is None or not recipe.collect.decontaminate:
            return []
        return [source for suite in recipe.validation.suites for source in suite.sources]

    def _benchmarks(self) -> list[Benchmark]:
        collect = self.recipe.collect
        return collect.benchmarks if collect.decontaminate else []

    def work(self) -> StageResult:
        return collect_problems(
            self.recipe.collect.sources,
            check_gold=self.recipe.collect.check_gold,
            against=self._against(),
            benchmarks=self._benchmarks(),
            overlap=self.recipe.collect.overlap,
            grade=self.recipe.grade,
            machine=self.machine,
            seed=self.recipe.seed,
            out_dir=self.out_dir,
            key=self.key,
        )


class _Round(Stage):
    """A stage of one round; rounds count from 1."""

    round: int = luigi.IntParameter(default=1)  # pyright: ignore[reportAssignmentType]

    @property
    def label(self) -> str:
        last = self.recipe.generate.max_rounds
        if self.round > last:
            return f"{self.name}, rewritten forms"
        return f"{self.name}, round {self.round} of {last}"


class GenerateCandidates(_Round):
    """Problems -> candidates. The teacher answers; the work is in factory/generate."""

    name = "generate"
    code_version = 2

    def section(self) -> Any:
        generate = self.recipe.generate
        not_asked = {"max_rounds", "expected_tokens"} - _needed_by_budget(generate)
        if self.round == 1 and not generate.quota:
            not_asked |= {"accepted_wanted", "give_up_after", "adapt"}
        teachers = [generate.asking(reasoning=one)[0] for one in (True, False)]
        return {
            "generate": generate.model_dump(mode="json", exclude=not_asked),
            "round": self.round,
            "seed": self.recipe.seed,
            "teachers": [teacher_fingerprint(teacher) for teacher in teachers],
        }

    def inputs(self) -> Mapping[str, Stage]:
        return {"collect": collect(self), **_rounds(self, self.round)}

    def work(self) -> StageResult:
        return generate_candidates(
            collect(self).out_dir,
            rounds_before(self, self.round),
            self.recipe.generate,
            round=self.round,
            seed=self.recipe.seed,
            machine=self.machine,
            store=self.artifacts / "candidates.sqlite",
            out_dir=self.out_dir,
            key=self.key,
        )


def _needed_by_budget(generate: Generate) -> set[str]:
    budgets = [generate.budget_tokens, *(rule.budget_tokens for rule in generate.domains.values())]
    return {"expected_tokens"} if any(budgets) else set()


class RewriteCandidates(_Round):
    """Accepted candidates -> their rewritten forms, as one more round; factory/generate."""

    name = "generate"

    def settings(self) -> Rewrite:
        """`[rewrite]`."""
        assert self.recipe.rewrite is not None
        return self.recipe.rewrite

    def section(self) -> Any:
        return {
            "rewrite": self.settings(),
            "round": self.round,
            "seed": self.recipe.seed,
            "teacher": teacher_fingerprint(self.settings().teacher),
        }

    def inputs(self) -> Mapping[str, Stage]:
        return {"collect": collect(self), **_rounds(self, self.round)}

    def work(self) -> StageResult:
        return rewrite_candidates(
            collect(self).out_dir,
            rounds_before(self, self.round),
            self.settings(),
            round=self.round,
            seed=self.recipe.seed,
            machine=self.machine,
            store=self.artifacts / "candidates.sqlite",
            out_dir=self.out_dir,
            key=self.key,
        )


class GradeCandidates(_Round):
    """Candidates -> verdicts. CPU and sandboxes; the work is in factory/grade."""

    name = "grade"
    code_version = 6

    def section(self) -> Any:
        return {"grade": self.recipe.grade, "files": grade_fingerprint(self.recipe.grade)}

    def inputs(self) -> Mapping[str, Stage]:
        return {
            "collect": collect(self),
            "generate": generated(self, self.round),
            **{f"grade{number}": graded(self, number) for number in range(1, self.round)},
        }

    def work(self) -> StageResult:
        return grade_candidates(
            collect(self).out_dir,
            generated(self, self.round).out_dir,
            self.recipe.grade,
            before=[folder for _, folder in rounds_before(self, self.round)],
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
        )


class SelectSamples(Stage):
    """Verdicts -> samples: rejection sampling; the work is in factory/select."""

    name = "select"
    code_version = 3

    def section(self) -> Any:
        recipe = self.recipe
        marks = recipe.select.exclude
        return {
            "select": recipe.select.model_dump(mode="json", exclude={"exclude"}),
            **({"exclude": marks_digest(marks)} if marks else {}),
            "prompts": prompts_of(recipe.generate),
            "wanted": recipe.generate.accepted_wanted,
            "domains": recipe.generate.domains,
            "rewrite": recipe.rewrite.domains if recipe.rewrite else None,
            "seed": recipe.seed,
        }

    def inputs(self) -> Mapping[str, Stage]:
        return {"collect": collect(self), **_rounds(self, rounds_of(self) + 1)}

    def work(self) -> StageResult:
        return select_samples(
            collect(self).out_dir,
            rounds_before(self, rounds_of(self) + 1),
            self.recipe.select,
            generate=self.recipe.generate,
            rewrite=self.recipe.rewrite,
            seed=self.recipe.seed,
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
        )


class BuildShards(Stage):
    """Samples -> the files of a dataset: decontamination, dedupe, Parquet, card; factory/shard."""

    name = "shard"
    code_version = CODE_VERSION

    def section(self) -> Any:
        recipe = dataset_recipe(self.recipe)
        benchmarks = recipe.collect.benchmarks if recipe.shard.decontaminate else []
        return {
            "recipe": recipe,
            "benchmarks": benchmarks_fingerprint(benchmarks),
            "suites": sources_fingerprint(suites_against(recipe)),
        }

    def inputs(self) -> Mapping[str, Stage]:
        return {"select": SelectSamples(recipe=self.recipe, machine=self.machine)}

    def upstream(self) -> dict[str, Stage]:
        """Every stage that the dataset stands on, by a name that tells rounds apart."""
        select = self.inputs()["select"]
        return {**select.inputs(), "select": select}

    def templates(self) -> dict[str, str]:
        """Teacher -> digest of its chat template."""
        return template_digests(self.recipe.generate)

    def work(self) -> StageResult:
        return build_shards(
            self.inputs()["select"].out_dir,
            dataset_recipe(self.recipe),
            upstream={name: stage.out_dir for name, stage in self.upstream().items()},
            templates=self.templates(),
            machine=self.machine,
            out_dir=self.out_dir,
            key=self.key,
        )


class PublishDataset(RecipeTask):
    """The built dataset under its name and version, by one rename; factory/shard/publish."""

    def shards(self) -> BuildShards:
        """The stage whose files are published."""
        return BuildShards(recipe=self.recipe, machine=self.machine)

    def requires(self) -> BuildShards:
        return self.shards()

    @property
    def folder(self) -> Path:
        """`datasets/<name>/<version>`."""
        shard = self.recipe.shard
        return resolve_plain(self.machine.paths.datasets) / shard.name / shard.version

    def complete(self) -> bool:
        return self.shards().complete() and is_published(
            self.shards().out_dir / "dataset", self.folder
        )

    def run(self) -> None:
        shard = self.recipe.shard
        publish(
            self.shards().out_dir / "dataset",
            resolve_plain(self.machine.paths.datasets),
            shard.name,
            shard.version,
        )


def collect(task: RecipeTask) -> CollectProblems:
    """The problems of this task's recipe."""
    return CollectProblems(recipe=task.recipe, machine=task.machine)


def rounds_of(task: RecipeTask) -> int:
    """Rounds of the recipe; rewriting is one more."""
    return task.recipe.generate.max_rounds + (task.recipe.rewrite is not None)


def prompts_of(generate: Generate) -> list[Prompt]:
    """How problems with and without a chain of thought are put: what samples show of prompts."""
    return [generate.asking(reasoning=one)[2] for one in (True, False)]


def generated(task: RecipeTask, number: int) -> GenerateCandidates | RewriteCandidates:
    """The candidates of a round."""
    last = task.recipe.generate.max_rounds
    kind = GenerateCandidates if number <= last else RewriteCandidates
    return kind(recipe=task.recipe, machine=task.machine, round=number)


def graded(task: RecipeTask, number: int) -> GradeCandidates:
    """The verdicts of a round."""
    return GradeCandidates(recipe=task.recipe, machine=task.machine, round=number)


def _rounds(task: RecipeTask, number: int) -> dict[str, Stage]:
    """Both stages of all rounds before that one, by name."""
    inputs: dict[str, Stage] = {}
    for earlier in range(1, number):
        inputs[f"generate{earlier}"] = generated(task, earlier)
        inputs[f"grade{earlier}"] = graded(task, earlier)
    return inputs


def rounds_before(task: RecipeTask, number: int) -> list[tuple[Path, Path]]:
    """Folders of candidates and verdicts of all rounds before that one."""
    return [
        (generated(task, earlier).out_dir, graded(task, earlier).out_dir)
        for earlier in range(1, number)
    ]
