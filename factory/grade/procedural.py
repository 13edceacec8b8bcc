"""Grader of procedural sources that bring their own scorer: those of reasoning-gym.

`problem.gold` is JSON: `{"dataset": name, "entry": {…}}` with the entry that reasoning-gym made,
and `config` where the dataset was not made with its defaults. An entry that JSON does not hold
exactly (tuples, keys that are numbers) may stand as the text of a Python literal.

The answer is what the last `<answer>…</answer>` after the reasoning holds; else the last `\\boxed`;
else all that follows the reasoning. It is correct where its score is at least `min_score`.

Covered: a scorer may evaluate the text that it scores, so it runs in the sandbox, never here; it
ends by its limits; a text that makes it raise or hang earns nothing; its version is the recipe's,
or there is an error. Not covered: the text is in the process that scores it, so a text that a
scorer evaluates could forge its score (`sandboxes/README.md`); what a scorer accepts is for its
author to say. Some give credit for an answer with words around it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from factory.errors import SandboxUnavailable
from factory.grade.code import check_sandbox
from factory.grade.contract import Item, Verdict, answer_part
from factory.grade.math.extract import Found, final_answer
from sandboxes import ContainerFailed, Evaluation, Limits, SandboxError, SandboxPool
from sandboxes import Verdict as Ending
from sandboxes.container import RESERVE_BYTES
from sandboxes.syntax import literal
from schemas.candidate import FinishReason
from schemas.grade_settings import GradeProcedural
from schemas.machine import Sandbox
from schemas.problem import Problem
from schemas.verdict import Status

PROGRAM: Final = """
import ast
import reasoning_gym

def version():
    return reasoning_gym.__version__

def score(dataset, config, entry, answer):
    entry = ast.literal_eval(entry) if isinstance(entry, str) else entry
    return float(reasoning_gym.create_dataset(dataset, **config).score_answer(answer, entry))
"""
_KEPT_CHARS: Final = 2000


class ProceduralGrader:
    """Scores of answers, from a pool of sandboxes that is up while the grader is open."""

    def __init__(self, settings: GradeProcedural, sandbox: Sandbox) -> None:
        self._settings = settings
        self._image = sandbox.scorers_image
        self._limits = Limits(
            wall_s=settings.wall_s, cpu_s=settings.cpu_s, memory_bytes=settings.memory_bytes
        )
        self._slots = sandbox.slots or os.cpu_count() or 1
        self._pool = SandboxPool(
            image=self._image,
            slots=self._slots,
            runtime=sandbox.runtime,
            memory_bytes=2 * settings.memory_bytes + RESERVE_BYTES,
            warm=["reasoning_gym"],
        )

    def __enter__(self) -> ProceduralGrader:
        """Start the containers.

        Raises:
            SandboxUnavailable: No engine, no image, or one with another version of reasoning-gym;
                with the remedy.
        """
        try:
            self._pool.__enter__()
        except SandboxError as error:
            remedy = f"; {self._remedy()}" if isinstance(error, ContainerFailed) else ""
            raise SandboxUnavailable(f"grader `procedural`: {error}{remedy}") from error
        try:
            self._check_version()
        except BaseException:
            self._pool.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.__exit__(None, None, None)

    def grade_many(self, items: Sequence[Item]) -> list[Verdict]:
        """One verdict per item, in the order of the items; the slots work side by side.

        Raises:
            SandboxUnavailable: The machine failed again and again; there is no verdict.
        """
        return self.evaluate_all(self._grade, items)

    def gold_answer(self, problem: Problem) -> str | None:
        """The entry's own answer; None where it has none."""
        try:
            _, _, entry = read_gold(problem.gold)
            answer: Any = literal(entry)["answer"] if isinstance(entry, str) else entry
            answer = answer["answer"] if isinstance(answer, dict) else answer
        except (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError):
            return problem.gold
        return None if answer is None else f"<answer>{answer}</answer>"

    def evaluate_all(self, one: Callable[[Any], Any], asked: Sequence[Any]) -> list[Any]:
        """What a function that uses `evaluate` gives for each, side by side; raises as above."""
        with ThreadPoolExecutor(self._slots) as threads:
            try:
                return list(threads.map(one, asked))
            except SandboxError as error:
                threads.shutdown(cancel_futures=True)
                raise SandboxUnavailable(str(error)) from error

    def evaluate(self, program: str, function: str, arguments: Sequence[Any]) -> Evaluation:
        """What a function returns in the sandbox, with reasoning-gym at hand."""
        return self._pool.evaluate(program, function, arguments, self._limits)

    def _check_version(self) -> None:
        found = self.evaluate(PROGRAM, "version", [])
        wanted = self._settings.version
        if found.value != wanted:
            raise SandboxUnavailable(
                f"image {self._image}: expected reasoning-gym {wanted}, as [grade.procedural] "
                f"says, found {found.value or found.detail}; {self._remedy()}"
            )

    def _remedy(self) -> str:
        return (
            f"`python -m sandboxes.image packages reasoning-gym=={self._settings.version} "
            f"--image {self._image}` makes an image that has it"
        )

    def _grade(self, item: Item) -> Verdict:
        answer, missing = procedural_answer(item)
        if answer is None:
            cut = item.finish_reason is FinishReason.LENGTH or missing == Found.UNFINISHED.value
            status = Status.TRUNCATED if cut else Status.UNPARSABLE
            return Verdict(status, "", "extraction", missing, 0.0)
        kept = answer[:_KEPT_CHARS]
        try:
            dataset, config, entry = read_gold(item.problem.gold)
        except ValueError as error:
            return Verdict(Status.ERROR, kept, "gold", f"{error}"[:400], 0.0)
        found = self.evaluate(PROGRAM, "score", [dataset, config, entry, answer])
        score = found.value
        if found.verdict is not Ending.CORRECT or not isinstance(score, float):
            status = Status.ERROR if found.verdict is Ending.CORRECT else Status(found.verdict)
            return Verdict(status, kept, "scorer", found.detail, found.wall_s)
        right = self._settings.min_score <= score <= 1.0
        status = Status.CORRECT if right else Status.INCORRECT
        return Verdict(status, kept, "scorer", f"score {score:.3g}", found.wall_s)


def procedural_answer(item: Item) -> tuple[str | None, str]:
    """The answer that is scored; None, and why, where there is none."""
    part = answer_part(item.text, item.finish_reason)
    if part is None:
        return None, Found.UNFINISHED.value
    start = part.rfind("<answer>")
    if start >= 0:
        end = part.find("</answer>", start)
        tagged = part[start + len("<answer>") : end].strip()
        return (tagged, "") if end >= 0 else (None, "unclosed <answer>")
    boxed = final_answer(part)
    if boxed.found is Found.UNCLOSED_BOX:
        return None, boxed.found.value
    if boxed.found is Found.BOXED and boxed.answer is not None:
        return boxed.answer, ""
    if item.finish_reason is FinishReason.LENGTH:
        return None, "cut before the answer ended"
    return (part.strip(), "") if part.strip() else (None, Found.NOTHING.value)


def read_gold(gold: str) -> tuple[str, dict[str, Any], dict[str, Any] | str]:
    """Dataset, its configuration and the entry.

    Raises:
        ValueError: The gold has another form; the message says where.
    """
    try:
        form: Any = json.loads(gold)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"expected JSON, found {gold[:60]!r}") from error
    if not isinstance(form, dict) or not set(form) <= {"dataset", "config", "entry"}:
        raise ValueError('expected {"dataset", "entry"}, perhaps "config", found other keys')
    dataset, config, entry = form.get("dataset"), form.get("config", {}), form.get("entry")
    if not isinstance(dataset, str) or not isinstance(config, dict):
        raise ValueError("expected `dataset` to be a name and `config` an object")
    if not isinstance(entry, dict | str):
        raise ValueError(f"expected `entry` to be an object, found {type(entry).__name__}")
    return dataset, config, entry


def check_scorers(sandbox: Sandbox) -> None:
    """Raise where scorers cannot be run on this machine; takes a second.

    Raises:
        SandboxUnavailable: As for programs, or the image of the scorers is missing.
    """
    check_sandbox(sandbox.model_copy(update={"image": sandbox.scorers_image}))
