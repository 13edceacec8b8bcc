"""`retort grade judge`: a model grades the answers of a file; its agreement with labels."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from factory.errors import GradeFileError, RecipeError
from factory.grade.grade_lines import Report
from factory.parts import write_atomically
from factory.recipe_file import load_machine
from retort.printed import answer, say
from schemas.grade_settings import GradeJudge
from schemas.machine import Endpoints, Machine


def add(kinds: Any, epilog: str, told: Callable[[Report, Path], int]) -> None:
    """Add the command to the subparsers of `retort grade`.

    Args:
        epilog: What the exit status says.
        told: Says what was made, and gives the exit status.
    """
    judge = kinds.add_parser(
        "judge",
        help="answers before a model, and how far it agrees with labels",
        description="Have a model behind OpenAI-compatible endpoints grade answers. Each line of "
        "FILE is a JSON object with `id`, `problem`, `gold` (a reference; without one the answer's "
        "quality is judged), either `response` (a whole completion; with `finish_reason`, if "
        "known) or `answer`, and perhaps `label` (true or false: what a person says of the "
        "answer); each line of OUT has `id`, `verdict`, `method`, `detail`, `label`, `wall_s`. "
        "Where lines have labels, the judge's agreement with them is printed. Run again, it "
        "grades what has no result yet, what has changed, and what was `infra`; no question is "
        "ever asked twice.",
        epilog=epilog,
    )
    defaults = GradeJudge()
    judge.add_argument("file", metavar="FILE.jsonl", type=Path)
    judge.add_argument("--out", metavar="OUT.jsonl", type=Path, required=True)
    judge.add_argument("--model", required=True, help="its name at the endpoints")
    judge.add_argument("--revision", required=True, help="your word for the version that is served")
    judge.add_argument(
        "--base-url",
        metavar="URL",
        action="append",
        help="endpoint, ends before /chat/completions; may be given several times; default: "
        "judge.base_urls of the machine file",
    )
    judge.add_argument("--api-key-env", metavar="NAME", help="environment variable with the key")
    judge.add_argument(
        "--prompt",
        choices=["reference-1", "quality-1"],
        default=defaults.prompt,
        help="default: %(default)s, and quality-1 for lines without a gold",
    )
    judge.add_argument(
        "--temperature",
        metavar="T",
        type=float,
        default=defaults.temperature,
        help="default: %(default)s",
    )
    judge.add_argument(
        "--max-tokens",
        metavar="N",
        type=int,
        default=defaults.max_tokens,
        help="of a reply, its reasoning included; default: %(default)s",
    )
    judge.add_argument(
        "--machine", default="", help="machine file: [judge], and where judgements are kept"
    )
    judge.add_argument("--json", metavar="FILE", type=Path, help="write the agreement here")
    judge.set_defaults(act=lambda arguments: _grade_judge(arguments, told))


def _grade_judge(arguments: argparse.Namespace, told: Callable[[Report, Path], int]) -> int:
    from factory.grade.judge_agreement import agreement_text
    from factory.grade.judge_lines import agreement_of, grade_judge_lines

    settings, machine = _settings(arguments), _machine(arguments)
    report = grade_judge_lines(arguments.file, arguments.out, settings, machine)
    status = told(report, arguments.out)
    agreement = agreement_of(arguments.out)
    if agreement.n:
        answer(agreement_text(agreement.figures()))
    elif arguments.json:
        say("no line has a label: there is no agreement to measure")
    if arguments.json:
        judge = settings.model_dump(mode="json", exclude={"labels"})
        _write(arguments.json, judge | {"agreement": agreement.figures()})
    return status


def _settings(arguments: argparse.Namespace) -> GradeJudge:
    names = ("model", "revision", "prompt", "temperature", "max_tokens")
    return _checked(GradeJudge, {name: getattr(arguments, name) for name in names})


def _machine(arguments: argparse.Namespace) -> Machine:
    machine = load_machine(arguments.machine)
    given: dict[str, Any] = {}
    if arguments.base_url:
        given["base_urls"] = arguments.base_url
    if arguments.api_key_env:
        given["api_key_env"] = arguments.api_key_env
    judge = _checked(Endpoints, machine.judge.model_dump() | given)
    return machine.model_copy(update={"judge": judge})


def _checked(model: type[Any], values: dict[str, Any]) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        option = "base-url" if name == "base_urls" else name.replace("_", "-")
        raise RecipeError(f"--{option}: {first['msg']}") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise GradeFileError(
            f"{path}: expected a file that can be written, found: {error.strerror}"
        ) from error
