"""`retort plan`: what a run of a recipe would do and what it lacks here, without starting it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from factory.plan.run_plan import ACCEPT_RATE, plan_of
from factory.plan.text import plan_text
from factory.recipe_file import load_machine, load_recipe
from retort.argument_types import share
from retort.plan_lack import Lack
from retort.plan_missing import lacks
from retort.printed import answer, answer_json


def add(commands: Any) -> None:
    """Add the command to the subparsers of `retort`."""
    plan = commands.add_parser(
        "plan",
        help="what a run of a recipe would do, and what is missing here",
        description="Print problems, rounds, candidates, tokens, GPU-hours, disk and cost of a run "
        "of RECIPE, and what this machine lacks for it, without starting it. Nothing is "
        "downloaded and no endpoint is asked. Speeds are assumptions, not measurements.",
        epilog="Exit status: 0 where it could run here, 1 where something is missing, or for an "
        "error.",
    )
    plan.add_argument("recipe", metavar="RECIPE", help="the recipe's file")
    plan.add_argument("--machine", default="", help="machine file: addresses, prices, places")
    plan.add_argument("--json", action="store_true", help="for programs")
    plan.add_argument(
        "--tokens-per-s",
        metavar="N",
        type=_above_zero,
        help="completion tokens per second and GPU of each model; default: assumed by its size",
    )
    plan.add_argument(
        "--accept-rate",
        metavar="X",
        type=share,
        default=ACCEPT_RATE,
        help="share of candidates that will be correct; default: %(default)s, assumed",
    )
    plan.set_defaults(act=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    recipe, machine = load_recipe(arguments.recipe), load_machine(arguments.machine)
    plan = plan_of(
        recipe,
        machine,
        tokens_per_s=arguments.tokens_per_s,
        accept_rate=arguments.accept_rate,
    )
    found = lacks(recipe, machine, plan)
    if arguments.json:
        whole = {
            **plan.model_dump(mode="json"),
            "lacks": [one.model_dump(mode="json") for one in found],
        }
        answer_json(whole)
    else:
        answer(f"{plan_text(plan)}\n\n{_lacks_text(found)}")
    return 1 if any(one.state == "missing" for one in found) else 0


def _lacks_text(found: Sequence[Lack]) -> str:
    if not found:
        return "nothing is missing on this machine"
    return "\n".join(f"{one.state:<8} {one.what} -> {one.remedy}" for one in found)


def _above_zero(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < 1e9:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a number above 0, found {text!r}")
