"""Who answers a problem: the model, how its tokens are drawn, and how problems are put to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from factory.digest import canonical_json, digest
from factory.errors import RecipeError
from factory.generate.prompt import ChatTemplate, Rendered, chat_template, render
from factory.models import Model, resolve_model
from schemas.generate_settings import Generate, Prompt, Sampling
from schemas.generate_settings import Rewrite as RewriteSettings
from schemas.problem import Problem
from schemas.teacher_settings import ImportTeacher, OpenaiTeacher, Served
from schemas.validate_settings import BudgetForcing


@dataclass(frozen=True)
class Answerer:
    """One way of asking one model."""

    serving: str
    """Which tables of the machine file reach it: `teacher`, `rest` or `rewrite`."""
    teacher: Served
    sampling: Sampling
    prompt: Prompt
    model: Model | None
    """As vLLM loads it; None behind endpoints."""
    template: ChatTemplate | None
    """None where the server renders messages itself."""
    seed: int
    budget: BudgetForcing | None = None
    """How long it is made to think."""

    @cached_property
    def identity(self) -> str:
        """`name@revision`."""
        if self.model is not None:
            return self.model.identity
        return f"{self.teacher.model}@{self.teacher.revision}"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides how tokens are drawn and that the prompt and model do not say."""
        engine: dict[str, Any] = {}
        match self.teacher:
            case OpenaiTeacher():
                engine = {"body": self.teacher.body} if self.teacher.body else {}
            case _:
                engine = {"dtype": self.teacher.dtype, "vllm_args": self.teacher.vllm_args}
        forced = {"budget": self.budget} if self.budget else {}
        return {"sampling": self.sampling, "seed": self.seed, "engine": engine, **forced}

    @cached_property
    def sampling_digest(self) -> str:
        """Digest of `settings`."""
        return digest(self.settings)

    def described(self) -> dict[str, Any]:
        """What a person would compare: model, settings, prompt, as plain values."""
        shown = {"teacher": self.identity, **self.settings, "prompt": self.prompt}
        return json.loads(canonical_json(shown))

    def render(self, problem: Problem) -> Rendered:
        """What is sent for a problem.

        Raises:
            TeacherError: The template refuses the messages.
        """
        return render(problem, self.prompt, self.template)


@dataclass(frozen=True)
class Answerers:
    """Who answers problems with a chain of thought, and who the others."""

    reasoning: Answerer
    rest: Answerer

    def of(self, *, reasoning: bool) -> Answerer:
        """The one for a problem."""
        return self.reasoning if reasoning else self.rest

    @property
    def servings(self) -> list[Answerer]:
        """One of each server that is needed, in the order in which they are asked."""
        same = self.rest.serving == self.reasoning.serving
        return [self.reasoning] if same else [self.reasoning, self.rest]

    def longest_tokens(self, serving: str) -> int:
        """The longest completion that a server of this name is asked for."""
        asked = [one for one in (self.reasoning, self.rest) if one.serving == serving]
        return max(one.sampling.max_tokens for one in asked)


def answerers(
    generate: Generate,
    seed: int,
    model: Model | None = None,
    budget: BudgetForcing | None = None,
) -> Answerers:
    """The teachers of a recipe.

    Args:
        model: Serve this one in the place of the teacher that the recipe names.
        budget: How long the answerer of reasoning problems is made to think.

    Raises:
        RecipeError: A model does not exist, `model` cannot be served by the teacher's engine, or
            how long it thinks is to be forced and the engine cannot do that.
        TeacherError: A model has no chat template.
    """
    own_rest = generate.rest is not None and generate.rest.teacher is not None
    reasoning = replace(
        _answerer("teacher", *generate.asking(reasoning=True), seed=seed, model=model),
        budget=budget,
    )
    if budget is not None and reasoning.model is None:
        raise RecipeError(
            f"budget of {reasoning.identity}: expected engine `vllm`, found "
            f"`{reasoning.teacher.engine}`; a chat endpoint cannot go on with text that was begun, "
            f"so that how long it thinks cannot be forced: leave the budget out or serve it here"
        )
    teacher, sampling, prompt = generate.asking(reasoning=False)
    if own_rest:
        rest = _answerer("rest", teacher, sampling, prompt, seed=seed, model=None)
    else:
        rest = Answerer(
            "teacher",
            reasoning.teacher,
            sampling,
            prompt,
            reasoning.model,
            reasoning.template,
            seed,
        )
    return Answerers(reasoning, rest)


def rewriter(rewrite: RewriteSettings, seed: int) -> Answerer:
    """The model that writes accepted traces anew.

    Raises:
        RecipeError, TeacherError: As for `answerers`.
    """
    prompt = Prompt(system=rewrite.system)
    return _answerer("rewrite", rewrite.teacher, rewrite.sampling, prompt, seed=seed, model=None)


def _answerer(
    serving: str,
    teacher: Served | ImportTeacher,
    sampling: Sampling,
    prompt: Prompt,
    *,
    seed: int,
    model: Model | None,
) -> Answerer:
    assert not isinstance(teacher, ImportTeacher)
    if isinstance(teacher, OpenaiTeacher):
        if model is not None:
            raise RecipeError(
                f"model {model.name}: expected engine `vllm` to serve it, found `{teacher.engine}`"
            )
        return Answerer(serving, teacher, sampling, prompt, None, None, seed)
    model = model or resolve_model(teacher.model, teacher.revision)
    return Answerer(serving, teacher, sampling, prompt, model, chat_template(model), seed)
