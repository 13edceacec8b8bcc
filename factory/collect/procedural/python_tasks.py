"""Python tasks: write a named function that keeps, changes and folds; graded by calls."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import partial
from typing import Any, Final

from factory.collect.procedural.python_programs import (
    Program,
    draw_program,
    function,
    probes,
)
from factory.collect.procedural.python_steps import AS_IS, KEEP_ALL
from factory.collect.procedural.splits import Drawn

_VERBS: Final = ("get", "make", "find", "pick", "count", "build", "work", "run")
_NOUNS: Final = ("score", "total", "list", "value", "part", "result", "item", "data")
_CASES: Final = 12
_SLIPS: Final = 0.06


def draw(rng: random.Random) -> Drawn:
    """One task; the same generator state gives the same task."""
    program = draw_program(rng)
    while not _is_telling(program):
        program = draw_program(rng)
    name = f"{rng.choice(_VERBS)}_{rng.choice(_NOUNS)}"
    cases = _cases(program)
    gold = {"kind": "call", "entry_point": name, "cases": cases}
    return Drawn(
        skeleton=program.skeleton,
        statement=_statement(rng, program, name, cases[:1]),
        gold=json.dumps(gold, ensure_ascii=False),
        category=program.source,
        level=str(1 + bool(program.keep.code) + (program.change.code != "x")),
        solution=function(name, program, program.in_one_line()),
        trace=partial(_trace, program=program, name=name),
    )


def _is_telling(program: Program) -> bool:
    """Its results vary, and neither its filter nor its map could be left out unnoticed."""
    inputs = probes(program.source)
    results = [program.run(one) for one in inputs]
    if len({json.dumps(result) for result in results}) < 3:
        return False
    shorter: list[Program] = []
    if program.keep is not KEEP_ALL:
        shorter.append(replace(program, keep=KEEP_ALL))
    if program.change is not AS_IS:
        shorter.append(replace(program, change=AS_IS))
    return all(results != [one.run(probe) for probe in inputs] for one in shorter)


def _cases(program: Program) -> list[dict[str, Any]]:
    """Inputs drawn for this program with what our own functions give for them."""
    rng = random.Random(f"cases of {program.skeleton}")
    inputs = [program.input.sample(rng) for _ in range(_CASES)]
    return [{"args": [one], "expected": program.run(one)} for one in inputs]


def _statement(
    rng: random.Random, program: Program, name: str, examples: list[dict[str, Any]]
) -> str:
    kind = program.input
    lead = f"Write a function `{name}({kind.parameter})`"
    if kind.elements.startswith("numbers from"):
        given = "."
    else:
        given = rng.choice([f" that takes {kind.says}.", f" for {kind.says}."])
    tasks: list[str] = []
    if program.keep.code:
        tasks.append(
            rng.choice(["Keep", "Take"]) + f" the {kind.elements} that {program.keep.says}"
        )
    else:
        tasks.append(f"Take the {kind.elements}")
    if program.change.code != "x":
        tasks.append(program.change.says)
    tasks.append(rng.choice(["return", "give back"]) + f" {program.fold.says}")
    told = ", ".join(tasks[:-1]) + rng.choice([" and ", ", then "]) + tasks[-1] + "."
    shown = "\n".join(f"{name}({one['args'][0]!r}) == {one['expected']!r}" for one in examples)
    return f"{lead}{given} {told}\n{shown}"


def _trace(rng: random.Random, program: Program, name: str) -> str:
    """`<think>` with the parts of the program, then the program in a fenced block."""
    kind = program.input
    lines = [rng.choice([f"We walk over {kind.walk}.", ""])]
    for step, word in ((program.keep, "Keep"), (program.change, "Map")):
        if step.code in ("", "x"):
            continue
        slip = ""
        if step.slip and rng.random() < _SLIPS:
            mend = rng.choice(["No, wait", "That is wrong", "Hmm, no"])
            slip = f"{step.slip}. {mend}: "
        says = step.says.removeprefix("are ")
        lead = rng.choice([f"{word}: {says}, so ", f"{says}: "])
        lines.append(f"{lead}{slip}{step.code}.")
    lines.append(rng.choice(["Return", "At the end"]) + f": {program.fold.code.format('...')}.")
    thought = rng.choice(["\n", " "]).join(line for line in lines if line)
    ways = [program.in_one_line(), program.in_steps(), program.in_a_loop()]
    body = rng.choices(ways, weights=[6, 3, 1])[0]
    code = function(name, program, body)
    return f"<think>\n{thought}\n</think>\n\n```python\n{code}\n```"
