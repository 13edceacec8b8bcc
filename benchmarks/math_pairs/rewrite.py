"""Pairs (gold, answer, label) made from the golds of MATH, the same in every run.

    python -m benchmarks.math_pairs.rewrite [--jsonl FILE]

A gold is read by a small grammar of its own (`reading.py`) or by one regular expression of its
kind, and written again or changed. A label comes from how the answer was made; where that takes
mathematics, from the two values at fifty digits or, with letters, from exact subtraction
(`pair.py`). No parser and no comparison of `factory/grade/math` has a part in it. Policy, where
mathematics leaves a choice, is the default of `schemas/math_policy.py`. Golds that nothing here
reads are only spelled otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Final

from factory.grade.math.extract import last_boxed
from factory.recipe_file import data_root

from .constants import constant_forms
from .expressions import equation_changes, expression_forms
from .pair import Change, Pair, judged
from .quantities import quantity_changes
from .reading import read
from .regions import region_changes
from .spelling import spellings
from .structures import list_changes, matrix_changes, tuple_changes
from .words import word_changes

PER_LABEL: Final = 5
"""At most so many right and so many wrong answers of one gold."""
_SPELLED: Final = 2
"""At most so many of the right answers are mere spellings."""
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:(?:, ?\\! ?|\{,\}|,)\d{3})+")


def golds() -> list[str]:
    """The distinct golds of MATH test, in order."""
    lines = (data_root() / "math" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    found = (last_boxed(json.loads(line)["solution"]) for line in lines)
    return list(dict.fromkeys(gold for gold in found if gold))


def pairs() -> list[Pair]:
    """All pairs of all golds, in order; no pair twice, and none whose texts are the same."""
    return [pair for gold in golds() for pair in pairs_of(gold)]


def pairs_of(gold: str) -> list[Pair]:
    """Pairs of one gold, chosen by a generator that the gold seeds."""
    kind, changes = changes_of(gold)
    labels = {change.text: change.equal for change in changes if change.text != gold}
    conflicts = {change.text for change in changes if labels.get(change.text) != change.equal}
    assert not conflicts - {gold}, (gold, conflicts)
    chance = random.Random(gold)
    right = [text for text, equal in labels.items() if equal]
    wrong = [text for text, equal in labels.items() if not equal]
    spelled = [text for text in dict.fromkeys(spellings(gold)) if text not in {*labels, gold}]
    chosen = chance.sample(right, min(len(right), PER_LABEL - min(len(spelled), _SPELLED)))
    chosen += chance.sample(spelled, min(len(spelled), PER_LABEL - len(chosen)))
    refused = chance.sample(wrong, min(len(wrong), PER_LABEL))
    return [Pair(kind, gold, text, equal=True) for text in chosen] + [
        Pair(kind, gold, text, equal=False) for text in refused
    ]


def changes_of(gold: str) -> tuple[str, list[Change]]:
    """The kind of a gold and every rewriting and change of it, labelled."""
    if _THOUSANDS.fullmatch(gold):
        gold = re.sub(r"\D", "", gold)
    for find in (quantity_changes, word_changes):
        found = find(gold)
        if found is not None:
            return found
    for kind, read_as in (
        ("equation", equation_changes),
        ("list", list_changes),
        ("tuple", tuple_changes),
        ("interval", region_changes),
        ("matrix", matrix_changes),
    ):
        changes = read_as(gold)
        if changes is not None:
            return kind, changes
    value = read(gold)
    if value is None:
        return "other", []
    if value.free_symbols:
        return "expression", judged(value, expression_forms(value))
    if value.is_Integer:
        kind = "integer"
    elif value.is_Rational:
        kind = "decimal" if "." in gold else "rational"
    else:
        kind = "real" if value.is_real else "complex"
    return kind, judged(value, constant_forms(value))


def main() -> None:
    """Print how many pairs of each kind there are; write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jsonl", type=Path, help="write the pairs here")
    arguments = parser.parse_args()
    made = pairs()
    counts = Counter((pair.kind, pair.equal) for pair in made)
    for kind in dict.fromkeys(pair.kind for pair in made):
        print(f"{kind:14} {counts[kind, True]:6} right {counts[kind, False]:6} wrong")
    print(f"{len(made)} pairs of {len({pair.gold for pair in made})} golds")
    if arguments.jsonl:
        lines = (json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in made)
        arguments.jsonl.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
