"""Lists, tuples, sets, vectors and matrices, rewritten and changed element by element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import sympy

from .constants import constant_forms
from .pair import Change, judged, same_value
from .reading import read

_TUPLE: Final = re.compile(r"(?:\\left\s*)?\((.+?)(?:\\right\s*)?\)", re.DOTALL)
_MATRIX: Final = re.compile(r"\\begin\{pmatrix\}(.+)\\end\{pmatrix\}", re.DOTALL)


def elements(text: str) -> tuple[list[str], list[sympy.Expr]] | None:
    """Texts and values of what commas separate; None unless at least two, all read as numbers."""
    parts = [part.strip() for part in re.sub(r"\\text\{ and \}|\\ ", " ", text).split(",")]
    return _read_all(parts) if len(parts) > 1 else None


def _read_all(parts: list[str]) -> tuple[list[str], list[sympy.Expr]] | None:
    values = [read(part) for part in parts]
    if any(value is None or value.free_symbols for value in values):
        return None
    return parts, [value for value in values if value is not None]


def list_changes(gold: str) -> list[Change] | None:
    """A list without brackets; its order says nothing."""
    found = elements(gold) if "(" not in gold and "[" not in gold else None
    if found is None:
        return None
    return list(_list(*found))


def _list(parts: list[str], values: list[sympy.Expr]) -> Iterator[Change]:
    yield Change(", ".join(reversed(parts)), True)
    yield Change(", ".join(parts[1:] + parts[:1]), True)
    yield Change(f"\\{{{', '.join(parts)}\\}}", True)
    yield Change(", ".join(parts[:-1]) + f" \\text{{ and }} {parts[-1]}", True)
    if len(parts) == 2:
        half, middle = (values[0] - values[1]) / 2, sympy.expand((values[0] + values[1]) / 2)
        text = "" if middle == 0 else sympy.latex(middle) + " "
        size = sympy.expand(-half if half.could_extract_minus_sign() else half)
        if not sympy.Add.make_args(size)[1:]:
            yield Change(f"{text}\\pm {sympy.latex(size)}", True)
            yield Change(f"{text}\\pm {sympy.latex(2 * size)}", False)
    for changed in _changed_elements(parts, values, ordered=False):
        yield Change(", ".join(changed), False)
    yield from (Change(", ".join(same), True) for same in _rewritten_elements(parts, values))


def tuple_changes(gold: str) -> list[Change] | None:
    """A tuple, or what may be an open interval: then only what holds for both is written."""
    inside = _TUPLE.fullmatch(gold)
    if inside is None or re.search(r"[()\[\]]|cup", inside[1]):
        return None
    found = elements(inside[1])
    if found is None:
        return None
    changes = list(_ordered(*found, "({})"))
    parts, values = found
    if len(parts) > 2 or sympy.N(sympy.re(values[0] - values[1])) >= 0:
        column = " \\\\ ".join(parts)
        changes.append(Change(f"\\begin{{pmatrix}} {column} \\end{{pmatrix}}", True))
        changes.append(Change(f"\\langle {', '.join(parts)} \\rangle", True))
        turned = " \\\\ ".join(reversed(parts))
        if same_value(values[0], values[-1]) is False:
            changes.append(Change(f"\\begin{{pmatrix}} {turned} \\end{{pmatrix}}", False))
    changes.append(Change(f"\\{{{', '.join(parts)}\\}}", False))
    if len(parts) == 2:
        changes.append(Change(f"[{', '.join(parts)}]", False))
    return changes


def _ordered(parts: list[str], values: list[sympy.Expr], brackets: str) -> Iterator[Change]:
    for changed in _changed_elements(parts, values, ordered=True):
        yield Change(brackets.format(", ".join(changed)), False)
    for same in _rewritten_elements(parts, values):
        yield Change(brackets.format(", ".join(same)), True)


def _changed_elements(
    parts: list[str], values: list[sympy.Expr], *, ordered: bool
) -> Iterator[list[str]]:
    if len(parts) > 2:
        yield parts[:-1]
        yield parts[1:]
    yield [*parts, "1000"]
    if ordered:
        yield [*parts, parts[-1]]
        for at in range(len(parts) - 1):
            if same_value(values[at], values[at + 1]) is False:
                yield [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]
    # A change to one element alone never gives the same elements in another order.
    for at, value in enumerate(values):
        wrong = [change.text for change in judged(value, constant_forms(value)) if not change.equal]
        yield from ([*parts[:at], text, *parts[at + 1 :]] for text in wrong[:4])


def _rewritten_elements(parts: list[str], values: list[sympy.Expr]) -> Iterator[list[str]]:
    for at, value in enumerate(values):
        right = [change.text for change in judged(value, constant_forms(value)) if change.equal]
        plain = [text for text in right if not re.search("[,x%]", text)]
        yield from ([*parts[:at], text, *parts[at + 1 :]] for text in plain[:3])


def matrix_changes(gold: str) -> list[Change] | None:
    """A matrix or a column; a column is the tuple of its entries."""
    inside = _MATRIX.fullmatch(gold)
    if inside is None:
        return None
    rows = [[entry.strip() for entry in row.split("&")] for row in inside[1].split("\\\\")]
    entries = [entry.replace(" ", "") for row in rows for entry in row]
    if not all(re.fullmatch(r"-?\d+(/\d+)?", entry) for entry in entries):
        return []
    values = [sympy.Rational(entry) for entry in entries]
    return list(_matrices(rows, [one for one in values if isinstance(one, sympy.Rational)]))


def _matrices(rows: list[list[str]], values: list[sympy.Rational]) -> Iterator[Change]:
    width = len(rows[0])
    yield Change(_matrix(rows, "bmatrix"), True)
    array = _matrix(rows, "array").replace("{array}", "{array}{" + "c" * width + "}", 1)
    yield Change(f"\\left[ {array} \\right]", True)
    fractions = [
        [re.sub(r"(\d+)/(\d+)", r"\\frac{\1}{\2}", entry) for entry in row] for row in rows
    ]
    yield Change(_matrix(fractions), True)
    yield Change(_matrix(rows).replace(" & ", "&").replace(" \\\\ ", "\\\\"), True)
    doubled = [
        [f"\\frac{{{2 * value.p}}}{{{2 * value.q}}}" for value in values[at : at + width]]
        for at in range(0, len(values), width)
    ]
    yield Change(_matrix(doubled), True)
    for at, value in enumerate(values):
        for other in (value + 1, -value, value * 10):
            if other != value:
                changed = [list(row) for row in rows]
                changed[at // width][at % width] = str(other)
                yield Change(_matrix(changed), False)
    if len(rows) > 1 and values[:width] != values[-width:]:
        yield Change(_matrix(rows[::-1]), False)
    yield Change(_matrix(rows[:-1]), False)
    if width > 1:
        turned = [list(column) for column in zip(*rows, strict=True)]
        if [entry for row in turned for entry in row] != [entry for row in rows for entry in row]:
            yield Change(_matrix(turned), False)
    else:
        entries = ", ".join(row[0] for row in rows)
        yield Change(f"({entries})", True)
        yield Change(f"\\left( {entries} \\right)", True)
        if len(set(values)) > 1:
            yield Change(f"\\{{{entries}\\}}", False)
        if values[0] != values[-1]:
            yield Change(f"({', '.join(row[0] for row in reversed(rows))})", False)


def _matrix(rows: list[list[str]], name: str = "pmatrix") -> str:
    inside = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{{name}}} {inside} \\end{{{name}}}"
