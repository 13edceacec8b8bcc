"""Numbers rewritten and changed: integers, fractions, decimals, radicals, pi, complex numbers.

Each function writes texts beside the values they are written from; `pair.judged` compares.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from .pair import POLICY_FIGURES, Form

_LONG_PERIOD = 6


def constant_forms(value: sympy.Expr) -> list[Form]:
    """Forms of a number without letters."""
    if value.is_Integer:
        return [*_integers(int(value))]
    if isinstance(value, sympy.Rational):
        return [*_rationals(value)]
    if not value.is_real:
        return [*_complex(value)]
    return [*_reals(value)]


def written(value: object) -> Form:
    """A value as sympy writes it."""
    assert isinstance(value, sympy.Expr)
    return Form(sympy.latex(value), value)


def digits_swapped(number: int) -> int:
    """The number with its first two neighbours that differ in each other's place."""
    digits = list(str(abs(number)))
    for at in range(len(digits) - 1):
        if digits[at] != digits[at + 1] and (at or digits[1] != "0"):
            digits[at], digits[at + 1] = digits[at + 1], digits[at]
            break
    return (-1 if number < 0 else 1) * int("".join(digits))


def decimal(value: sympy.Expr, figures: int, *, cut: bool = False) -> Form:
    """A decimal with so many significant digits, rounded or cut; policy says if that is enough."""
    exact = sympy.N(value, 60)
    places = figures - 1 - int(sympy.floor(sympy.log(sympy.Abs(exact), 10)))
    scaled = sympy.Abs(exact) * sympy.Integer(10) ** places
    whole = int(sympy.floor(scaled if cut else scaled + sympy.Rational(1, 2)))
    text = str(whole).rjust(places + 1, "0")
    text = f"{text[:-places]}.{text[-places:]}" if places > 0 else text + "0" * -places
    meant = sympy.Rational(text) * sympy.sign(exact)
    is_exact = value.is_Rational and meant == value
    return Form(
        ("-" if exact < 0 else "") + text, meant, None if is_exact else figures >= POLICY_FIGURES
    )


def _integers(number: int) -> Iterator[Form]:
    value = sympy.Integer(number)
    for factor in (2, 3, 10):
        yield Form(f"\\frac{{{number * factor}}}{{{factor}}}", value)
    yield Form(f"{number}.0", value)
    yield Form(f"{number}.00", value)
    yield Form(f"({number})", value)
    yield Form(f"x = {number}", value)
    if abs(number) >= 1000:
        for comma in (",", "{,}", "\\,", ",\\!", " "):
            yield Form(f"{number:,}".replace(",", comma), value)
    if number and number % 100 == 0:
        text = str(abs(number)).rstrip("0")
        power = len(str(abs(number))) - 1
        mantissa = f"{text[0]}.{text[1:]}" if text[1:] else text
        yield Form(f"{'-' if number < 0 else ''}{mantissa} \\times 10^{{{power}}}", value)
        yield Form(f"{'-' if number < 0 else ''}{mantissa} \\times 10^{{{power + 1}}}", value * 10)
    for other in (
        number + 1,
        number - 1,
        -number,
        number * 10,
        number * 2,
        digits_swapped(number),
        number**2 if abs(number) < 1000 else number + 100,
    ):
        yield Form(str(other), sympy.Integer(other))
    yield Form(f"{number}.5", value + sympy.Rational(-1 if number < 0 else 1, 2))
    yield Form(f"{number + 1}.0", value + 1)
    if number:
        yield Form(f"\\frac{{1}}{{{number}}}", 1 / value)
        yield Form(f"\\frac{{{number}}}{{10}}", value / 10)


def _rationals(value: sympy.Rational) -> Iterator[Form]:
    above, below = abs(value.p), value.q
    sign, side = ("-", -1) if value < 0 else ("", 1)

    def fraction(p: int, q: int, shape: str = "\\frac{{{p}}}{{{q}}}") -> Form:
        return Form(sign + shape.format(p=p, q=q), side * sympy.Rational(p, q))

    yield fraction(above, below)
    yield fraction(above, below, "{p}/{q}")
    yield fraction(above * 2, below * 2)
    yield fraction(above * 3, below * 3, "{p}/{q}")
    yield fraction(above, below, "{p} \\div {q}")
    yield Form(f"\\frac{{{side * above}}}{{{below}}}", value)
    yield Form(f"\\frac{{{-side * above}}}{{{-below}}}", value)
    if above > below:
        whole, rest = divmod(above, below)
        yield Form(f"{sign}{whole}\\frac{{{rest}}}{{{below}}}", value)
        yield Form(f"{sign}{whole} {rest}/{below}", value)
        yield Form(f"{sign}{whole}", side * sympy.Integer(whole))
        yield Form(f"{sign}\\frac{{{rest}}}{{{below}}}", side * sympy.Rational(rest, below))
    yield from _decimals(value)
    yield fraction(below, above)
    yield Form(("" if sign else "-") + f"\\frac{{{above}}}{{{below}}}", -value)
    yield fraction(above + 1, below)
    yield fraction(above, below + 1)
    yield fraction(above * 10, below)
    yield fraction(digits_swapped(above), below, "{p}/{q}")
    yield Form(f"{sign}{above}", side * sympy.Integer(above))


def _decimals(value: sympy.Rational) -> Iterator[Form]:
    sign, side = ("-", -1) if value < 0 else ("", 1)
    rest = value.q
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        text = str(sympy.N(abs(value), 40)).rstrip("0")
        yield Form(sign + text, side * sympy.Rational(text))
        yield Form(f"{sign}{text}0", side * sympy.Rational(text))
        percent = sympy.Rational(text) * 100
        if percent.is_Integer:
            yield Form(f"{sign}{percent}\\%", value)
        for other in (value * 10, value / 10, value + side * sympy.Rational(1, 10)):
            shown = str(sympy.N(abs(other), 40)).rstrip("0")
            yield Form(f"{sign}{shown}0", other)
        return
    yield decimal(value, 8, cut=True)
    yield decimal(value, 6)
    yield decimal(value, 3)
    yield decimal(value, 5, cut=True)
    period = sympy.n_order(10, value.q) if rest == value.q else _LONG_PERIOD + 1
    if period <= _LONG_PERIOD:
        whole, part = divmod(abs(value), 1)
        digits = str(int(part * (10**period - 1))).rjust(period, "0")
        yield Form(f"{sign}{whole}.\\overline{{{digits}}}", value)
        figures = len(f"{whole}{digits}".lstrip("0"))
        if figures < POLICY_FIGURES:
            yield Form(f"{sign}{whole}.{digits}", value, False)


def _reals(value: sympy.Expr) -> Iterator[Form]:
    yield written(value)
    yield written(sympy.expand(value))
    yield written(sympy.together(value))
    yield written(sympy.radsimp(value))
    yield from (decimal(value, figures) for figures in (6, 8, 12, 3, 4))
    yield decimal(value, 9, cut=True)
    square = sympy.expand(value**2)
    sign = "-" if value < 0 else ""
    if square.is_Rational:
        yield Form(f"{sign}\\sqrt{{{sympy.latex(square)}}}", value)
        yield Form(
            f"{sign}\\frac{{{sympy.latex(square)}}}{{\\sqrt{{{sympy.latex(square)}}}}}", value
        )
        yield Form(sympy.latex(square), square)
        yield Form(f"{sign}\\sqrt{{{sympy.latex(square * 2)}}}", value * sympy.sqrt(2))
    terms = sympy.Add.make_args(sympy.expand(value))
    yield from _terms(value)
    if len(terms) > 1:
        for term in terms:
            yield written(value - 2 * term)
        yield written(sum(terms[1:], sympy.Integer(0)))
    for other in (-value, 1 / value, value * 10, value * 2, value + 1, value / 2):
        yield written(sympy.expand(other))
    if value.has(sympy.pi):
        yield written(value.subs(sympy.pi, 1))
        yield written(value.subs(sympy.pi, 2 * sympy.pi))
        yield written(value.subs(sympy.pi, sympy.Rational(22, 7)))
        yield written(value.subs(sympy.pi, sympy.pi**2))
    for root in sorted(value.atoms(sympy.Pow), key=str):
        if root.exp == sympy.Rational(1, 2):
            yield written(value.subs(root, root.base))
            yield written(value.subs(root, sympy.sqrt(root.base + 1)))
            yield written(value.subs(root, sympy.root(root.base, 3)))


def _terms(value: sympy.Expr) -> Iterator[Form]:
    """The sum turned around, term by term."""
    terms = sympy.expand(value).as_ordered_terms()
    for order in (terms, terms[::-1]):
        text = "".join(
            f" - {sympy.latex(-term)}"
            if term.could_extract_minus_sign()
            else f" + {sympy.latex(term)}"
            for term in order
        )
        yield Form(text.removeprefix(" + ").replace(" - ", "-", text.startswith(" - ")), value)


def _complex(value: sympy.Expr) -> Iterator[Form]:
    real, imaginary = value.as_real_imag()
    unit = sympy.I
    yield written(value)
    yield from _terms(value)
    yield Form(f"{sympy.latex(real)} + ({sympy.latex(imaginary)})i", value)
    yield Form(f"({sympy.latex(imaginary)})i + ({sympy.latex(real)})", value)
    yield Form(f"\\frac{{{sympy.latex(2 * real)} + ({sympy.latex(2 * imaginary)})i}}{{2}}", value)
    for other in (
        real - imaginary * unit,
        -value,
        imaginary + real * unit,
        real + imaginary,
        value + 1,
        value + unit,
        value * 10,
        value * unit,
        sympy.Abs(value),
    ):
        yield written(sympy.expand(other))
