"""Texts that look like answers, and texts that nearly do: grown from a grammar, and broken."""

from __future__ import annotations

import random
from collections.abc import Callable

ATOMS = (
    "0", "1", "2", "3", "7", "10", "12", "100", "-1", "0.5", "3.14", "1,000", "2.50", ".25", "1e3",
    "x", "y", "n", "a", "e", "i", r"\pi", r"\infty", r"\theta", "x_1", "1202_3", "50\\%",
    r"90^\circ", r"\$5", r"5\text{ cm}", "3 feet", r"0.\overline{3}", "½", "√2", "x²", "π",
    "10^{20}", "100!", r"\emptyset", r"\mathbb{R}", r"\text{yes}", "no solution", "(B)",
    "4:30 p.m.", "∞", "0.333...",
)  # fmt: skip
COMMANDS = (
    "{0}+{1}", "{0}-{1}", "{0}{1}", "{0}/{1}", r"{0} \cdot {1}", r"\frac{{{0}}}{{{1}}}",
    "({0})^{{{1}}}", r"\sqrt{{{0}}}", r"\sqrt[3]{{{0}}}", r"\sin {0}", r"\log_{{{0}}} {1}",
    r"\ln({0})", "({0},{1})", "[{0},{1})", r"\{{{0},{1}\}}", "{0}, {1}", "{0}={1}", r"{0} \le {1}",
    "{0} < x < {1}", r"{0} \cup {1}", r"{0} \pm {1}", "f({0})={1}", "|{0}|", "({0})!",
    r"\binom{{{0}}}{{{1}}}", r"\begin{{pmatrix}} {0} & {1} \\ {1} & {0} \end{{pmatrix}}",
    r"\text{{{0}}}", "{0}:{1}", "-{0}", r"\left({0}\right)", r"{0} \text{{ and }} {1}",
    r"{0} \text{{ or }} {1}", r"\lfloor {0} \rfloor", r"\{{x \mid x > {0}\}}",
    r"\begin{{cases}} {0} & x>0 \\ {1} & x<0 \end{{cases}}", "{0}%", "{0}!!", r"\boxed{{{0}}}",
    r"{0} \times 10^{{{1}}}", r"x \equiv {0} \pmod{{{1}}}", r"{0} \approx {1}", r"e^{{{0}}}",
    r"{0}_{{{1}}}", r"\overline{{{0}}}", "{0}°", "({0}) ({1})", r"{0}\setminus {1}",
)  # fmt: skip
NOISE = r"\{}()[]|$^_&%#~,;:.!?'=<>+-*/ 0123456789abcxyz" + "√π∞²½≤∪\u200b\x00\ud800"


def grown(chance: random.Random, depth: int = 3) -> str:
    """An answer from the grammar."""
    if depth == 0 or chance.random() < 0.25:
        return chance.choice(ATOMS)
    form = chance.choice(COMMANDS)
    return form.format(grown(chance, depth - 1), grown(chance, depth - 1))


def broken(chance: random.Random, text: str) -> str:
    """The text with a few places removed, doubled, changed or cut."""
    for _ in range(chance.randint(1, 4)):
        at, width = chance.randint(0, len(text)), chance.randint(0, 6)
        piece = text[at : at + width]
        text = chance.choice(BREAKS)(chance, text, at, piece)
    return text


Break = Callable[[random.Random, str, int, str], str]
BREAKS: tuple[Break, ...] = (
    lambda _, text, at, piece: text[:at] + text[at + len(piece) :],
    lambda chance, text, at, piece: text[:at] + piece * chance.choice((2, 3, 50)) + text[at:],
    lambda chance, text, at, _: text[:at] + chance.choice(NOISE) + text[at:],
    lambda _, text, at, __: text[:at],
    lambda chance, text, at, _: text[:at] + chance.choice(ATOMS) + text[at:],
    lambda _, text, at, piece: text[at:] + piece + text[:at],
)


def pair(seed: int) -> tuple[str, str]:
    """A gold and an answer: unrelated, the same but for a break, or both broken."""
    chance = random.Random(seed)
    gold = grown(chance)
    match seed % 4:
        case 0:
            return gold, grown(chance)
        case 1:
            return gold, broken(chance, gold)
        case 2:
            return broken(chance, gold), broken(chance, gold)
        case _:
            return gold, f"({gold})"
