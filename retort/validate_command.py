"""`retort validate`: a model's scores on suites, without a run around them."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from retort.argument_types import natural, number_between, positive
from retort.printed import answer, answer_json, say


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    validate = commands.add_parser(
        "validate",
        help="a model's scores on suites, or those of stored responses",
        description="Ask MODEL the problems of suites through vLLM, grade the answers as training "
        "data is graded, and print scores with intervals. Without --recipe the settings are those "
        "of the DeepSeek-R1 report: temperature 0.6, top-p 0.95, 32,768 tokens, no system prompt, "
        "<think> forced. Started again, it goes on where it was killed, and does nothing where it "
        "is finished. With --responses nothing is asked. See docs/validation.md.",
        epilog="Exit status: 0 with scores, whatever they are; 1 for an error, 130 when "
        "interrupted.",
    )
    validate.add_argument(
        "subject",
        metavar="MODEL",
        nargs="?",
        help="embedded:NAME, a folder in Hugging Face layout, or a name on the hub",
    )
    validate.add_argument(
        "--suite",
        metavar="NAME",
        nargs="+",
        action="extend",
        default=[],
        help="suites that are known, or suites of the recipe; default: all of the recipe",
    )
    validate.add_argument("--list", action="store_true", help="the suites that are known, and stop")
    validate.add_argument(
        "--recipe",
        metavar="FILE",
        help="take suites, settings and graders from a recipe, or a file with name, [validate] and "
        "[grade] alone",
    )
    validate.add_argument("--revision", default="", help="commit of a hub model")
    validate.add_argument("--model", metavar="NAME", default="", help="what it is called in scores")
    validate.add_argument(
        "--responses", metavar="FILE", type=Path, help="JSONL or Parquet with answers to one suite"
    )
    validate.add_argument(
        "--endpoint", metavar="URL", help="ask MODEL there, as OpenAI's API has it"
    )
    validate.add_argument(
        "--api-key-env", metavar="NAME", help="environment variable with the endpoint's key"
    )
    validate.add_argument("--k", metavar="N", type=positive, help="answers per problem; default: 8")
    validate.add_argument(
        "--max-tokens", metavar="N", type=positive, help="of a completion; default: 32768"
    )
    validate.add_argument(
        "--max-model-len",
        metavar="N",
        type=positive,
        help="tokens of prompt and completion together; default: what the model takes, up to "
        "--max-tokens and 2048",
    )
    validate.add_argument(
        "--temperature", metavar="T", type=number_between(0, 2), help="default: 0.6"
    )
    validate.add_argument("--top-p", metavar="P", type=number_between(0, 2), help="default: 0.95")
    validate.add_argument(
        "--think",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="force <think> at the start; default: yes, but for endpoints",
    )
    validate.add_argument(
        "--seed", metavar="N", type=natural, help="of answers and of --limit; default: 0"
    )
    validate.add_argument(
        "--dtype", choices=["auto", "float32", "bfloat16", "float16"], help="default: auto"
    )
    validate.add_argument(
        "--limit",
        metavar="N",
        type=positive,
        help="only N problems of each source, drawn by seed: no score of the suite",
    )
    validate.add_argument(
        "--data",
        metavar="SUITE=PLACE",
        type=_place,
        nargs="+",
        action="extend",
        default=[],
        help="a local copy of a suite's data, or the commit of its dataset on the hub",
    )
    validate.add_argument(
        "--out", metavar="DIR", type=Path, help="default: below paths.artifacts, by key"
    )
    validate.add_argument("--machine", default="", help="machine file: sizes, places, sandbox")
    validate.add_argument("--json", action="store_true", help="for programs")
    validate.set_defaults(act=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    from retort.validate_subject import asked_for
    from retort.validate_text import list_rows, list_text, notes, result_text

    if arguments.list:
        if arguments.json:
            answer_json(list_rows())
        else:
            answer(list_text())
        return 0
    one = asked_for(arguments)
    for note in one.chosen.notes:
        say(f"note: {note}")
    with redirect_stdout(sys.stderr):  # where libraries say what they like
        manifest = one.run()
    from factory.run_record import read_scores
    from factory.validate.published import published_scores
    from factory.validate.settings import SETTINGS_FILE

    scores = read_scores(one.folder)
    if not arguments.json:
        answer(result_text(one, manifest, scores))
        return 0
    found = {
        "model": one.name,
        "folder": str(one.folder),
        "key": one.key,
        "scores": [score.model_dump(mode="json") for score in scores],
        "published": [
            score.model_dump(mode="json")
            for score in published_scores(suite.name for suite in one.chosen.validate.suites)
        ],
        "suites": manifest.figures["suites"],
        "notes": notes(one, manifest),
        "settings": json.loads((one.folder / SETTINGS_FILE).read_text(encoding="utf-8")),
    }
    answer_json(found)
    return 0


def _place(text: str) -> tuple[str, str]:
    suite, equals, place = text.partition("=")
    if not (suite and equals and place):
        raise argparse.ArgumentTypeError(f"expected SUITE=PATH or SUITE=COMMIT, found {text!r}")
    return suite, place
