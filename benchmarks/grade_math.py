"""Symbolic grading against math-verify, in one run: CPU time, mistakes by kind, memory.

Both grade the same items, one process each, in interleaved repeats with cold caches; a ratio is
math-verify's median CPU time over ours, children included; imports and the start and end of
processes are left out. math-verify is asked in the way (`ways.CONFIGS`) in which it is most often
right on a sample of the set; among ways within half a percent of the best, in the fastest.

    gsm8k   8,792 worked solutions as responses, all right
    math    800 responses of a Qwen2.5-Math model to 100 MATH problems, labelled
    pairs   each pair made from the golds of MATH (`math_pairs/rewrite.py`) once, answers boxed
    long    the responses of `math`, their reasoning eight times

Mistakes are counted on `pairs` and on two sets that are labelled by hand: `math_pairs/hard.jsonl`,
against which the grader was written, and `math_pairs/blind.jsonl`, whose author had not seen the
grader (and which then showed what to mend). On `math` every response on which we and its label
disagree is listed.

    python benchmarks/grade_math.py [--quick] [--sets SET …] [--json FILE]
    python benchmarks/grade_math.py --misses      # every pair that ours gets wrong, and no timing
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from math_pairs import sets, ways
from math_pairs.pair import Pair
from math_pairs.ways import Item, Run

Figures = dict[str, Any]
SETS: Final = ("gsm8k", "math", "pairs", "long")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repeat; a tenth of the pairs")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, help="only these")
    parser.add_argument("--json", type=Path, help="write ratios and figures here")
    parser.add_argument("--misses", action="store_true", help="only what ours gets wrong")
    arguments = parser.parse_args()
    if arguments.misses:
        for name in sets.BY_HAND:
            pairs = sets.by_hand(name)
            print_misses(name, pairs, ways.apart(ways.ours, sets.items_of(pairs)))
        pairs = sets.math_pairs()
        print_misses("pairs", pairs, ways.apart(ways.ours, sets.items_of(pairs)))
        return
    result = measured(arguments.sets, quick=arguments.quick)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if str(arguments.json) != "/dev/stdout":
        print_tables(result)


def measured(names: list[str], *, quick: bool) -> Figures:
    """Ratios by set, and all figures; what is labelled by hand is graded with `pairs`."""
    pairs = sets.math_pairs() if "pairs" in names else []
    pairs = pairs[: len(pairs) // 10] if quick else pairs
    responses = sets.generations()
    labelled = [item for _, item in responses]
    makers: dict[str, Callable[[], list[Item]]] = {
        "gsm8k": sets.gsm8k,
        "math": lambda: labelled,
        "pairs": lambda: sets.items_of(pairs),
        "long": lambda: sets.long_responses(labelled),
    }
    ratios: dict[str, float] = {}
    figures: Figures = {}
    for name in names:
        items = makers[name]()
        config = best_config(items)
        runs = [
            (ways.apart(ways.ours, items), ways.apart(ways.math_verify, items, config))
            for _ in range(1 if quick else 3)
        ]
        our_s = statistics.median(one.cpu_s for one, _ in runs)
        their_s = statistics.median(one.cpu_s for _, one in runs)
        mine, theirs = runs[0]
        ratios[name] = their_s / our_s
        figures[name] = set_figures(items, runs[0], our_s, their_s) | {"math_verify": config}
        if name == "math":
            figures[name]["disagreements"] = disagreements(responses, mine, theirs)
        if name == "pairs":
            figures[name] |= mistakes(pairs, mine.verdicts, theirs.verdicts)
            figures |= {each: figures_by_hand(each, config) for each in sets.BY_HAND}
    return {"ratios": ratios, "figures": figures}


def figures_by_hand(name: str, config: str) -> Figures:
    """Mistakes on pairs labelled by hand."""
    hard = sets.by_hand(name)
    mine = ways.apart(ways.ours, sets.items_of(hard))
    theirs, lost = ways.math_verify_guarded(sets.items_of(hard), config)
    return mistakes(hard, mine.verdicts, theirs) | {"math_verify_processes_lost": lost}


def disagreements(responses: list[tuple[str, Item]], mine: Run, theirs: Run) -> list[Figures]:
    """Every response on which we and its label disagree."""
    return [
        {"response": where, "gold": item.gold, "label": item.equal, "ours": detail, "theirs": their}
        for (where, item), verdict, detail, their in zip(
            responses, mine.verdicts, mine.details, theirs.verdicts, strict=True
        )
        if verdict != item.equal
    ]


def best_config(items: list[Item], size: int = 400) -> str:
    """The way to ask math-verify that serves it best on a sample of the items."""
    sample = random.Random(sets.SEED).sample(items, min(size, len(items)))
    runs = {config: ways.apart(ways.math_verify, sample, config) for config in ways.CONFIGS}
    right = {config: agreement(sample, run.verdicts) for config, run in runs.items()}
    near = [config for config in runs if right[config] >= max(right.values()) - 0.005]
    return min(near, key=lambda config: runs[config].cpu_s)


def agreement(items: list[Item], verdicts: list[bool]) -> float:
    """Share of items on which verdict and label agree."""
    return statistics.fmean(item.equal == one for item, one in zip(items, verdicts, strict=True))


def set_figures(items: list[Item], both: tuple[Run, Run], our_s: float, their_s: float) -> Figures:
    """Agreement, speed and memory on one set."""
    mine, theirs = both
    return {
        "items": len(items),
        "agreement": agreement(items, mine.verdicts),
        "agreement_math_verify": agreement(items, theirs.verdicts),
        "cpu_ms_per_item": 1000 * our_s / len(items),
        "cpu_ms_per_item_math_verify": 1000 * their_s / len(items),
        "process_mib": mine.process_bytes / 2**20,
        "worker_mib": mine.workers_bytes / 2**20,
        "math_verify_mib": theirs.process_bytes / 2**20,
    }


def mistakes(pairs: list[Pair], ours: list[bool], theirs: list[bool]) -> Figures:
    """Counts of pairs and mistakes, all and by kind."""
    kinds: dict[str, Counter[str]] = {}
    for pair, one, other in zip(pairs, ours, theirs, strict=True):
        counts = kinds.setdefault(pair.kind, Counter())
        counts["equal" if pair.equal else "unequal"] += 1
        for name, verdict in (("", one), ("_math_verify", other)):
            if verdict != pair.equal:
                counts[("false_rejects" if pair.equal else "false_accepts") + name] += 1
    counts = sum(kinds.values(), Counter[str]())
    total: Figures = dict(counts)
    for name in ("", "_math_verify"):
        accepted = counts[f"false_accepts{name}"]
        total[f"false_accepts_per_1000{name}"] = 1000 * accepted / max(1, counts["unequal"])
    return {"total": total, "kinds": {kind: dict(counts) for kind, counts in kinds.items()}}


def print_tables(result: Figures) -> None:
    """What a person wants to see of it."""
    heads = f"{'ratio':>8}{'ours ms':>10}{'theirs ms':>11}{'right':>9}{'theirs':>9}"
    print(f"{'set':8}{'items':>8}{heads}")
    for name, ratio in result["ratios"].items():
        one = result["figures"][name]
        print(
            f"{name:8}{one['items']:8}{ratio:8.2f}{one['cpu_ms_per_item']:10.3f}"
            f"{one['cpu_ms_per_item_math_verify']:11.3f}{one['agreement']:9.2%}"
            f"{one['agreement_math_verify']:9.2%}  {one['process_mib']:.0f}+{one['worker_mib']:.0f}"
            f" MiB, theirs {one['math_verify_mib']:.0f} MiB ({one['math_verify']})"
        )
    columns = ("equal", "unequal", "false_accepts", "false_rejects")
    columns += ("false_accepts_math_verify", "false_rejects_math_verify")
    for name in [name for name in ("pairs", *sets.BY_HAND) if name in result["figures"]]:
        heads = ("equal", "unequal", "accepts", "rejects", "their acc.", "their rej.")
        print(f"\n{name:18}" + "".join(f"{head:>11}" for head in heads))
        one = result["figures"][name]
        for kind, counts in [*sorted(one["kinds"].items()), ("all", one["total"])]:
            print(f"{kind:18}" + "".join(f"{counts.get(column, 0):11}" for column in columns))
        per = [one["total"][f"false_accepts_per_1000{whose}"] for whose in ("", "_math_verify")]
        print(f"false accepts per 1,000 unequal: ours {per[0]:.2f}, math-verify {per[1]:.2f}")
    if "math" not in result["figures"]:
        return
    print("\nresponses on which we and their label disagree:")
    for one in result["figures"]["math"]["disagreements"]:
        print(f"  {one['response']}  {one['gold']}  label {one['label']}  {one['ours']}")


def print_misses(name: str, pairs: list[Pair], run: Run) -> None:
    """Every pair that ours gets wrong, a line each."""
    wrong = [
        (pair, detail)
        for pair, verdict, detail in zip(pairs, run.verdicts, run.details, strict=True)
        if verdict != pair.equal
    ]
    print(f"{name}: {len(wrong)} of {len(pairs)} wrong")
    for pair, detail in sorted(wrong, key=lambda miss: (miss[0].equal, miss[0].kind)):
        mistake = "false reject" if pair.equal else "FALSE ACCEPT"
        print(f"{mistake}  {pair.kind}  {pair.gold!r}  {pair.answer!r}  {detail}")


if __name__ == "__main__":
    main()
